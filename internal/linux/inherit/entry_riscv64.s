//go:build exactstart

#include "textflag.h"
#include "entry.h"

#define SYS_fcntl	25
#define SYS_openat	56

// func entry(); see its Go declaration. S2 (X18): the descriptor.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOV	$0, X18
check:
	MOV	$SYS_fcntl, A7
	MOV	X18, A0
	MOV	$F_GETFD, A1
	ECALL
	ADD	$EBADF, A0
	BNE	A0, ZERO, next

	MOV	$SYS_openat, A7
	MOV	$AT_FDCWD, A0
	MOV	$root<>(SB), A1
	MOV	$O_PATH_CLOEXEC, A2
	ECALL
next:
	ADD	$1, X18
	MOV	$3, X7
	BNE	X18, X7, check

	MOV	$0, A0
	JMP	_rt0_riscv64_linux(SB)
