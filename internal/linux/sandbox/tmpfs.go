package sandbox

import (
	"golang.org/x/sys/unix"

	"capsh/internal/rules/container"
)

// tmpfsBirths reads when the root of each whole tmpfs was made, by where it is mounted,
// in nanoseconds of the host's clock (statx(2); of a tmpfs since Linux 6.0).
func (l place) tmpfsBirths(mounts []container.Mount) map[string]int64 {
	born := map[string]int64{}
	for _, m := range mounts {
		if m.Type != "tmpfs" || m.Root != "/" {
			continue
		}
		fd, err := l.OpenFD(m.Point, unix.O_PATH)
		if err != nil {
			continue
		}
		var st unix.Statx_t
		err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &st)
		unix.Close(fd)
		if err == nil && st.Mask&unix.STATX_BTIME != 0 {
			born[m.Point] = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
		}
	}
	return born
}
