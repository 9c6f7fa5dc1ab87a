// The upstream oracle: what the scheduler of Karpenter itself decides about a scenario.
//
//	upstream [-runs N] [-timeout D] [-workers N] [-preference-policy P] [-min-values-policy P] CATALOG.json SCENARIO.yaml
//
// It prints one answer as JSON. Nothing is launched and no cluster is needed: the objects of the scenario are put into
// an API server in memory, the catalogue is what the provider sells, and the provisioner of Karpenter decides.
//
// This file reads the command line. What a catalogue is stands in catalog.go, what a scenario is in cluster.go, how
// the scheduler is asked in decide.go, what an answer is in answer.go.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/operator/logging"
	"sigs.k8s.io/karpenter/pkg/operator/options"
)

// How upstream is asked.
type settings struct {
	runs             int
	workers          int
	timeout          time.Duration
	preferencePolicy options.PreferencePolicy
	minValuesPolicy  options.MinValuesPolicy
}

func main() {
	var s settings
	flag.IntVar(&s.runs, "runs", 1, "how often to decide: upstream is not deterministic; the answer is the first run's, costs and seconds are of all")
	flag.IntVar(&s.workers, "workers", 2, "how many goroutines look for a node at a time")
	flag.DurationVar(&s.timeout, "timeout", 0, "stop deciding after this long, as the controller does after a minute; 0 waits for the end")
	preference := flag.String("preference-policy", string(options.PreferencePolicyRespect), "Respect or Ignore")
	minValues := flag.String("min-values-policy", string(options.MinValuesPolicyStrict), "Strict or BestEffort")
	flag.Parse()
	s.preferencePolicy, s.minValuesPolicy = options.PreferencePolicy(*preference), options.MinValuesPolicy(*minValues)
	if flag.NArg() != 2 || s.runs < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(s, flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func run(s settings, catalogFile, scenarioFile string) error {
	log.SetLogger(logging.NopLogger)
	cloudprovider.ReservationIDLabel = reservationLabel

	var first *answer
	for range s.runs {
		// Deciding changes both the types and the cluster, so every run starts from the files.
		types, err := readCatalog(catalogFile)
		if err != nil {
			return fmt.Errorf("%s: %w", catalogFile, err)
		}
		objects, err := readScenario(scenarioFile)
		if err != nil {
			return fmt.Errorf("%s: %w", scenarioFile, err)
		}
		a, err := decide(s, types, objects)
		if err != nil {
			return fmt.Errorf("%s: %w", scenarioFile, err)
		}
		if first == nil {
			first = a
		}
		first.Costs = append(first.Costs, a.Cost)
		first.Times = append(first.Times, a.Seconds)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(first)
}
