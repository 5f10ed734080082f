package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
)

func TestDefaultsTable(t *testing.T) {
	text := string(DefaultsTable(nil, catalog.Defaults(), 80))
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("too wide: %q", line)
		}
	}
	for _, d := range catalog.Defaults() {
		if !strings.Contains(text, d.Set.Mask()[6:]) {
			t.Errorf("no mask of %s", d.Name)
		}
	}
	for _, want := range []string{"\nnet_raw             *                      *    *\n", "14 in buildkit 0.12, as docker; ", "No runtime gives sys_module, sys_rawio, sys_time, mac_override and mac_admin"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestListOf(t *testing.T) {
	for want, set := range map[string]caps.Set{
		"none": 0, "chown": 1, "chown and dac_override": 3, "chown, dac_override and dac_read_search": 7,
	} {
		if got := listOf(set); got != want {
			t.Errorf("%#x: %q", set, got)
		}
	}
}
