package classic

import (
	"fmt"

	"capsh/internal/linux/inherit"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/version"
)

// The actions that describe capabilities and this program.

func (s *session) explain(value string) error {
	c, err := parseCap("--explain", value, "unrecognised value '%s'")
	if err == nil {
		s.describe([]caps.Cap{c})
	}
	return err
}

func (s *session) suggest(text string) error {
	s.describe(catalog.Suggest(text))
	return nil
}

func (s *session) describe(list []caps.Cap) {
	if bits := s.kernel().Bits; s.view.json {
		s.out.Buf = schema.Append(s.out.Buf, schema.NewCatalog(list, bits))
	} else {
		s.out.Buf = report.Explanations(s.out.Buf, list, bits, false)
	}
}

func (s *session) license(string) error {
	s.text("capsh: BSD 3-Clause License, see the file LICENSE.\nCopyright (c) 2026 The capsh authors\n")
	return errDone
}

func (s *session) version(string) error {
	s.text(VersionText())
	return errDone
}

// VersionText is what --version prints.
func VersionText() string {
	text := "capsh " + version.String()
	if inherit.Lacks != "" {
		text += " (" + inherit.Lacks + ")"
	}
	return text + "\n"
}

func (s *session) help(string) error {
	s.text(Usage(s.args0))
	return errDone
}

// helpAll is --help=all.
func (s *session) helpAll(which string) error {
	if _, err := flags.OneOf("all").Parse(which); err != nil {
		s.text(Usage(s.args0))
		return fmt.Errorf("--help: %w", err)
	}
	s.text(s.table(s.args0).HelpAll())
	return errDone
}
