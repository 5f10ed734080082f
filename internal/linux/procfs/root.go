// Package procfs reads processes from a procfs: one of them, or all. It changes
// nothing.
package procfs

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Root is the directory of a procfs: [Proc], another one that is mounted
// somewhere, or a copy of one in plain files.
type Root string

// Proc is the usual mount point of procfs.
const Proc Root = "/proc"

// PIDs lists the processes in ascending order.
func (r Root) PIDs() ([]int, error) {
	fd, err := unix.Open(string(r), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", string(r), err)
	}
	defer unix.Close(fd)
	list, err := NumberedEntries(fd)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", string(r), err)
	}
	if len(list) == 0 {
		return nil, &Error{Reason: NotProcfs, Root: r, Err: unix.ENOENT}
	}
	slices.Sort(list)
	return list, nil
}

// LastCap is the highest capability of the kernel that r belongs to, as
// sys/kernel/cap_last_cap has it; unknown where that is missing.
func (r Root) LastCap() cred.Known[caps.Cap] {
	text, err := readFile(string(r) + "/sys/kernel/cap_last_cap")
	n, numErr := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 8)
	return cred.Known[caps.Cap]{Value: caps.Cap(n), OK: err == nil && numErr == nil && n < caps.MaxBits}
}

// Self is this process's id in the PID namespace of r, as its link "self" says;
// where no procfs is mounted on /proc its own.
func (r Root) Self() (int, error) {
	text, err := os.Readlink(string(r) + "/self")
	if err != nil && r == Proc {
		return os.Getpid(), nil
	} else if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// NumberedEntries lists the entries of an open directory whose names are
// decimal numbers from 1 up, in the directory's order.
func NumberedEntries(fd int) ([]int, error) {
	var list []int
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil || n == 0 {
			return list, err
		}
		list = appendNumbered(list, buf[:n])
	}
}

// appendNumbered appends the numbers among the entries that one getdents gave.
func appendNumbered(list []int, entries []byte) []int {
	const (
		sizeAt = unsafe.Offsetof(unix.Dirent{}.Reclen)
		nameAt = int(unsafe.Offsetof(unix.Dirent{}.Name))
	)
	for len(entries) > nameAt {
		size := int(*(*uint16)(unsafe.Pointer(&entries[sizeAt])))
		name, _, _ := cut(entries[nameAt:size], 0)
		if id, ok := parseInt(name); ok && name[0] != '0' {
			list = append(list, id)
		}
		entries = entries[size:]
	}
	return list
}

// IsProcfs reports whether the kernel's procfs is at a path.
func IsProcfs(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.PROC_SUPER_MAGIC
}

// hidepid is the mount option of the procfs at r that keeps others' processes
// from sight, as the kernel shows it ("hidepid=invisible"; "hidepid=2" before
// 5.8); empty if there is none or the mount table can't be read.
func (r Root) hidepid() string {
	var st unix.Stat_t
	if unix.Stat(string(r), &st) != nil {
		return ""
	}
	dev := []byte(strconv.Itoa(int(unix.Major(uint64(st.Dev)))) + ":" + strconv.Itoa(int(unix.Minor(uint64(st.Dev)))))
	table, err := readFile("/proc/self/mountinfo")
	if err != nil {
		table, _ = readFile(string(r) + "/self/mountinfo")
	}
	for line := range bytes.Lines(table) {
		// proc_pid_mountinfo(5): the device is the third field, the
		// filesystem's options are the last; blanks in names are escaped.
		f := bytes.Fields(line)
		if len(f) < 3 || !bytes.Equal(f[2], dev) {
			continue
		}
		for _, option := range bytes.Split(f[len(f)-1], []byte{','}) {
			if bytes.HasPrefix(option, []byte("hidepid=")) {
				return string(option)
			}
		}
	}
	return ""
}

// readFile reads all of a small file; the error is an errno. O_NONBLOCK keeps a
// FIFO from blocking the reader.
func readFile(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return ReadAll(fd, nil, false)
}

// maxFile is more than any file has that is read whole.
const maxFile = 64 << 20

// ReadAll reads a whole file of at most 64 MiB; EFBIG is a larger one. If
// oneRecord, a read that does not fill the buffer is the end: so it is for a
// seq_file of one record, which the kernel makes up whole at the first read
// (fs/seq_file.c), and it spares a call.
func ReadAll(fd int, buf []byte, oneRecord bool) ([]byte, error) {
	return readUpTo(maxFile, fd, buf, oneRecord)
}

// readUpTo is ReadAll of a file of at most most bytes.
func readUpTo(most, fd int, buf []byte, oneRecord bool) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(len(buf), 1024))
		}
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if err != nil {
			return nil, err
		}
		buf = buf[:len(buf)+n]
		switch {
		case n == 0 || oneRecord && len(buf) < cap(buf):
			return buf, nil
		case len(buf) > most:
			return nil, unix.EFBIG
		}
	}
}
