package expect

import (
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/rules/cred"
)

func noNewPrivs(want bool) judge {
	return func(p *cred.Process) Verdict {
		switch {
		case !p.NoNewPrivs.OK:
			return unknown("no_new_privs", "")
		case p.NoNewPrivs.Value == want:
			return passes()
		case want:
			return fails("no_new_privs: is not set")
		}
		return fails("no_new_privs: is set")
	}
}

func seccomp(op operator, value string) (judge, error) {
	if err := exact(op, "seccomp"); err != nil {
		return nil, err
	}
	for _, mode := range []cred.Seccomp{cred.SeccompOff, cred.SeccompStrict, cred.SeccompFilter} {
		if mode.String() != value {
			continue
		}
		return func(p *cred.Process) Verdict {
			if !p.Seccomp.OK {
				return unknown("seccomp", "")
			}
			is := p.Seccomp.Value
			return compareOne(op, "seccomp", is.String(), value, is == mode)
		}, nil
	}
	return nil, fmt.Errorf("must be one of off, strict, filter, not %q", value)
}

// userNS compares the inode of the user namespace.
func userNS(op operator, value string) (judge, error) {
	if err := exact(op, "userns"); err != nil {
		return nil, err
	}
	want := uint64(cred.InitialUserNS)
	if value != "initial" {
		var err error
		if want, err = strconv.ParseUint(value, 10, 64); err != nil || value[0] == '+' {
			return nil, fmt.Errorf("must be initial or the inode of a user namespace, not %q", value)
		}
	}
	return func(p *cred.Process) Verdict {
		is, initial := p.UserNS.Inode, p.UserNS.Initial()
		text := "another" // who may not see the inode may still know that
		switch {
		case !is.OK && (want != cred.InitialUserNS || !initial.OK):
			return unknown("user namespace", "; reading it needs permission to trace the process")
		case initial.Value:
			text = "initial"
		case is.OK:
			text = strconv.FormatUint(is.Value, 10)
		}
		return compareOne(op, "user namespace", text, value, is.OK && is.Value == want)
	}, nil
}

// noBits is why securebits are unknown.
const noBits = "; /proc does not show them, and reading those of another process needs BPF: capsh(1), BPF PROGRAMS"

func securebits(op operator, value string) (judge, error) {
	want, err := cred.ParseSecurebits(value)
	if err != nil {
		return nil, err
	}
	if want == 0 {
		value = ""
	}
	return func(p *cred.Process) Verdict {
		if !p.Securebits.OK {
			return unknown("securebits", noBits)
		}
		is := p.Securebits.Value
		d := difference{subject: "securebits", extra: bitList(is &^ want), missing: bitList(want &^ is), common: bitList(is & want), value: value}
		return d.compare(op)
	}, nil
}

func bitList(bits cred.Securebits) string { return strings.Join(bits.Names(), ", ") }

// mode compares libcap's mode.
func (w *World) mode(op operator, value string) (judge, error) {
	if err := exact(op, "mode"); err != nil {
		return nil, err
	}
	modes := append(cred.Modes(), cred.ModeUncertain)
	for _, mode := range modes {
		if !strings.EqualFold(mode.String(), value) {
			continue
		}
		return func(p *cred.Process) Verdict {
			is := cred.GuessMode(&p.State, w.Bits)
			if !is.OK {
				return unknown("mode", ", as it depends on the securebits"+noBits)
			}
			return compareOne(op, "mode", is.Value.String(), mode.String(), is.Value == mode)
		}, nil
	}
	return nil, fmt.Errorf("must be one of %s, not %q", strings.Trim(fmt.Sprint(modes), "[]"), value)
}
