package classic

import (
	"errors"
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
)

// Capabilities as the options of libcap's capsh name them. Scripts write set text
// where a list belongs, "cap_a,cap_b+ep": libcap's reads the first name and
// ignores the rest without a word. Here the whole list counts, and only the flags
// are ignored, with a message.

// parseCap reads one capability. The words of its error are libcap's, which
// scripts look for: words has a %s for the text.
func parseCap(option, text, words string) (caps.Cap, error) {
	c, err := caps.ParseName(text)
	var unknown *caps.UnknownName
	switch {
	case errors.As(err, &unknown) && unknown.Near != "":
		return 0, fmt.Errorf("%s: "+words+", did you mean %s?", option, text, unknown.Near)
	case errors.As(err, &unknown):
		return 0, fmt.Errorf("%s: "+words, option, text)
	case err != nil:
		return 0, fmt.Errorf("%s: %w", option, err)
	}
	return c, nil
}

// The words of libcap's capsh for a name that it does not know: of a question, and
// in a list of what to change.
const (
	notRecognized = "cap[%s] not recognized by library"
	notKnown      = "capability [%s] is unknown to libcap"
)

// parseQuestion reads the capabilities that a question is about.
func (s *session) parseQuestion(option, value string) (asked caps.Set, err error) {
	for item := range strings.SplitSeq(s.withoutFlags(option, value), ",") {
		c, err := parseCap(option, item, notRecognized)
		if err != nil {
			return 0, err
		}
		asked |= c.Set()
	}
	return asked, nil
}

// withoutFlags is a list without the flags of set text, "+ep", behind its items;
// a message says that they are ignored. What is of no such form stays.
func (s *session) withoutFlags(option, list string) string {
	items := strings.Split(list, ",")
	var ignored []string
	for i, item := range items {
		at := strings.IndexAny(item, "=+-")
		if at <= 0 || strings.Trim(item[at:], "=+-eip") != "" {
			continue
		}
		items[i], ignored = item[:at], append(ignored, item[at:])
	}
	if len(ignored) > 0 {
		s.out.Message(fmt.Sprintf("%s: ignoring %q: the value is a list of capabilities, not set text",
			option, strings.Join(ignored, " ")))
	}
	return strings.Join(items, ",")
}
