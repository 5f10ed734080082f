package report

import (
	"testing"

	"capsh/internal/rules/cred"
	"capsh/internal/ui/schema"
)

// TestPingNote: a group within net.ipv4.ping_group_range needs no net_raw for ping. A
// saved profile may have any text there.
func TestPingNote(t *testing.T) {
	const includes = " (includes group 7, so ping needs no net_raw)"
	for text, want := range map[string]string{
		"0 2147483647": includes, "7 7": includes, "6 7": includes, "0 4294967295": includes,
		"1 0": "", "8 9": "", "": "", "7": "", "7 x": "", "-1 7": "", "0 7 9": "", "0 4294967296": "",
	} {
		d := schema.Discovery{User: cred.Is(schema.User{UID: 5, GID: 7})}
		d.Environment.PingGroupRange = cred.Is(text)
		if got := pingNote(&d); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
