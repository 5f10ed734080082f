package files

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestListFormats: the files of binfmt_misc, here in a plain directory. The kernel's
// own are judged in tests/commands.
func TestListFormats(t *testing.T) {
	one, off := "enabled\ninterpreter /one\nflags: \nextension .x\n", "disabled\ninterpreter /off\nflags: F\nextension .y\n"
	for name, c := range map[string]struct {
		files  map[string]string
		want   []string
		hidden bool
	}{
		"none":           {map[string]string{"status": "enabled\n", "register": ""}, nil, false},
		"two":            {map[string]string{"status": "enabled\n", "register": "", "one": one, "off": off}, []string{"/off", "/one"}, false},
		"all are off":    {map[string]string{"status": "disabled\n", "register": "", "one": one}, nil, false},
		"of another way": {map[string]string{"status": "enabled\n", "one": "interpreter=/one\n"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.files {
				write(t, dir, name, text)
			}
			list, err := listFormats(openPath(t, dir))
			var got []string
			for _, r := range list {
				got = append(got, r.Interpreter)
			}
			if slices.Sort(got); errors.Is(err, errHidden) != c.hidden || !c.hidden && (err != nil || !slices.Equal(got, c.want)) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := listFormats(openPath(t, t.TempDir())); !errors.Is(err, unix.ENOENT) {
		t.Errorf("without a status: %v", err)
	}
}

// TestMatchOnce: the registrations are read once, and what is hidden stays so.
func TestMatchOnce(t *testing.T) {
	f := formats{hidden: true}
	if _, readable, err := f.match("x", nil); readable || err != nil || f.read {
		t.Errorf("hidden: readable %t, %v, %+v", readable, err, f)
	}
	list, err := listFormats(openPath(t, func() string {
		dir := t.TempDir()
		write(t, dir, "status", "enabled\n")
		write(t, dir, "one", "enabled\ninterpreter /one\nflags: \nextension .x\n")
		return dir
	}()))
	if err != nil {
		t.Fatal(err)
	}
	f = formats{read: true, list: list}
	for path, want := range map[string]string{"a.x": "/one", "a.y": ""} {
		if r, readable, err := f.match(path, nil); !readable || err != nil || r.Interpreter != want {
			t.Errorf("%s: %+v, readable %t, %v", path, r, readable, err)
		}
	}
	if _, err := os.Stat(formatsDir); err != nil {
		var none formats
		if _, readable, err := none.match("a.x", nil); err != nil || !none.read && readable {
			t.Errorf("without binfmt_misc: readable %t, %v", readable, err)
		}
	}
}
