package helper

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
)

// Processes that tests of several packages inspect, for [Run].

// Wait sets its comm to HELPER_NAME, if that is set, and reports that it is ready.
func Wait() {
	if name, ok := os.LookupEnv("HELPER_NAME"); ok {
		Must("comm", os.WriteFile("/proc/self/comm", []byte(name), 0))
	}
	fmt.Println("ready")
}

// Threads has three more threads: with fewer capabilities, with
// no_new_privs, and like the leader.
func Threads() {
	tids := make(chan int)
	for _, change := range []func() error{
		func() error { return SetCaps(0, 1<<caps.NetRaw, 0) },
		func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) },
		func() error { return nil },
	} {
		go func() {
			runtime.LockOSThread()
			Must("change", change())
			tids <- unix.Gettid()
			select {}
		}()
		fmt.Print(<-tids, " ")
	}
	fmt.Println()
}

// IdleLeader has threads that have capabilities which the leader has dropped, and one
// that has dropped them too but differs.
func IdleLeader() {
	Must("drop", SetCaps(0, 0, 0))
	ready := make(chan bool)
	go func() {
		runtime.LockOSThread()
		Must("drop", SetCaps(0, 0, 0))
		Must("no_new_privs", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ready <- true
		select {}
	}()
	<-ready
	fmt.Println("ready")
}
