package main

import (
	"os"
	"syscall"
)

// dieWithParent asks the kernel to end this process when the one that started it is gone, so that a test runner that
// is killed leaves no servers behind. Only done when asked for: `cluster up` must outlive its parent.
func dieWithParent() {
	if os.Getenv("CLUSTER_DIE_WITH_PARENT") != "" {
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
	}
}
