package main

import (
	"errors"
	"strings"

	"capsh/internal/execve"
	"capsh/internal/probe"

	"golang.org/x/sys/unix"
)

// findCommand reads the file that execvp(3) would take for a command.
func findCommand(at probe.Lookup, name string, env []string) (execve.File, error) {
	if at.Chroot && strings.Contains(name, "/") && name[0] != '/' {
		return execve.File{}, errors.New(name + ": the path must begin with a slash, in the root folder of the process")
	}
	var refused error
	for _, path := range commandPaths(name, env) {
		exe, err := readCommand(at, path)
		var file *probe.FileError
		if err == nil || !errors.As(err, &file) || file.Script != "" {
			return exe, err
		}
		switch file.Err {
		case unix.ENOENT, unix.ENOTDIR:
		case unix.EACCES: // hides nothing farther down PATH
			if refused == nil {
				refused = err
			}
		default:
			return exe, err
		}
	}
	switch {
	case refused != nil:
		return execve.File{}, refused
	case strings.Contains(name, "/"):
		return execve.File{}, errors.New(name + ": no such file")
	}
	return execve.File{}, errors.New(name + ": not found in PATH")
}

// commandPaths are the paths that a command may be at.
func commandPaths(name string, env []string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	path := "/bin:/usr/bin" // execvp(3) without a PATH
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			path = value
			break
		}
	}
	var list []string
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "."
		}
		list = append(list, dir+"/"+name)
	}
	return list
}

// readCommand reads one file; one that nobody may execute is refused.
func readCommand(at probe.Lookup, path string) (execve.File, error) {
	exe, err := at.Executable(path)
	if err != nil {
		return exe, err
	}
	mode, err := at.Mode(path)
	if err == nil && mode&0o111 == 0 {
		err = &probe.FileError{Call: "execve", Path: path, Err: unix.EACCES, Why: "no execute permission for anyone"}
	}
	return exe, err
}
