package cred

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
)

// securebitNames are setpriv(1)'s and systemd's words, in bit order.
var securebitNames = [...]string{
	"noroot", "noroot_locked",
	"no_setuid_fixup", "no_setuid_fixup_locked",
	"keep_caps", "keep_caps_locked",
	"no_cap_ambient_raise", "no_cap_ambient_raise_locked",
	"exec_restrict_file", "exec_restrict_file_locked",
	"exec_deny_interactive", "exec_deny_interactive_locked",
}

// SecurebitFlags are the flags that do something; the bit above each locks it.
const SecurebitFlags = NoRoot | NoSetuidFixup | KeepCaps | NoCapAmbientRaise | ExecRestrictFile | ExecDenyInteractive

// Has reports whether every flag of t is set in b.
func (b Securebits) Has(t Securebits) bool { return b&t == t }

// Names lists the flags that are set, in bit order; a bit without a name is
// "bit12" and so on.
func (b Securebits) Names() []string {
	list := []string{}
	for i := range 32 {
		switch {
		case b>>i&1 == 0:
		case i < len(securebitNames):
			list = append(list, securebitNames[i])
		default:
			list = append(list, "bit"+strconv.Itoa(i))
		}
	}
	return list
}

// String is the names with commas between, "none" for no flag.
func (b Securebits) String() string {
	if b == 0 {
		return "none"
	}
	return strings.Join(b.Names(), ",")
}

// ParseSecurebit is the flag of a name, "noroot" or "noroot_locked";
// "noroot+locked" is both.
func ParseSecurebit(text string) (Securebits, error) {
	name, locked := strings.CutSuffix(text, "+locked")
	i := slices.Index(securebitNames[:], name)
	switch {
	case i < 0:
		return 0, fmt.Errorf("unknown securebit %q: they are %s", name, strings.Join(SecurebitFlags.Names(), ", "))
	case !locked:
		return 1 << i, nil
	case !SecurebitFlags.Has(1 << i):
		return 0, fmt.Errorf("%s is a lock itself", name)
	}
	return 3 << i, nil
}

// ParseSecurebits reads "none", a number in C's notation, or names with commas
// between.
func ParseSecurebits(text string) (bits Securebits, err error) {
	switch {
	case text == "none":
		return 0, nil
	case text != "" && '0' <= text[0] && text[0] <= '9':
		n, err := caps.ParseUint(text, 32)
		return Securebits(n), err
	}
	for item := range strings.SplitSeq(text, ",") {
		bit, err := ParseSecurebit(item)
		if err != nil {
			return 0, err
		}
		bits |= bit
	}
	return bits, nil
}
