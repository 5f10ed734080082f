package main

import (
	"errors"
	"strings"

	"capsh/internal/execve"
	"capsh/internal/probe"

	"golang.org/x/sys/unix"
)

// defaultPath is where execvp(3) looks without a PATH.
const defaultPath = "/bin:/usr/bin"

// candidates are the paths that execve is to try for a command: itself if it has
// a slash, else one for each directory of PATH.
func candidates(name string, env []string) []string {
	if name == "" || strings.Contains(name, "/") {
		return []string{name}
	}
	path, ok := getenv(env, "PATH")
	if !ok {
		path = defaultPath
	}
	list := make([]string, 0, 1+strings.Count(path, ":"))
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "." // execvp(3)
		}
		list = append(list, dir+"/"+name)
	}
	return list
}

// find looks for the command among its paths from number first on, as it will be
// there after the change of root and folder, and notes which it found.
func (l *launch) find(first int) (execve.File, error) {
	var refused error
	for i := first; i < len(l.paths); i++ {
		exe, err := l.examine(l.paths[i])
		if err == nil {
			l.found = i
			return exe, nil
		}
		var file *probe.FileError
		if !errors.As(err, &file) || file.Script != "" {
			return exe, &exitError{exitCannot, err}
		}
		switch file.Err {
		case unix.ENOENT, unix.ENOTDIR:
		case unix.EACCES:
			if refused == nil {
				refused = err
			}
		default:
			return exe, &exitError{exitCannot, err}
		}
	}
	if refused != nil {
		return execve.File{}, &exitError{exitCannot, refused}
	}
	return execve.File{}, &exitError{exitNotFound, l.notFound()}
}

func (l *launch) notFound() error {
	name := l.command
	switch {
	case name == "":
		return errors.New("the command is empty")
	case strings.Contains(name, "/"):
		return errors.New(name + ": no such file")
	}
	return errors.New(name + ": not found in PATH")
}

// examine reads one file. One that nobody may execute is refused here.
func (l *launch) examine(path string) (execve.File, error) {
	if path == "" {
		return execve.File{}, &probe.FileError{Call: "execve", Path: path, Err: unix.ENOENT}
	}
	path = l.inside(path)
	exe, err := l.lookup.Executable(path)
	if err != nil {
		return exe, err
	}
	mode := exe.Mode
	if len(exe.Interpreters) > 0 { // exe speaks of the interpreter
		if mode, err = l.mode(path); err != nil {
			return exe, err
		}
	}
	if mode&0o111 == 0 {
		return exe, &probe.FileError{Call: "execve", Path: path, Err: unix.EACCES, Why: "no execute permission for anyone"}
	}
	return exe, nil
}

// inside is a path as it has to be looked up before the change of root and
// folder.
func (l *launch) inside(path string) string {
	if l.lookup.Chroot && l.request.Chdir != "" && path[0] != '/' {
		return l.request.Chdir + "/" + path
	}
	return path
}

// mode is the st_mode of a file.
func (l *launch) mode(path string) (uint32, error) {
	fd, err := open(l.lookup, path, unix.O_PATH)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return st.Mode, err
}

// explain says more of a failed execve than its errno does.
func (l *launch) explain(err error) error {
	status, path := exitCannot, l.paths[l.found]
	why := ""
	switch {
	case errors.Is(err, unix.ENOENT):
		loader, loaderErr := probe.Here.MissingLoader(path)
		switch {
		case loader != "":
			why = "its dynamic loader " + loader + " is missing"
		case errors.Is(loaderErr, unix.ENOENT):
			status = exitNotFound
		}
	case errors.Is(err, unix.ENOEXEC):
		why = `no "#!" line, and no program for this machine`
	case errors.Is(err, unix.EACCES) && l.request.Landlock.Access != 0:
		why = "does a --landlock-rule allow to execute it, and its loader?"
	case errors.Is(err, unix.EAGAIN):
		why = "the user has more processes than RLIMIT_NPROC allows"
	}
	if why != "" {
		err = errors.New(err.Error() + " (" + why + ")")
	}
	return &exitError{status, err}
}
