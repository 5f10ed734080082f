package main

import (
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
	"capsh/internal/ui/flags"
)

// TestHelp: --help fits a screen and names every option, --help=all has a line for
// each.
func TestHelp(t *testing.T) {
	table := new(options).table()
	testenv.Screen(t, table.Help(), 40)
	testenv.Screen(t, table.HelpAll(), 1000)
	for _, name := range table.Names() {
		if !strings.Contains(table.Help(), name) {
			t.Errorf("--help lacks %s", name)
		}
	}
	lines := 0
	for line := range strings.Lines(table.HelpAll()) {
		if strings.HasPrefix(strings.TrimSpace(line), "-") {
			lines++
		}
	}
	if want := len(slices.DeleteFunc(table.Names(), func(n string) bool { return !strings.HasPrefix(n, "--") })); lines != want {
		t.Errorf("--help=all has %d lines of options, want %d", lines, want)
	}
}

// TestManual: the manual page lists the options that there are, and no others.
func TestManual(t *testing.T) {
	page := testenv.ManualOptions(t, "../man/capset.1", ".Sh DESCRIPTION", ".Sh ")
	names := new(options).table().Names()
	for _, name := range names {
		if !slices.Contains(page, name) {
			t.Errorf("%s is not in the manual", name)
		}
	}
	for _, name := range page {
		if !slices.Contains(names, name) {
			t.Errorf("the manual has %s, which is not an option", name)
		}
	}
}

// TestOfferedValues: capset takes each limit, signal and right that is offered, and
// there are no limits but these.
func TestOfferedValues(t *testing.T) {
	const rlimNLimits = 16 // RLIM_NLIMITS, include/uapi/asm-generic/resource.h
	for option, test := range map[string]struct {
		end   string
		count int
	}{
		"--rlimit=":         {"0", rlimNLimits},
		"--pdeathsig=":      {"", 0},
		"--ignore-signal=":  {"", 0},
		"--umask=":          {"", 0},
		"--ptracer=any":     {"", 0},
		"--block-signal=IN": {"", 0},
	} {
		list := new(options).table().Complete(nil, option)
		if test.count > 0 && len(list) != test.count {
			t.Errorf("%s: %d values", option, len(list))
		}
		for _, word := range list {
			if _, _, err := parse([]string{word + test.end}); err != nil {
				t.Errorf("%s: %v", word, err)
			}
		}
	}
}

// TestNoArguments: a program may be started without so much as a name.
func TestNoArguments(t *testing.T) {
	var out, errs strings.Builder
	if status := run(nil, nil, nil, &out, &errs); status != 125 || out.String() != "" || !strings.HasPrefix(errs.String(), "capset: no command to run") {
		t.Errorf("%d, %q, %q", status, out.String(), errs.String())
	}
}

// TestOrder: options that act in order keep it, also between several of them.
func TestOrder(t *testing.T) {
	o, _, err := parse(strings.Fields("-k a --cap-drop=b --cap-add c -kd -e A=1 --unset-env=A --env=A=2 -e=B=3 true -k"))
	if err != nil {
		t.Fatal(err)
	}
	keep := []word{{"--keep", "a"}, {"--cap-drop", "b"}, {"--cap-add", "c"}, {"--keep", "d"}}
	environ := []word{{"--env", "A=1"}, {"--unset-env", "A"}, {"--env", "A=2"}, {"--env", "B=3"}}
	if !slices.Equal(o.keep.words, keep) || !slices.Equal(o.environ.words, environ) || !slices.Equal(o.argv, []string{"true", "-k"}) {
		t.Errorf("%v, %v, %q", o.keep.words, o.environ.words, o.argv)
	}
}

// TestComplete: the last word of a line becomes what it should.
func TestComplete(t *testing.T) {
	for _, test := range []struct {
		line string
		want string // with blanks between; a * at the end: these among others
	}{
		{"capset --kee", "--keep= --keep-home"},
		{"capset --keep cap_kil", "cap_kill"},
		{"capset --keep=cap_kil", "--keep=cap_kill"},
		{"capset --keep=net_r", "--keep=net_raw"},
		{"capset --from=d", "--from=docker"},
		{"capset --lock --qu", "--quiet"},
		{"capset --lock ", "@commands"},
		{"capset -- ", "@commands"},
		{"capset -- id --kee", "@files"},
		{"capset --keep none id ", "@files"},
		{"capset --groups=", "--groups=init --groups=none --groups=keep*"},
		{"capset -k net_r", "net_raw"},
		{"capset -k chown,net_r", "chown,net_raw"},
		{"capset -knet_r", "-knet_raw"},
		{"capset -qk net_r", "net_raw"},
		{"capset -qnknet_r", "-qnknet_raw"},
		{"capset -u roo", "root"},
		{"capset -u root ", "@commands"},
		{"capset -nq ", "@commands"},
		{"capset -z roo", "@commands"},
		{"capset -u root -C /et", "@files"},
		{"capset --user=root:roo", "--user=root:root"},
		{"capset -u root:roo", "root:root"},
		{"capset --ruid=root:roo", ""},
		{"capset --rlimit=no", "--rlimit=nofile="},
		{"capset --rlimit=nofile=", ""},
		{"capset --argv", "--argv0="},
		{"capset --pdeathsig=", "--pdeathsig=keep --pdeathsig=clear --pdeathsig=KILL*"},
		{"capset --pdeathsig=TE", "--pdeathsig=TERM"},
		{"capset --ignore-signal=INT,WI", "--ignore-signal=INT,WINCH"},
		{"capset --ignore-signal=KI", ""},
		{"capset --ignore-signal ", "@commands"},
		{"capset --landlock-access=", "--landlock-access=fs --landlock-access=net --landlock-access=scope"},
		{"capset --landlock-access=fs:exec", "--landlock-access=fs:execute"},
		{"capset --landlock-access=fs:execute,read-f", "--landlock-access=fs:execute,read-file"},
		{"capset --landlock-rule=", "--landlock-rule=path-beneath: --landlock-rule=net-port:"},
		{"capset --landlock-rule=path-beneath:exec", "--landlock-rule=path-beneath:execute"},
		{"capset --landlock-rule=path-beneath:execute:/", "@files"},
		{"capset --landlock-rule=net-port:bind-tcp:", ""},
		{"capset -", "--keep= --from=*"},
		{"capset --umask=", ""},
		{"capset --seccomp-filter=", "@files"},
		{"capset --from=pro", "@files"},
		{"capset --keep=kill,no", ""},
		{"capset --keep=no", "--keep=none"},
		{"capset --keep=none,", ""},
		{"capset --bounding=ke", "--bounding=keep"},
		{"capset --inheritable=ke", ""},
		{"capset --groups=root,ini", ""},
		{"capset --securebits=keep_c", "--securebits=keep_caps_locked"},
	} {
		words := flags.SplitLine(test.line)
		got := strings.Join(new(options).table().Complete(words[1:len(words)-1], words[len(words)-1]), " ")
		want, more := strings.CutSuffix(test.want, "*")
		if got != want && !(more && strings.HasPrefix(got, want)) {
			t.Errorf("%q: %q, want %q", test.line, got, test.want)
		}
	}
}
