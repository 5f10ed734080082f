package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// userland is what a guest's root file system has: the peers that the tests
// compare with, and what starts containers.
var userland = []string{
	"base-files", "base-passwd", "bash", "dash", "coreutils", "libc-bin", "login", "passwd", "grep", "sed", "mawk", "findutils",
	"util-linux", "mount", "procps", "iproute2", "iputils-ping", "hostname", "bsdutils", "e2fsprogs",
	"libcap2-bin", "strace", "gosu", "busybox-static", "runc", "apparmor", "python3",
}

// makeRoot unpacks the userland into dir. No script of a package has run, so what
// their scripts would make is made here.
func makeRoot(a *archive, dir string) error {
	for _, top := range []string{"bin", "sbin", "lib", "lib64"} { // merged, as base-files wants it
		if err := os.MkdirAll(filepath.Join(dir, "usr", top), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("usr/"+top, filepath.Join(dir, top)); err != nil {
			return err
		}
	}
	if err := a.unpack(dir, true, userland...); err != nil {
		return err
	}
	for file, text := range map[string]string{
		"etc/hosts":         "127.0.0.1 localhost guest\n",
		"etc/hostname":      "guest\n",
		"etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"passwd", "group"} {
		text, err := os.ReadFile(filepath.Join(dir, "usr/share/base-passwd", name+".master"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(strings.ReplaceAll(string(text), ":*:", ":x:")), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(
		os.Symlink("mawk", filepath.Join(dir, "usr/bin/awk")),
		os.Mkdir(filepath.Join(dir, "capsh"), 0o755),
		os.Chmod(filepath.Join(dir, "tmp"), 0o1777))
}

// makeDisk puts a directory into an ext4 image with room to spare.
func makeDisk(dir, image string) error {
	_, err := output(exec.Command("mke2fs", "-q", "-t", "ext4", "-m", "0", "-O", "^has_journal", "-d", dir, image, "2G"))
	return err
}

// makeInitramfs packs the guest program and the modules that it loads.
func makeInitramfs(guest string, modules []string, image string) error {
	tree, err := os.MkdirTemp(filepath.Dir(image), "initramfs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	if err := os.Mkdir(filepath.Join(tree, "modules"), 0o755); err != nil {
		return err
	}
	files := map[string]string{guest: "init"}
	for _, m := range modules {
		files[m] = filepath.Join("modules", filepath.Base(m))
	}
	for from, to := range files {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tree, to), text, 0o755); err != nil {
			return err
		}
	}
	pack := exec.Command("sh", "-c", `find . | cpio --quiet -o -H newc >"$1"`, "sh", image)
	pack.Dir = tree
	_, err = output(pack)
	return err
}

// modulesFor are the files of the named modules and of those that they need, each
// after what it needs. What is built into the kernel has no file.
func modulesFor(tree string, names []string) ([]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(tree, func(path string, _ os.DirEntry, err error) error {
		if name, ok := moduleName(path); ok {
			files[name] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []string
	var add func(name string) error
	add = func(name string) error {
		path := files[name]
		if path == "" || slices.Contains(list, strings.TrimSuffix(path, ".xz")) {
			return nil
		}
		if strings.HasSuffix(path, ".xz") {
			if _, err := output(exec.Command("xz", "--decompress", path)); err != nil {
				return err
			}
			path = strings.TrimSuffix(path, ".xz")
			files[name] = path
		}
		needs, err := moduleNeeds(path)
		if err != nil {
			return err
		}
		for _, need := range needs {
			if err := add(need); err != nil {
				return err
			}
		}
		list = append(list, path)
		return nil
	}
	for _, name := range names {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// moduleName is a module's name as others call it: with "_" for "-".
func moduleName(path string) (string, bool) {
	name, ok := strings.CutSuffix(strings.TrimSuffix(filepath.Base(path), ".xz"), ".ko")
	return strings.ReplaceAll(name, "-", "_"), ok
}

// moduleNeeds are the modules in the line "depends=a,b" of a module's section
// .modinfo, which NUL bytes divide.
func moduleNeeds(path string) ([]string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer file.Close()
	section := file.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("%s has no section .modinfo", path)
	}
	text, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for line := range strings.SplitSeq(string(text), "\x00") {
		if needs, ok := strings.CutPrefix(line, "depends="); ok && needs != "" {
			return strings.Split(strings.ReplaceAll(needs, "-", "_"), ","), nil
		}
	}
	return nil, nil
}
