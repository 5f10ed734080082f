package probe

import (
	"errors"
	"strings"

	"capsh/internal/environ"
	"capsh/internal/execve"

	"golang.org/x/sys/unix"
)

// CommandPaths are the paths that execvp(3) tries for a command: itself if it
// has a slash, else one for each folder of PATH.
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

// NotFound is the name of a command that is at none of its paths.
type NotFound string

// Error tells a path from a name that was looked up in PATH.
func (name NotFound) Error() string {
	switch {
	case name == "":
		return "the command is empty"
	case strings.Contains(string(name), "/"):
		return string(name) + ": no such file"
	}
	return string(name) + ": not found in PATH"
}

// Command reads, as [Lookup.Executable] does, the first of the paths of a
// command that execvp(3) would not pass over, and says which that is. What is
// not allowed hides nothing farther down, and is the error if there is nothing.
// The error is a [NotFound] or a *[FileError].
func (l Lookup) Command(name string, paths []string) (i int, exe execve.File, err error) {
	var refused error
	for i, path := range paths {
		exe, fileErr := l.Executable(path)
		var file *FileError
		if !errors.As(fileErr, &file) || file.Script != "" {
			return i, exe, fileErr
		}
		switch file.Err {
		case unix.ENOENT, unix.ENOTDIR:
		case unix.EACCES:
			if refused == nil {
				refused = file
			}
		default:
			return i, exe, file
		}
	}
	if refused == nil {
		refused = NotFound(name)
	}
	return 0, exe, refused
}
