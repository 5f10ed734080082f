package main

import (
	"errors"
	"slices"
	"sort"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/filecap"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

// fileCommand is capsh file.
type fileCommand struct {
	view
	fileChange
	recursive, oneFileSystem bool
}

func (c *fileCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh file [option ...] PATH ...",
		About: `Shows what files grant to a process that executes them: file capabilities, as
setcap takes them, setuid and setgid. If they have no effect, it says why: on a
nosuid mount, in another user namespace, for a script, or because they are not
in this process's bounding set. --set and --remove change file capabilities.
`,
		Options: func(o *flags.Options) {
			o.Group("which")
			flags.Switch(o, "-r, --recursive", "list files below directories that grant something", &c.recursive)
			flags.Switch(o, "-x, --one-file-system", "stay on the file system of PATH", &c.oneFileSystem)
			c.fileChange.options(o.Group("change"))
			c.output(o.Group("output"))
		},
		Refused: func(name string) string {
			switch name {
			case "proc":
				return "has no meaning for files"
			case "R":
				return "for files below a directory: -r"
			case "get", "v":
				return "without --set and --remove, files are only shown"
			}
			return ""
		},
		After: `With -r, symlinks are followed only if given as PATH; --set and --remove refuse
them. After a change, what the files grant is shown.
JSON is one object per line.
Exit status: 0, 1 if something could not be read, 2 for wrong usage.
`,
	}
}

func (c *fileCommand) run(paths, env []string, out *term.Output) error {
	switch {
	case len(paths) == 0 || slices.Contains(paths, ""):
		return usageError("needs a PATH")
	case c.oneFileSystem && !c.recursive:
		return usageError("--one-file-system requires --recursive")
	case c.recursive && c.asked():
		return usageError("--set and --remove change the files that are named: without --recursive")
	}
	change, err := c.parse()
	if err != nil {
		return err
	}
	f := fileReport{out: out}
	switch {
	case c.recursive:
		f.walk(paths, c.oneFileSystem)
	case c.asked():
		f.change(paths, change, c.dryRun)
	default:
		f.each(paths)
	}
	f.show(c.json(), out.Color(c.color, env))
	if f.incomplete {
		return exit.Silent(exit.No)
	}
	return nil
}

// fileReport gathers what files grant; what cannot be read it says at once.
type fileReport struct {
	out        *term.Output
	list       []filecap.Grants
	incomplete bool // something could not be read
}

func (f *fileReport) found(g filecap.Grants) { f.list = append(f.list, g) }

func (f *fileReport) failed(err error) {
	f.out.Message("file: "+term.Escape(err.Error()), exit.Hints(err)...)
	f.incomplete = true
}

// each looks at each path, whatever it grants.
func (f *fileReport) each(paths []string) {
	for _, path := range paths {
		g, err := files.Grants(path)
		switch {
		case errors.Is(err, unix.EISDIR):
			f.failed(errors.New(path + ": is a directory; -r looks in it"))
		case err != nil:
			f.failed(err)
		default:
			f.found(g)
		}
	}
}

// walk looks for what grants something in trees.
func (f *fileReport) walk(paths []string, oneFileSystem bool) {
	w := files.Walk{OneFileSystem: oneFileSystem}
	line := progress{to: f.out.Stderr(), walk: &w}
	w.Found = f.found
	w.Failed = func(err error) { line.erase(); f.failed(err) }
	line.start()
	for _, path := range paths {
		w.Tree(path)
	}
	line.stop()
	sort.SliceStable(f.list, func(i, j int) bool { return f.list[i].Path < f.list[j].Path })
}

// show writes the report.
func (f *fileReport) show(json bool, color term.Color) {
	bits := kernelBits(procfs.Proc)
	var names userdb.DB
	var table term.Table
	for i := range f.list {
		if json {
			f.out.Buf = schema.Append(f.out.Buf, schema.NewFile(&f.list[i], bits))
		} else {
			table.Row(report.GrantsRow(&f.list[i], bits, &names, color)...)
		}
	}
	f.out.Buf = table.Append(f.out.Buf, f.out.Width()) // what is piped stays a line each
}
