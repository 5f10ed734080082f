//go:build exactstart

#include "textflag.h"
#include "entry.h"

#define SYS_fcntl	25
#define SYS_openat	56

// func entry(); see its Go declaration. R9: the descriptor.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVD	$0, R9
check:
	MOVD	$SYS_fcntl, R8
	MOVD	R9, R0
	MOVD	$F_GETFD, R1
	SVC
	CMN	$EBADF, R0
	BNE	next

	MOVD	$SYS_openat, R8
	MOVD	$AT_FDCWD, R0
	MOVD	$root<>(SB), R1
	MOVD	$O_PATH_CLOEXEC, R2
	SVC
next:
	ADD	$1, R9
	CMP	$3, R9
	BNE	check

	MOVD	$0, R0
	JMP	_rt0_arm64_linux(SB)
