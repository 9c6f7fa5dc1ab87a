//go:build suites

// Package suites names Karpenter's own black-box suites, so that this module pins what they need. Nothing builds it:
// the suites are tests, and `go test -c` takes them from Karpenter's module by their names.
package suites

import (
	_ "sigs.k8s.io/karpenter/test/suites/performance"
	_ "sigs.k8s.io/karpenter/test/suites/regression"
)
