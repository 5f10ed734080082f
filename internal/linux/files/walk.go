package files

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"capsh/internal/rules/filecap"

	"golang.org/x/sys/unix"
)

// Walk looks for files that grant something in whole trees. Symbolic links are
// not followed, except the path that names the tree. Directories of procfs and
// sysfs are left out: no file in them can grant anything.
type Walk struct {
	// OneFileSystem stays on the file system that the tree begins on.
	OneFileSystem bool
	// Found and Failed get the files found and the errors; calls do not overlap, and
	// come in any order. Paths begin with the tree's.
	Found  func(filecap.Grants)
	Failed func(error)

	// Files counts the entries that were looked at so far.
	Files atomic.Int64
	// current is a directory that is being read.
	current atomic.Pointer[directory]

	open   atomic.Int64 // directories that stay open
	report sync.Mutex   // locked while Found or Failed runs
	queue  queue
}

// directory is a directory of a tree. Its descriptor stays open until all of its
// subdirectories have been opened, which refs counts. A brief one is closed at once
// and opened again for each of them, from its parent, to which it keeps a reference.
type directory struct {
	parent *directory // nil for the root
	name   string
	fd     int
	device uint64
	brief  bool
	refs   atomic.Int64
}

// maxOpen is the number of open descriptors from which directories are brief. Only
// trees that are both deep and broad have as many.
const maxOpen = 256

// path is composed only when it is needed: in deep trees it is long.
func (f *directory) path() string {
	var names []string
	for ; f != nil; f = f.parent {
		names = append(names, f.name)
	}
	last := len(names) - 1
	names[last] = strings.TrimRight(names[last], "/") // of the root "/" nothing is left
	slices.Reverse(names)
	if len(names) == 1 && names[0] == "" {
		return "/"
	}
	return strings.Join(names, "/")
}

// Current is the path of a directory that is being read, "" before the first.
func (w *Walk) Current() string {
	if f := w.current.Load(); f != nil {
		return f.path()
	}
	return ""
}

// Tree walks the tree at a path; a file is a tree of its own.
func (w *Walk) Tree(path string) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		w.failed(fmt.Errorf("stat %s: %w", path, err))
		return
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			w.single(path)
		}
		return
	}
	w.queue.change.L = &w.queue.lock
	w.queue.push(&directory{name: path})
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			walker{w, newGrantReader(), make([]byte, 64<<10)}.work()
		})
	}
	workers.Wait()
}

// single looks at a file that was named itself.
func (w *Walk) single(path string) {
	w.Files.Add(1)
	g, err := Grants(path)
	if err != nil {
		w.failed(err)
	} else if g.Any() {
		w.Found(g)
	}
}

func (w *Walk) failed(err error) {
	w.report.Lock()
	defer w.report.Unlock()
	w.Failed(err)
}

// walker is one of the threads of a walk.
type walker struct {
	*Walk
	grants  *grantReader
	entries []byte
}

func (w walker) work() {
	for {
		f := w.queue.pop()
		if f == nil {
			return
		}
		if err := w.directory(f); err != nil && err != unix.ENOENT { // ENOENT: removed meanwhile
			w.failed(fmt.Errorf("%s: %w", f.path(), err))
		}
		w.queue.done()
	}
}

// directory opens and reads one directory, and queues its subdirectories.
func (w walker) directory(f *directory) (err error) {
	if f.fd, err = f.openPath(); err != nil {
		w.release(f.parent)
		return err
	}
	w.current.Store(f)
	subdirs, err := w.read(f)
	f.refs.Store(int64(len(subdirs)))
	f.brief = len(subdirs) > 0 && w.open.Load() >= maxOpen
	if len(subdirs) == 0 || f.brief {
		unix.Close(f.fd)
	} else {
		w.open.Add(1)
	}
	if !f.brief {
		w.release(f.parent)
	}
	w.queue.push(subdirs...)
	return err
}

// release drops one reference to a directory.
func (w walker) release(f *directory) {
	for f != nil && f.refs.Add(-1) == 0 {
		if !f.brief {
			unix.Close(f.fd)
			w.open.Add(-1)
			return
		}
		f = f.parent
	}
}

// openPath opens a directory, starting from the nearest open one above.
func (f *directory) openPath() (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	if f.parent == nil {
		return unix.Open(f.name, flags, 0)
	}
	above := f.parent
	way := []*directory{f}
	for ; above.brief; above = above.parent {
		way = append(way, above)
	}
	fd := above.fd
	for _, next := range slices.Backward(way) {
		last := fd
		var err error
		fd, err = unix.Openat(last, next.name, flags|unix.O_NOFOLLOW, 0)
		if last != above.fd {
			unix.Close(last)
		}
		if err != nil {
			return -1, err
		}
	}
	return fd, nil
}

