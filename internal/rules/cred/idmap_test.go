package cred

import "testing"

func TestIDMap(t *testing.T) {
	m := []IDRange{{Inside: 0, Outside: 1000, Count: 1}, {Inside: 1, Outside: 100000, Count: 65536}, {Inside: 1 << 31, Outside: 1 << 31, Count: 1<<31 - 1}}
	for _, c := range []struct{ inside, outside uint32 }{
		{0, 1000}, {1, 100000}, {65536, 165535}, {1 << 31, 1 << 31}, {1<<32 - 2, 1<<32 - 2},
	} {
		if got, ok := Inside(m, c.outside); !ok || got != c.inside {
			t.Errorf("inside %d: %d, %t, want %d", c.outside, got, ok, c.inside)
		}
		if got, ok := Outside(m, c.inside); !ok || got != c.outside {
			t.Errorf("outside %d: %d, %t, want %d", c.inside, got, ok, c.outside)
		}
	}
	for _, id := range []uint32{0, 999, 1001, 99999, 165536, 1<<31 - 1, 1<<32 - 1} {
		if got, ok := Inside(m, id); ok {
			t.Errorf("inside %d: %d", id, got)
		}
	}
	for _, id := range []uint32{65537, 1<<31 - 1, 1<<32 - 1} {
		if got, ok := Outside(m, id); ok {
			t.Errorf("outside %d: %d", id, got)
		}
	}
}
