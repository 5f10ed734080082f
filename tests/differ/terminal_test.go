package differ

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// stdout is the reading and the writing end of a pipe, or of a terminal that
// passes bytes as they are.
func stdout(terminal bool) (read, write *os.File, err error) {
	if !terminal {
		return os.Pipe()
	}
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	slave, err := openSlave(master)
	if err != nil {
		unix.Close(master)
		return nil, nil, err
	}
	return os.NewFile(uintptr(master), "master"), os.NewFile(uintptr(slave), "slave"), nil
}

// openSlave opens the other end of a terminal, without a look at /dev/pts, and
// makes it raw as far as output goes.
func openSlave(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, fmt.Errorf("unlock terminal: %w", err)
	}
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER,
		unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, fmt.Errorf("open terminal: %w", errno)
	}
	slave := int(fd)
	mode, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	if err == nil {
		mode.Oflag &^= unix.OPOST
		err = unix.IoctlSetTermios(slave, unix.TCSETS, mode)
	}
	if err != nil {
		unix.Close(slave)
		return -1, fmt.Errorf("terminal mode: %w", err)
	}
	return slave, nil
}
