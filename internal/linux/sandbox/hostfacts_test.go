package sandbox

import (
	"testing"

	"capsh/internal/rules/cred"
)

// TestPortIOBySymbols: what shows iopl(2), by the kernel's release and its symbols.
func TestPortIOBySymbols(t *testing.T) {
	const without = "ffffffff81300aa0 T ksys_ioperm\nffffffff81300b30 T __x64_sys_iopl\n"
	const with = without + "0000000000000000 T io_bitmap_share\n"
	for _, c := range []struct {
		symbols, release string
		want             cred.Known[bool]
	}{
		{with, "6.18.44", cred.Is(true)}, {without, "6.18.44", cred.Is(false)}, {"", "6.18.44", cred.Known[bool]{}},
		{without, "5.4.0-200-generic", cred.Is(true)}, {"", "5.4.0-200-generic", cred.Is(true)}, {without, "", cred.Is(false)},
	} {
		if got := portIOBySymbols([]byte(c.symbols), c.release); got != c.want {
			t.Errorf("%q, %s: %+v, want %+v", c.symbols, c.release, got, c.want)
		}
	}
}
