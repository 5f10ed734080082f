package caps

import (
	"errors"
	"fmt"
	"strings"
)

// ParseList reads a list of capabilities as people write it: items with commas
// between, each a name with or without "cap_" in any case, a decimal or 0x
// number below [MaxBits], or "all", which is the given set. "none" alone is
// the empty set. An empty text or item and blanks are errors; of an unknown name it
// is an [*UnknownName].
func ParseList(text string, all Set) (Set, error) {
	if text == "" {
		return 0, errors.New(`capability list is empty, write "none" for no capability`)
	}
	if equalFold(text, "none") {
		return 0, nil
	}
	var s Set
	rest, more := text, true
	for nr := 1; more; nr++ {
		var item string
		item, rest, more = strings.Cut(rest, ",")
		if item == "" {
			return 0, fmt.Errorf("capability list %q: item %d is empty", text, nr)
		}
		t, err := parseItem(item, all)
		if err != nil {
			return 0, err
		}
		s |= t
	}
	return s, nil
}

// parseItem reads one item of several.
func parseItem(item string, all Set) (Set, error) {
	switch {
	case equalFold(item, "all"):
		return all, nil
	case equalFold(item, "none"):
		return 0, fmt.Errorf("%q must stand alone in a list of capabilities", item)
	case len(item) > 1 && item[0] == '0' && isDigit(item[1]):
		return 0, fmt.Errorf("number %q begins with 0: write it in decimal or with 0x", item)
	}
	if c, ok := named(item); ok {
		return c.Set(), nil
	}
	c, err := ParseName(item)
	if err == nil {
		return c.Set(), nil
	}
	if end := strings.IndexAny(item, "=+-; \t"); end > 0 {
		name := item[:end]
		_, nameErr := parseItem(name, 0)
		switch {
		case nameErr != nil:
		case strings.ContainsAny(item[end:end+1], "=+-"):
			err = fmt.Errorf("%q has flags as setcap(8) takes them, a list has names alone: %s", item, name)
		default:
			err = fmt.Errorf("%q must have commas between names", item)
		}
	}
	return 0, err
}
