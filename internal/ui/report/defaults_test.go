package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/schema"
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
	for _, want := range []string{"\nnet_raw             *       *                   *    *\n", "No runtime gives sys_module, sys_rawio, sys_time, mac_override and mac_admin"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestDefaultsJSON(t *testing.T) {
	var j schema.JSON
	schema.DefaultsJSON(&j, catalog.Defaults())
	var got struct {
		Version  int
		Defaults []struct {
			Runtime, Mask string
			Capabilities  []string
		}
	}
	if err := json.Unmarshal(j.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != schema.SchemaVersion || len(got.Defaults) != len(catalog.Defaults()) ||
		got.Defaults[0].Mask != catalog.DockerDefault.Mask() || len(got.Defaults[0].Capabilities) != 14 {
		t.Errorf("%+v", got)
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
