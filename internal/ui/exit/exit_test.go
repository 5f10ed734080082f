package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"capsh/internal/ui/exit"
)

func TestStatus(t *testing.T) {
	plain := errors.New("plain")
	for name, c := range map[string]struct {
		err     error
		status  int
		message string
	}{
		"none":    {nil, 0, ""},
		"plain":   {plain, 1, "plain"},
		"usage":   {exit.With(2, plain), 2, "plain"},
		"wrapped": {fmt.Errorf("ps: %w", exit.With(2, plain)), 2, "ps: plain"},
		"nested":  {exit.With(126, exit.With(2, plain)), 126, "plain"},
		"silent":  {exit.Silent(7), 7, ""},
		"done":    {exit.Silent(0), 0, ""},
		"of none": {exit.With(2, nil), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exit.Status(c.err, 1); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if got := exit.Message(c.err); got != c.message {
				t.Errorf("message %q, want %q", got, c.message)
			}
		})
	}
	hinted := exit.With(126, exit.Hint(plain, "do this", "or that"))
	if got := exit.Hints(hinted); len(got) != 2 || got[0] != "do this" || exit.Message(hinted) != "plain" || exit.Status(hinted, 1) != 126 {
		t.Errorf("hints %q, message %q", got, exit.Message(hinted))
	}
	if exit.Hint(nil, "x") != nil || exit.Hints(plain) != nil {
		t.Error("hints of nothing")
	}
	if !errors.Is(exit.With(2, plain), plain) {
		t.Error("the cause is lost")
	}
}
