package main

import (
	"capsh/internal/linux/inherit"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/ui/render"
	"capsh/internal/ui/version"
)

// The actions that tell of capabilities and of this program.

func (s *session) explain(value string) error {
	c, err := parseCap("--explain", value)
	if err != nil {
		return err
	}
	if s.view.json {
		s.out.json(func(j *render.JSON) { render.ExplainJSON(j, []caps.Cap{c}, s.kernel().Bits) })
		return nil
	}
	s.out.buf = render.Explain(s.out.buf, c, s.kernel().Bits)
	return nil
}

func (s *session) suggest(text string) error {
	found := catalog.Suggest(text)
	if s.view.json {
		s.out.json(func(j *render.JSON) { render.ExplainJSON(j, found, s.kernel().Bits) })
		return nil
	}
	s.out.buf = appendExplained(s.out.buf, found, s.kernel().Bits)
	return nil
}

func (s *session) license(string) error {
	s.out.text("capsh: BSD 3-Clause License, see the file LICENSE.\nCopyright (c) 2026 The capsh authors\n")
	return errDone
}

func (s *session) version(string) error {
	s.out.text(versionText())
	return errDone
}

func versionText() string {
	text := "capsh " + version.String()
	if inherit.Lacks != "" {
		text += " (" + inherit.Lacks + ")"
	}
	return text + "\n"
}

func (s *session) help(string) error {
	s.out.text(usage(s.args0))
	return errDone
}
