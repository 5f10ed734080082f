package main

import (
	"cmp"
	"errors"
	"slices"

	"capsh/internal/linux/files"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/filecap"
	"capsh/internal/ui/option"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

const fileUsage = `usage: capsh file [-r [-x]] PATH ...
What files grant to whoever executes them: file capabilities, as setcap takes
them, setuid and setgid; and why that means nothing where it does not count, as
on a nosuid mount, in another user namespace, for a script.
  -r, --recursive        look in folders, and list what grants something;
                         symbolic links are followed only as PATH itself
  -x, --one-file-system  stay on the file system of PATH
      --json             one object a line; --format=text|json
      --color=auto|always|never
Exit status: 0, 1 if something could not be read, 2 for wrong usage.
`

// runFile is capsh file.
func runFile(args, env []string, out *term.Output) (int, error) {
	var c common
	var recursive, oneFileSystem bool
	paths, err := parseCommand(args, c.options(
		short('r', "recursive", &recursive),
		short('x', "one-file-system", &oneFileSystem),
		value("proc", func(string) error { return errors.New("has no meaning for files") }),
	))
	switch {
	case err != nil:
		return exitUsage, err
	case len(paths) == 0:
		return exitUsage, errors.New("needs a PATH")
	case oneFileSystem && !recursive:
		return exitUsage, errors.New("--one-file-system goes with --recursive")
	}
	f := fileReport{out: out}
	if recursive {
		f.walk(paths, oneFileSystem)
	} else {
		f.each(paths)
	}
	f.show(c.json, out.Color(c.color, env))
	return f.status, nil
}

// short is an option without a value that has a letter too.
func short(letter byte, name string, on *bool) option.Option[setter] {
	o := flag(name, on)
	o.Short = letter
	return o
}

// fileReport gathers what files grant; what cannot be read it says at once.
type fileReport struct {
	out    *term.Output
	list   []filecap.Grants
	status int
}

func (f *fileReport) found(g filecap.Grants) { f.list = append(f.list, g) }

func (f *fileReport) failed(err error) {
	f.out.Message("file: " + term.Escape(err.Error()))
	f.status = exitNo
}

// each looks at each path, whatever it grants.
func (f *fileReport) each(paths []string) {
	for _, path := range paths {
		g, err := files.Grants(path)
		switch {
		case errors.Is(err, unix.EISDIR):
			f.failed(errors.New(path + ": is a folder; -r looks in it"))
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
	slices.SortStableFunc(f.list, func(a, b filecap.Grants) int { return cmp.Compare(a.Path, b.Path) })
}

// show writes the report.
func (f *fileReport) show(json bool, color term.Color) {
	bits := self.KernelBits()
	var names userdb.DB
	var table term.Table
	for i := range f.list {
		if json {
			f.out.Buf = schema.Line(f.out.Buf, func(j *schema.JSON) { j.Grants(&f.list[i], bits) })
		} else {
			table.Row(report.GrantsRow(&f.list[i], bits, &names, color)...)
		}
	}
	width := 0 // what is piped stays a line each
	if f.out.IsTerminal() {
		width = f.out.Width()
	}
	f.out.Buf = table.Append(f.out.Buf, width)
}
