package files

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/environ"
	"capsh/internal/rules/execve"

	"golang.org/x/sys/unix"
)

// CommandPaths are the paths that execvp(3) tries for a command: itself if it
// has a slash, else one for each directory of PATH.
func CommandPaths(name string, env []string) []string {
	if name == "" || strings.Contains(name, "/") {
		return []string{name}
	}
	path, ok := environ.Get(env, "PATH")
	if !ok {
		path = "/bin:/usr/bin"
	}
	list := make([]string, 0, 1+strings.Count(path, ":"))
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "."
		}
		list = append(list, dir+"/"+name)
	}
	return list
}

// NotFound is the error where no path of a command exists: the command's name.
type NotFound string

// Error is "name: not found in PATH", or for a path "path: no such file".
func (name NotFound) Error() string {
	switch {
	case name == "":
		return "the command is empty"
	case strings.Contains(string(name), "/"):
		return string(name) + ": no such file"
	}
	return string(name) + ": not found in PATH"
}

// Found has indexes into the paths of a command.
type Found struct {
	// At is the path of the command, First the first path that exists: another user
	// may be permitted to execute a file that this thread is not. Both are the number
	// of paths where there is none.
	At, First int
}

// Command reads, as [Lookup.Executable] does, the first of the paths of a
// command that execvp(3) would not skip, and says which that is. The search goes on
// after a path that is not permitted, and that refusal is the error if no later path
// is found. The error is a [NotFound] or a *[FileError].
func (l Lookup) Command(name string, paths []string) (found Found, exe execve.File, err error) {
	found = Found{len(paths), len(paths)}
	var refused error
	for i, path := range paths {
		exe, fileErr := l.Executable(path)
		if fileErr == nil && l.Permitted {
			if denied := Permitted(&exe); denied != nil {
				found.First, refused = min(found.First, i), cmp.Or(refused, denied)
				continue
			}
		}
		var file *FileError
		errors.As(fileErr, &file)
		if file.missing(name) {
			continue
		}
		found.First = min(found.First, i)
		if !file.refused() {
			found.At = i
			return found, exe, fileErr
		}
		refused = cmp.Or(refused, error(file))
	}
	if refused == nil {
		refused = NotFound(name)
	}
	return found, exe, refused
}

// missing and refused are the errors after which execvp(3) tries the next path of a
// command: the path does not exist, or to look it up or execute it is not permitted. An
// error about the interpreter or the dynamic loader is neither: the file itself exists.
// ENOTDIR is about a directory of PATH, or else the reason why the command cannot run.
func (e *FileError) missing(command string) bool {
	return e != nil && e.Of == "" && e.Call == "open" &&
		(e.Err == unix.ENOENT || e.Err == unix.ENOTDIR && !strings.Contains(command, "/"))
}

func (e *FileError) refused() bool {
	return e != nil && e.Of == "" && (e.Call == "open" || e.Call == "execve") && e.Err == unix.EACCES
}

// Permitted is nil where this thread may execute a file and its interpreters, as
// [Here] reads them; the error is a *[FileError].
func Permitted(exe *execve.File) error {
	for i, path := range append([]string{exe.Path}, exe.Interpreters...) {
		if unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) != unix.EACCES {
			continue
		}
		at := link{path: path}
		if i > 0 {
			at.of, at.as = exe.Path, "interpreter"
		}
		return at.fail("execve", unix.EACCES, "this user may not execute it")
	}
	return nil
}

// OpenToAll reports whether any user may reach a file and execute it, by the modes of
// the file and of all directories on the way; false, too, where that is unknown.
func (l Lookup) OpenToAll(path string) bool {
	fd, err := l.OpenFD(path, unix.O_PATH)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&0o001 == 0 {
		return false
	}
	// The path without links, and with the directory that a relative path starts in.
	var link [unix.PathMax]byte
	real, err := procfs.ReadOwnLink("self/fd/"+strconv.Itoa(fd), link[:])
	return err == nil && l.throughAll(path) && Here.throughAll(string(real))
}

// throughAll reports whether any user may search the directories that a path names.
func (l Lookup) throughAll(path string) bool {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		fd, err := l.OpenFD(path[:i+1], unix.O_PATH)
		if err != nil {
			return false
		}
		var st unix.Stat_t
		err = unix.Fstat(fd, &st)
		unix.Close(fd)
		if err != nil || st.Mode&0o001 == 0 {
			return false
		}
	}
	return true
}
