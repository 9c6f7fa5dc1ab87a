// The control plane of the test bed: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl in one
// program, each by the command that its own project makes public. Which one it is, is said by the name that it is
// started under (a link) or by its first argument:
//
//	control-plane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubectl [flags of that program]
//	control-plane new-key FILE
//
// One program instead of five, since they share most of their code: it is built once and linked once. It knows nothing
// of how the bed is put together; flags, ports and files come from `cargo xtask cluster`.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // the time zones of CronJobs, on machines that have none

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the metrics that each program has when it is built alone
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// A server takes what cobra reads from os.Args; so do etcd and kubectl.
var programs = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          func() { run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() { run(controllers.NewControllerManagerCommand()) },
	"kube-scheduler":          func() { run(scheduler.NewSchedulerCommand()) },
	"kubectl":                 func() { run(cmd.NewDefaultKubectlCommand()) },
	"new-key":                 func() { newKey() },
}

func main() {
	if start, known := programs[filepath.Base(os.Args[0])]; known {
		start()
		return
	}
	if len(os.Args) > 1 {
		if start, known := programs[os.Args[1]]; known {
			// Each program reads the arguments of the process, so the word that chose it is taken away.
			os.Args = os.Args[1:]
			start()
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: control-plane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubectl|new-key [flags]")
	os.Exit(2)
}

func run(command *cobra.Command) {
	os.Exit(cli.Run(command))
}
