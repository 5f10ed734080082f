package procfs

import (
	"fmt"
	"io"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A role acts on the main thread, where credentials belong to the leader.
func init() { runtime.LockOSThread() }

// play ends the process.
func play(role string, args []string) {
	err := fmt.Errorf("no role %q", role)
	switch role {
	case "name": // a process with any comm
		err = os.WriteFile("/proc/self/task/"+strconv.Itoa(os.Getpid())+"/comm", []byte(args[0]), 0)
	case "assorted": // random sets, the leader's and those of two threads
		err = assorted(args[0])
	case "headless": // a leader that has ended while its threads live
		go linger()
		unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	case "churn":
		err = churn(args[0])
		if err == nil {
			os.Exit(0)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "role %s: %v\n", role, err)
		os.Exit(1)
	}
	linger()
}

// linger is ready, and ends with stdin.
func linger() {
	if id := os.Getpid(); unix.Gettid() != id { // headless: the leader ends first
		for state(id) == 'S' || state(id) == 'R' {
			time.Sleep(time.Millisecond)
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// state is the letter of a process's state, 0 if it is gone.
func state(pid int) byte {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for i := range text {
		if rest := text[i:]; len(rest) > 7 && string(rest[:7]) == "State:\t" {
			return rest[7]
		}
	}
	return 0
}

// assorted gives the leader and two more threads random credentials.
func assorted(seed string) error {
	n, err := strconv.ParseInt(seed, 10, 64)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewSource(n))
	for range random.Intn(3) {
		done := make(chan error)
		mine := rand.New(rand.NewSource(random.Int63()))
		go func() {
			runtime.LockOSThread()
			done <- shuffle(mine)
			select {}
		}()
		if err := <-done; err != nil {
			return err
		}
	}
	return shuffle(random)
}

// shuffle gives this thread random sets, and half of the time an id and groups.
func shuffle(random *rand.Rand) error {
	bits := func() uint64 { return random.Uint64()&random.Uint64() | random.Uint64()&(1<<40) }
	if random.Intn(2) == 0 {
		for c := range uintptr(41) {
			if random.Intn(4) == 0 {
				unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
			}
		}
	}
	if random.Intn(3) == 0 {
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	if random.Intn(2) == 0 {
		if err := becomeUser(random); err != nil {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var now [2]unix.CapUserData
	if err := unix.Capget(&header, &now[0]); err != nil {
		return err
	}
	keep, raise, pass := bits(), bits(), bits()&bounding()
	keep |= bits() // most of them
	for i := range now {
		half := func(set uint64) uint32 { return uint32(set >> (32 * i)) }
		now[i].Permitted &= half(keep)
		now[i].Effective = now[i].Permitted & half(raise)
		now[i].Inheritable = now[i].Permitted & half(pass)
	}
	if err := unix.Capset(&header, &now[0]); err != nil {
		return err
	}
	for c := range uintptr(41) {
		if random.Intn(2) == 0 {
			unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0) // where P and I have it
		}
	}
	return nil
}

// bounding is this thread's: nothing else may become inheritable (capset(2)).
func bounding() (set uint64) {
	for c := range 41 {
		if on, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err == nil && on == 1 {
			set |= 1 << c
		}
	}
	return set
}

// becomeUser changes this thread's ids, three different ones, and keeps the
// permitted set.
func becomeUser(random *rand.Rand) error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	groups := []uint32{uint32(random.Intn(5)), random.Uint32() >> 1, 4294967294}
	id := func() uintptr { return uintptr(random.Uint32() >> 1) }
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(random.Intn(4)), uintptr(unsafe.Pointer(&groups[0])), 0); e != 0 {
		return e
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, id(), id(), id()); e != 0 {
		return e
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, id(), id(), id()); e != 0 {
		return e
	}
	return nil
}
