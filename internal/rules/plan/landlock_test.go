package plan_test

import (
	"math/bits"
	"testing"

	"capsh/internal/rules/plan"
)

// TestLandlockRights: how many rights of each kind each version of the interface has
// (Documentation/userspace-api/landlock.rst, "Kernel interface").
func TestLandlockRights(t *testing.T) {
	for abi, want := range map[int][3]int{
		1: {13, 0, 0}, 2: {14, 0, 0}, 3: {15, 0, 0}, 4: {15, 2, 0}, 5: {16, 2, 0}, 6: {16, 2, 2}, 7: {16, 2, 2},
		8: {16, 2, 2}, 9: {17, 2, 2}, 10: {17, 4, 2}, 11: {17, 4, 2},
	} {
		all := plan.LandlockRights("", abi)
		got := [3]int{bits.OnesCount64(all.FS()), bits.OnesCount64(all.Net()), bits.OnesCount64(all.Scope())}
		if got != want || all != plan.LandlockRights("fs", abi)|plan.LandlockRights("net", abi)|plan.LandlockRights("scope", abi) {
			t.Errorf("ABI %d: %v, want %v", abi, got, want)
		}
		for i, part := range []uint64{all.FS(), all.Net(), all.Scope()} {
			if part != 1<<want[i]-1 {
				t.Errorf("ABI %d: %#x has a gap", abi, part)
			}
		}
	}
}

// TestParseRights: a right that came later than the kernel is an error that says so.
func TestParseRights(t *testing.T) {
	for _, c := range []struct {
		kind, list string
		abi        int
		err        string
	}{
		{"fs", "resolve-unix", 9, ""},
		{"net", "bind-tcp,connect-send-udp", 10, ""},
		{"fs", "resolve-unix", 7, "this kernel does not know the right resolve-unix: its Landlock ABI is 7, and resolve-unix came with 9"},
		{"net", "bind-udp", 9, "this kernel does not know the right bind-udp: its Landlock ABI is 9, and bind-udp came with 10"},
		{"scope", "signal", 5, "this kernel does not know the right signal: its Landlock ABI is 5, and signal came with 6"},
		{"fs", "signal", 9, "signal is a right of scope, not of fs: scope:signal"},
	} {
		got, err := plan.ParseRights(c.kind, c.list, c.abi)
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err || err == nil && got&^plan.LandlockRights(c.kind, c.abi) != 0 {
			t.Errorf("%s:%s with ABI %d: %v, %v", c.kind, c.list, c.abi, got.Names(), err)
		}
	}
}
