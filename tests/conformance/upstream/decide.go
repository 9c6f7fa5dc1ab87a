package main

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
	"sigs.k8s.io/karpenter/pkg/operator/injection"
	"sigs.k8s.io/karpenter/pkg/operator/options"
	"sigs.k8s.io/karpenter/pkg/test"
)

// One provisioning round, step by step as the provisioner takes it, so that solving can be timed alone. A step taken
// here and not there would make this a different program: keep it in line with Provisioner.Schedule.
func decide(s settings, types []*cloudprovider.InstanceType, objects []client.Object) (*answer, error) {
	ctx := injection.WithControllerName(context.Background(), "provisioner")
	ctx = options.ToContext(ctx, test.Options(test.OptionsFields{
		PreferencePolicy: ptr.To(s.preferencePolicy),
		MinValuesPolicy:  ptr.To(s.minValuesPolicy),
	}))
	c, err := newCluster(ctx, types, objects)
	if err != nil {
		return nil, err
	}
	nodes := c.state.DeepCopyNodes()
	pending, err := c.provisioner.GetPendingPods(ctx)
	if err != nil {
		return nil, err
	}
	leaving, err := nodes.Deleting().CurrentlyReschedulablePods(ctx, c.client, c.clock, c.recorder)
	if err != nil {
		return nil, err
	}
	pods := append(pending, leaving...)
	ignored := ignoredPods(objects, pods)
	if len(pods) == 0 {
		return newAnswer(scheduling.Results{}, ignored, 0), nil
	}
	scheduler, err := c.provisioner.NewScheduler(ctx, pods, nodes.Active(), uids(leaving), s.schedulerOptions()...)
	if errors.Is(err, provisioning.ErrNodePoolsNotFound) {
		return newAnswer(scheduling.Results{PodErrors: failed(pods, err)}, ignored, 0), nil
	} else if err != nil {
		return nil, err
	}
	solving := ctx
	if s.timeout > 0 {
		var cancel context.CancelFunc
		solving, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	start := time.Now()
	results, err := scheduler.Solve(solving, pods)
	took := time.Since(start)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return newAnswer(results.TruncateInstanceTypes(ctx, scheduling.MaxInstanceTypes), ignored, took), nil
}

func (s settings) schedulerOptions() []scheduling.Options {
	chosen := []scheduling.Options{
		scheduling.DisableReservedCapacityFallback,
		scheduling.NumConcurrentReconciles(s.workers),
		scheduling.MinValuesPolicy(s.minValuesPolicy),
	}
	if s.preferencePolicy == options.PreferencePolicyIgnore {
		chosen = append(chosen, scheduling.IgnorePreferences)
	}
	return chosen
}

// The pods without a node that the provisioner refused before it scheduled anything, as for a claim that is missing.
func ignoredPods(objects []client.Object, considered []*corev1.Pod) []*corev1.Pod {
	taken := uids(considered)
	var ignored []*corev1.Pod
	for _, object := range objects {
		if pod, ok := object.(*corev1.Pod); ok && pod.Spec.NodeName == "" && !taken.Has(pod.UID) {
			ignored = append(ignored, pod)
		}
	}
	return ignored
}

func uids(pods []*corev1.Pod) sets.Set[types.UID] {
	set := sets.New[types.UID]()
	for _, pod := range pods {
		set.Insert(pod.UID)
	}
	return set
}

func failed(pods []*corev1.Pod, why error) map[*corev1.Pod]error {
	all := map[*corev1.Pod]error{}
	for _, pod := range pods {
		all[pod] = why
	}
	return all
}
