// Command licences writes the licences of the modules into SBOMs of cyclonedx-gomod,
// which finds none of this module and of the standard library, and only one of the
// two of libcap's. A module that is not known here is an error.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// bsd is this module's too, see LICENSE.
const bsd = "BSD-3-Clause"

// licences are SPDX expressions, by the path of a module.
var licences = map[string]string{
	"capsh":                  bsd,
	"std":                    bsd,
	"golang.org/x/sys":       bsd,
	"github.com/spf13/pflag": bsd,
	"kernel.org/pub/linux/libs/security/libcap/cap": bsd + " OR GPL-2.0-only",
	"kernel.org/pub/linux/libs/security/libcap/psx": bsd + " OR GPL-2.0-only",
}

func main() {
	for _, path := range os.Args[1:] {
		if err := license(path); err != nil {
			fmt.Fprintf(os.Stderr, "licences: %s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

// license adds the licences to one SBOM.
func license(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var bom map[string]any
	if err := json.Unmarshal(text, &bom); err != nil {
		return err
	}
	metadata, _ := bom["metadata"].(map[string]any)
	components, _ := bom["components"].([]any)
	for _, c := range append([]any{metadata["component"]}, components...) {
		component, _ := c.(map[string]any)
		name, _ := component["name"].(string)
		if licences[name] == "" {
			return fmt.Errorf("no licence is known of %q", name)
		}
		component["licenses"] = []any{map[string]string{"expression": licences[name]}}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
