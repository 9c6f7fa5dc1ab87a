package main

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
)

// What upstream decided. Lists are sorted, so that equal decisions look equal.
type answer struct {
	// Dollars per hour: the sum of the claims' prices.
	Cost float64 `json:"cost"`
	// The same of every run.
	Costs []float64 `json:"costs"`
	// How long solving took, without building the scheduler.
	Seconds float64 `json:"seconds"`
	// The same of every run.
	Times    []float64  `json:"times"`
	Claims   []claim    `json:"claims"`
	Existing []existing `json:"existing"`
	// Why a pod has no place. "ignored" was refused before scheduling.
	Errors map[string]string `json:"errors"`
}

// A node to buy.
type claim struct {
	NodePool string `json:"nodePool"`
	// Cheapest first.
	InstanceTypes []string          `json:"instanceTypes"`
	Requirements  []string          `json:"requirements"`
	Requests      map[string]string `json:"requests"`
	// Dollars per hour of the cheapest offering that is left open.
	Price float64  `json:"price"`
	Pods  []string `json:"pods"`
}

// What goes to a node that is there.
type existing struct {
	Node string   `json:"node"`
	Pods []string `json:"pods"`
}

func newAnswer(results scheduling.Results, ignored []*corev1.Pod, took time.Duration) *answer {
	a := &answer{Seconds: took.Seconds(), Claims: []claim{}, Existing: []existing{}, Errors: map[string]string{}}
	for pod, why := range results.PodErrors {
		a.Errors[nameOf(pod)] = why.Error()
	}
	for _, pod := range ignored {
		a.Errors[nameOf(pod)] = "ignored"
	}
	for _, node := range results.ExistingNodes {
		if len(node.Pods) > 0 {
			a.Existing = append(a.Existing, existing{Node: node.Name(), Pods: namesOf(node.Pods)})
		}
	}
	for _, c := range results.NewNodeClaims {
		bought := newClaim(c)
		a.Cost += bought.Price
		a.Claims = append(a.Claims, bought)
	}
	slices.SortFunc(a.Existing, func(x, y existing) int { return cmp.Compare(x.Node, y.Node) })
	slices.SortFunc(a.Claims, func(x, y claim) int { return slices.Compare(x.Pods, y.Pods) })
	return a
}

func newClaim(c *scheduling.NodeClaim) claim {
	c.FinalizeScheduling()
	bought := claim{NodePool: c.NodePoolName, Price: math.MaxFloat64, Requests: map[string]string{}, Pods: namesOf(c.Pods)}
	for _, t := range c.InstanceTypeOptions.OrderByPrice(c.Requirements) {
		// A claim that was pinned to a reservation may still list types that are not part of it.
		open := t.Offerings.Available().Compatible(c.Requirements)
		if len(open) == 0 {
			continue
		}
		bought.InstanceTypes = append(bought.InstanceTypes, t.Name)
		bought.Price = min(bought.Price, open.Cheapest().Price)
	}
	for _, r := range c.Requirements {
		if r.Key != corev1.LabelInstanceTypeStable { // the list of types again
			bought.Requirements = append(bought.Requirements, r.String())
		}
	}
	slices.Sort(bought.Requirements)
	for name, quantity := range c.Spec.Resources.Requests {
		bought.Requests[string(name)] = quantity.String()
	}
	return bought
}

func namesOf(pods []*corev1.Pod) []string {
	names := make([]string, 0, len(pods))
	for _, pod := range pods {
		names = append(names, nameOf(pod))
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

func nameOf(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
