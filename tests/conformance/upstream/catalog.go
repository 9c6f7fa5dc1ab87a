package main

import (
	"encoding/json"
	"errors"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/scheduling"
)

// The label whose value names a capacity reservation, as the AWS provider has it.
const reservationLabel = "karpenter.k8s.aws/capacity-reservation-id"

// A machine has room for this many pods if the catalogue is silent, as the kubelet has it.
const podsByDefault = "110"

// An instance type in the JSON of the KWOK provider, with what real providers know besides.
type catalogType struct {
	Name             string
	Architecture     string
	OperatingSystems []string
	Resources        corev1.ResourceList
	Offerings        []catalogOffering
	// What the machine keeps for itself; a little if it is absent.
	Overhead corev1.ResourceList
	// Further labels of its nodes. One that only other types of the catalogue have does not exist on this one.
	Labels map[string]string
}

type catalogOffering struct {
	Price        float64
	Requirements []corev1.NodeSelectorRequirement
	// Absent means that it can be bought.
	Available           *bool
	ReservationCapacity int
}

func readCatalog(path string) ([]*cloudprovider.InstanceType, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var listed []catalogType
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, err
	}
	if len(listed) == 0 {
		return nil, errors.New("no instance types")
	}
	labels := map[string]bool{}
	for _, t := range listed {
		for key := range t.Labels {
			labels[key] = true
		}
	}
	v1.WellKnownLabels.Insert(keys(labels)...)
	types := make([]*cloudprovider.InstanceType, 0, len(listed))
	for _, t := range listed {
		types = append(types, t.instanceType(labels))
	}
	return types, nil
}

func (t catalogType) instanceType(labels map[string]bool) *cloudprovider.InstanceType {
	in := func(key string, values ...string) *scheduling.Requirement {
		return scheduling.NewRequirement(key, corev1.NodeSelectorOpIn, values...)
	}
	requirements := scheduling.NewRequirements(
		in(corev1.LabelInstanceTypeStable, t.Name),
		in(corev1.LabelArchStable, t.Architecture),
		in(corev1.LabelOSStable, t.OperatingSystems...),
		in(corev1.LabelTopologyZone, t.offered(corev1.LabelTopologyZone)...),
		in(v1.CapacityTypeLabelKey, t.offered(v1.CapacityTypeLabelKey)...),
	)
	for key := range labels {
		if value, ok := t.Labels[key]; ok {
			requirements.Add(in(key, value))
		} else {
			requirements.Add(scheduling.NewRequirement(key, corev1.NodeSelectorOpDoesNotExist))
		}
	}
	if _, ok := t.Resources[corev1.ResourcePods]; !ok {
		t.Resources[corev1.ResourcePods] = resource.MustParse(podsByDefault)
	}
	if t.Overhead == nil {
		t.Overhead = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("10Mi")}
	}
	offerings := make(cloudprovider.Offerings, 0, len(t.Offerings))
	for _, o := range t.Offerings {
		offerings = append(offerings, o.offering())
	}
	return &cloudprovider.InstanceType{
		Name:         t.Name,
		Requirements: requirements,
		Offerings:    offerings,
		Capacity:     t.Resources,
		Overhead:     &cloudprovider.InstanceTypeOverhead{KubeReserved: t.Overhead},
	}
}

// The values that the type's offerings have for a label.
func (t catalogType) offered(key string) []string {
	values := map[string]bool{}
	for _, o := range t.Offerings {
		for _, r := range o.Requirements {
			if r.Key == key {
				for _, value := range r.Values {
					values[value] = true
				}
			}
		}
	}
	return keys(values)
}

func (o catalogOffering) offering() *cloudprovider.Offering {
	requirements := scheduling.NewRequirements()
	for _, r := range o.Requirements {
		v1.WellKnownLabels.Insert(r.Key)
		requirements.Add(scheduling.NewRequirement(r.Key, r.Operator, r.Values...))
	}
	return &cloudprovider.Offering{
		Requirements:        requirements,
		Price:               o.Price,
		Available:           o.Available == nil || *o.Available,
		ReservationCapacity: o.ReservationCapacity,
	}
}

func keys(set map[string]bool) []string {
	sorted := make([]string, 0, len(set))
	for key := range set {
		sorted = append(sorted, key)
	}
	slices.Sort(sorted)
	return sorted
}