// read examines the files of an open directory and lists its subdirectories.
func (w walker) read(f *directory) (subdirs []*directory, err error) {
	if skip, err := w.skip(f); skip || err != nil {
		return nil, err
	}
	for {
		n, err := unix.Getdents(f.fd, w.entries)
		if err != nil || n == 0 {
			return subdirs, err
		}
		subdirs = w.batch(f, w.entries[:n], subdirs)
	}
}

// skip reports whether a directory, being the root of a file system, is left out.
func (w walker) skip(f *directory) (bool, error) {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return false, err
	}
	f.device = uint64(st.Dev)
	if f.parent != nil && f.device == f.parent.device {
		return false, nil
	}
	if f.parent != nil && w.OneFileSystem {
		return true, nil
	}
	var fs unix.Statfs_t
	err := unix.Fstatfs(f.fd, &fs)
	return fs.Type == unix.PROC_SUPER_MAGIC || fs.Type == unix.SYSFS_MAGIC, err
}

// batch examines the files among the entries of one getdents(2) and adds the
// directories to a list.
func (w walker) batch(f *directory, entries []byte, subdirs []*directory) []*directory {
	const nameAt = unsafe.Offsetof(unix.Dirent{}.Name)
	count := int64(0)
	for len(entries) > 0 {
		e := (*unix.Dirent)(unsafe.Pointer(&entries[0]))
		name := (*byte)(unsafe.Pointer(&entries[nameAt]))
		entries = entries[e.Reclen:]
		count++
		kind := e.Type
		p := place{f.fd, name, unix.AT_SYMLINK_NOFOLLOW}
		if kind == unix.DT_UNKNOWN {
			kind = w.kind(p)
		}
		switch kind {
		case unix.DT_DIR:
			if text := unix.BytePtrToString(name); text != "." && text != ".." {
				subdirs = append(subdirs, &directory{parent: f, name: text})
			}
		case unix.DT_REG:
			w.file(f, p)
		}
	}
	w.Files.Add(count)
	return subdirs
}

// kind reads the type of an entry where getdents(2) does not give it. An entry whose
// type cannot be read counts as a file, and file then reports the error.
func (w walker) kind(p place) uint8 {
	if w.grants.statAt(p) != 0 {
		return unix.DT_REG
	}
	return uint8(w.grants.stat.Mode & unix.S_IFMT >> 12) // IFTODT
}

// file looks at a file.
func (w walker) file(f *directory, p place) {
	var g filecap.Grants
	var err error
	if errno := w.grants.statAt(p); errno != 0 {
		err = errno
	} else if w.grants.stat.Mode&unix.S_IFMT == unix.S_IFREG {
		g, err = w.grants.read(p)
	}
	if err == unix.ENOENT || err == nil && !g.Any() {
		return
	}
	w.report.Lock()
	defer w.report.Unlock()
	path := (&directory{parent: f, name: unix.BytePtrToString(p.name)}).path()
	if err != nil {
		w.Failed(fmt.Errorf("%s: %w", path, err))
		return
	}
	g.Path = path
	w.Found(g)
}

// queue is the directories to be read, the newest first: so few directories have to
// stay open for their subdirectories.
type queue struct {
	lock   sync.Mutex
	change sync.Cond // of list or busy
	list   []*directory
	busy   int // walkers that may push more
}

func (q *queue) push(list ...*directory) {
	q.lock.Lock()
	defer q.lock.Unlock()
	q.list = append(q.list, list...)
	q.change.Broadcast()
}

// pop takes a directory, waiting for one; nil if there will be none. The caller is
// busy until it calls done.
func (q *queue) pop() *directory {
	q.lock.Lock()
	defer q.lock.Unlock()
	for len(q.list) == 0 {
		if q.busy == 0 {
			return nil
		}
		q.change.Wait()
	}
	last := len(q.list) - 1
	f := q.list[last]
	q.list[last], q.list = nil, q.list[:last]
	q.busy++
	return f
}

func (q *queue) done() {
	q.lock.Lock()
	defer q.lock.Unlock()
	if q.busy--; q.busy == 0 && len(q.list) == 0 {
		q.change.Broadcast()
	}
}
