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
// not followed, but for the path that a tree is named by. Folders of procfs and
// sysfs are left out: no file in them can grant anything.
type Walk struct {
	// OneFileSystem stays on the file system that the tree begins on.
	OneFileSystem bool
	// Found and Failed get what there is and what could not be read; calls do
	// not overlap, and have no order. Paths begin as the tree's does.
	Found  func(filecap.Grants)
	Failed func(error)

	// Files counts the entries that were looked at so far.
	Files atomic.Int64
	// current is a directory that is being read.
	current atomic.Pointer[folder]

	open   atomic.Int64 // directories that stay open
	report sync.Mutex   // held while Found or Failed runs
	queue  queue
}

// folder is a folder on the way from the root of a tree. Until all of its
// subfolders have been opened, which refs counts, its descriptor stays open. A
// brief one is closed at once and opened again for each of them, by way of its
// parent, which it needs as long.
type folder struct {
	parent *folder // nil for the root
	name   string
	fd     int
	device uint64
	brief  bool
	refs   atomic.Int64
}

// maxOpen is from how many on folders are brief. Only trees that are both deep
// and broad have as many.
const maxOpen = 256

// path is composed only when it is needed: in deep trees it is long.
func (f *folder) path() string {
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

// Current is the path of a folder that is being read, "" before the first.
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
	w.queue.push(&folder{name: path})
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
		if err := w.folder(f); err != nil && err != unix.ENOENT { // what is gone is no matter
			w.failed(fmt.Errorf("%s: %w", f.path(), err))
		}
		w.queue.done()
	}
}

// folder opens and reads one folder. Its subfolders are for later.
func (w walker) folder(f *folder) (err error) {
	if f.fd, err = f.openPath(); err != nil {
		w.release(f.parent)
		return err
	}
	w.current.Store(f)
	subfolders, err := w.read(f)
	f.refs.Store(int64(len(subfolders)))
	f.brief = len(subfolders) > 0 && w.open.Load() >= maxOpen
	if len(subfolders) == 0 || f.brief {
		unix.Close(f.fd)
	} else {
		w.open.Add(1)
	}
	if !f.brief {
		w.release(f.parent)
	}
	w.queue.push(subfolders...)
	return err
}

// release gives up one need of a folder.
func (w walker) release(f *folder) {
	for f != nil && f.refs.Add(-1) == 0 {
		if !f.brief {
			unix.Close(f.fd)
			w.open.Add(-1)
			return
		}
		f = f.parent
	}
}

// openPath opens a folder, by way of the nearest one above that is open.
func (f *folder) openPath() (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	if f.parent == nil {
		return unix.Open(f.name, flags, 0)
	}
	above := f.parent
	way := []*folder{f}
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

// read looks at the files of an open folder and lists its subfolders.
func (w walker) read(f *folder) (subfolders []*folder, err error) {
	if skip, err := w.skip(f); skip || err != nil {
		return nil, err
	}
	for {
		n, err := unix.Getdents(f.fd, w.entries)
		if err != nil || n == 0 {
			return subfolders, err
		}
		subfolders = w.batch(f, w.entries[:n], subfolders)
	}
}

// skip reports whether a folder, which begins a file system, is to be left out.
func (w walker) skip(f *folder) (bool, error) {
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

// batch looks at the files among the entries of one getdents(2) and adds the
// folders to a list.
func (w walker) batch(f *folder, entries []byte, subfolders []*folder) []*folder {
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
				subfolders = append(subfolders, &folder{parent: f, name: text})
			}
		case unix.DT_REG:
			w.file(f, p)
		}
	}
	w.Files.Add(count)
	return subfolders
}

// kind asks for the type of an entry where the file system doesn't tell; what
// cannot be asked is taken for a file, which file then reports.
func (w walker) kind(p place) uint8 {
	if w.grants.statAt(p) != 0 {
		return unix.DT_REG
	}
	return uint8(w.grants.stat.Mode & unix.S_IFMT >> 12) // IFTODT
}

// file looks at a file.
func (w walker) file(f *folder, p place) {
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
	path := (&folder{parent: f, name: unix.BytePtrToString(p.name)}).path()
	if err != nil {
		w.Failed(fmt.Errorf("%s: %w", path, err))
		return
	}
	g.Path = path
	w.Found(g)
}

// queue holds the folders that are to be read, the newest first: so the folders
// that have to stay open for their subfolders are few.
type queue struct {
	lock   sync.Mutex
	change sync.Cond // of list or busy
	list   []*folder
	busy   int // walkers that may push more
}

func (q *queue) push(list ...*folder) {
	q.lock.Lock()
	defer q.lock.Unlock()
	q.list = append(q.list, list...)
	q.change.Broadcast()
}

// pop takes a folder, waiting for one; nil if there will be none. The caller is
// then busy until it calls done.
func (q *queue) pop() *folder {
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
