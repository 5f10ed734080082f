package cred

import (
	"strings"
	"testing"
)

func TestParseSecurebits(t *testing.T) {
	for text, want := range map[string]Securebits{
		"none": 0, "0": 0, "0x2f": 0x2f, "3": NoRoot | NoRootLocked, "noroot": NoRoot,
		"noroot+locked,keep_caps": NoRoot | NoRootLocked | KeepCaps, "exec_deny_interactive_locked": ExecDenyInteractiveLocked,
	} {
		if got, err := ParseSecurebits(text); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                        `unknown securebit ""`,
		"noroot,":                 `unknown securebit ""`,
		"none,noroot":             `unknown securebit "none"`,
		"NOROOT":                  `unknown securebit "NOROOT"`,
		"noroot_locked+locked":    "noroot_locked is a lock itself",
		"noroot+locked+locked":    `unknown securebit "noroot+locked"`,
		"noroot, no_setuid_fixup": `unknown securebit " no_setuid_fixup"`,
	} {
		if got, err := ParseSecurebits(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	if got, err := ParseSecurebits("0x100000000"); err == nil {
		t.Errorf("a number of 33 bits: %s", got)
	}
}
