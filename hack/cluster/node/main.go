// One binary that is every program of a node that the control plane's binary is not: which one it is depends on the name
// it was called by (a symbolic link) or, when that is none of them, on its first argument. It is a module of its own, so
// that a change here does not make the control plane be built anew; the compile cache is shared.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var programs = map[string]func() int{
	"kubelet":       command(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"kube-proxy":    command(proxy.NewProxyCommand),
	"device-plugin": devicePlugin,
}

func command(build func() *cobra.Command) func() int {
	return func() int { return cli.Run(build()) }
}

func main() {
	name := filepath.Base(os.Args[0])
	if _, known := programs[name]; !known && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	run, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "%s is none of the programs in this binary: kubelet, kube-proxy, device-plugin\n", name)
		os.Exit(2)
	}
	os.Exit(run())
}
