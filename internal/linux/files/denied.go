package files

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Denier is the directory in which this thread may not look up the next part of an
// absolute or relative path, which is why open(2) answers EACCES; "" where none on
// the way denies that.
func (l Lookup) Denier(name string) string { return l.denier(name, 0) }

func (l Lookup) denier(name string, links int) string {
	const mostLinks = 40 // MAXSYMLINKS
	for end := 1; end <= len(name) && links < mostLinks; end++ {
		if end < len(name) && name[end] != '/' || name[:end] == "/" {
			continue
		}
		at := name[:end]
		fd, err := l.OpenFD(at, unix.O_PATH|unix.O_NOFOLLOW)
		switch {
		case err == unix.EACCES:
			return path.Dir(at)
		case err != nil:
			return ""
		}
		var st unix.Stat_t
		var target [unix.PathMax]byte
		n := 0
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			n, _ = unix.Readlinkat(fd, "", target[:])
		}
		unix.Close(fd)
		if n <= 0 {
			continue
		}
		to := string(target[:n])
		if !strings.HasPrefix(to, "/") {
			to = path.Dir(at) + "/" + to
		}
		if dir := l.denier(to, links+1); dir != "" {
			return dir
		}
	}
	return ""
}
