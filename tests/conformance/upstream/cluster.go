package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/awslabs/operatorpkg/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	kwokv1alpha1 "sigs.k8s.io/karpenter/kwok/apis/v1alpha1"
	_ "sigs.k8s.io/karpenter/pkg/apis" // registers Karpenter's kinds
	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
)

// Scenarios play at this moment; what carries no time was made an hour before.
var now = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// The Kubernetes objects of a scenario, as an API server would have them.
func readScenario(path string) ([]client.Object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	decode := scheme.Codecs.UniversalDeserializer().Decode
	var objects []client.Object
	for n := 1; ; n++ {
		var document runtime.RawExtension
		if err := documents.Decode(&document); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("document %d: %w", n, err)
		}
		if len(bytes.TrimSpace(document.Raw)) == 0 || string(document.Raw) == "null" {
			continue
		}
		decoded, _, err := decode(document.Raw, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", n, err)
		}
		object, ok := decoded.(client.Object)
		if !ok {
			return nil, fmt.Errorf("document %d: %T is no object", n, decoded)
		}
		admit(object, n)
		objects = append(objects, object)
	}
}

// Fills in what the API server, the controllers and kube-scheduler would have written.
func admit(object client.Object, n int) {
	if object.GetUID() == "" {
		object.SetUID(types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", n)))
	}
	if created := object.GetCreationTimestamp(); created.IsZero() {
		object.SetCreationTimestamp(metav1.NewTime(now.Add(-time.Hour)))
	}
	switch o := object.(type) {
	case *v1.NodePool:
		o.StatusConditions().SetTrue(v1.ConditionTypeValidationSucceeded)
		o.StatusConditions().SetTrue(v1.ConditionTypeNodeClassReady)
	case *corev1.Pod:
		if o.Spec.NodeName == "" {
			o.Status.Phase = corev1.PodPending
			o.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
		}
	}
}

// A provider that sells the catalogue to every pool.
type shop struct {
	cloudprovider.CloudProvider // what deciding does not call
	types                       []*cloudprovider.InstanceType
}

func (s *shop) Name() string { return "catalog" }

func (s *shop) GetInstanceTypes(context.Context, *v1.NodePool) ([]*cloudprovider.InstanceType, error) {
	return s.types, nil
}

func (s *shop) GetSupportedNodeClasses() []status.Object {
	return []status.Object{&kwokv1alpha1.KWOKNodeClass{}}
}

// Karpenter's provisioner, and what it knows of the cluster.
type cluster struct {
	provisioner *provisioning.Provisioner
	state       *state.Cluster
	client      client.Client
	clock       *clocktesting.FakeClock
	recorder    events.Recorder
}

func newCluster(ctx context.Context, types []*cloudprovider.InstanceType, objects []client.Object) (*cluster, error) {
	api := fakeAPI(objects)
	provider := &shop{types: types}
	clock := clocktesting.NewFakeClock(now)
	known := state.NewCluster(clock, api, provider)
	// What watches would bring, claims before nodes before pods: each needs those before it.
	for _, object := range objects {
		if claim, ok := object.(*v1.NodeClaim); ok {
			known.UpdateNodeClaim(claim)
		}
	}
	for _, object := range objects {
		if node, ok := object.(*corev1.Node); ok {
			if err := known.UpdateNode(ctx, node.DeepCopy()); err != nil {
				return nil, fmt.Errorf("node %s: %w", node.Name, err)
			}
		}
	}
	for _, object := range objects {
		var err error
		switch o := object.(type) {
		case *corev1.Pod:
			err = known.UpdatePod(ctx, o.DeepCopy())
		case *appsv1.DaemonSet:
			err = known.UpdateDaemonSet(ctx, o.DeepCopy())
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", object.GetName(), err)
		}
	}
	recorder := events.NewRecorder(&record.FakeRecorder{})
	p := provisioning.NewProvisioner(api, recorder, provider, known, clock, nil, nil)
	return &cluster{provisioner: p, state: known, client: api, clock: clock, recorder: recorder}, nil
}

// An API server in memory that holds the objects, with the indexes that Karpenter asks for.
func fakeAPI(objects []client.Object) client.Client {
	return fake.NewClientBuilder().
		WithScheme(scheme.Scheme).
		WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string {
			return []string{o.(*corev1.Pod).Spec.NodeName}
		}).
		WithIndex(&corev1.Node{}, "spec.providerID", func(o client.Object) []string {
			return []string{o.(*corev1.Node).Spec.ProviderID}
		}).
		WithIndex(&v1.NodeClaim{}, "status.providerID", func(o client.Object) []string {
			return []string{o.(*v1.NodeClaim).Status.ProviderID}
		}).
		WithIndex(&storagev1.VolumeAttachment{}, "spec.nodeName", func(o client.Object) []string {
			return []string{o.(*storagev1.VolumeAttachment).Spec.NodeName}
		}).
		WithInterceptorFuncs(interceptor.Funcs{
			// Karpenter asks for volumes with the namespace of their claim. A real API server ignores it, since they have
			// none; the one in memory would not find them.
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
				if _, ok := o.(*corev1.PersistentVolume); ok {
					key.Namespace = ""
				}
				return c.Get(ctx, key, o, opts...)
			},
		}).
		WithObjects(objects...).
		Build()
}
