// What the entry points of all architectures share.

#define F_GETFD		1
#define EBADF		9
#define AT_FDCWD	-100
#define O_PATH_CLOEXEC	0x280000

DATA root<>+0(SB)/2, $"/\x00"
GLOBL root<>(SB), RODATA|NOPTR, $2
