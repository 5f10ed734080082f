//go:build exactstart

package inherit

import "unsafe"

// The Makefile's build looks at variables of the runtime, which takes the linker
// flag -checklinkname=0.

// fwdSig is the disposition of each signal before the runtime set its own
// handler; 0 (SIG_DFL) also where it never looked.
//
//go:linkname fwdSig runtime.fwdSig
var fwdSig [numSignals]uintptr

// initSigmask is the first thread's mask as the kernel wrote it: its bytes are
// only handed back, so the word order doesn't matter.
//
//go:linkname initSigmask runtime.initSigmask
var initSigmask [2]uint32

// origNofile is a *syscall.Rlimit: the limit before package syscall raised it,
// nil if it did not, or if the program has set one since.
//
//go:linkname origNofile syscall.origRlimitNofile
var origNofile unsafe.Pointer

// argc and argv are main's arguments as the kernel left them on the stack; the
// environment stands behind them.
//
//go:linkname argc runtime.argc
var argc int32

//go:linkname argv runtime.argv
var argv unsafe.Pointer

func init() {
	Lacks = ""
	dispositions, mask, nofile, environ = &fwdSig, &initSigmask, &origNofile, rawEnviron
}

// rawEnviron is the environment as it is on the stack: os.Environ leaves out
// duplicates and what has no name, and under AT_SECURE the runtime adds
// GOTRACEBACK.
func rawEnviron() []string {
	const word = unsafe.Sizeof(uintptr(0))
	first := (**byte)(unsafe.Add(argv, (uintptr(argc)+1)*word))
	count := 0
	for *(**byte)(unsafe.Add(unsafe.Pointer(first), uintptr(count)*word)) != nil {
		count++
	}
	env := make([]string, count)
	for i, text := range unsafe.Slice(first, count) { // without a copy: the stack stays
		n := 0
		for *(*byte)(unsafe.Add(unsafe.Pointer(text), n)) != 0 {
			n++
		}
		env[i] = unsafe.String(text, n)
	}
	return env
}
