package fault

import "syscall"

// canInject says that the registers of this architecture are known here.
const canInject = true

// skipCall makes the kernel skip the call that a thread is about to make.
func skipCall(tid int) error {
	return changeRegs(tid, func(r *syscall.PtraceRegs) { r.Orig_rax = ^uint64(0) })
}

// setResult sets what a call that is about to return gives.
func setResult(tid int, result uint64) error {
	return changeRegs(tid, func(r *syscall.PtraceRegs) { r.Rax = result })
}

func changeRegs(tid int, change func(*syscall.PtraceRegs)) error {
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(tid, &r); err != nil {
		return err
	}
	change(&r)
	return syscall.PtraceSetRegs(tid, &r)
}
