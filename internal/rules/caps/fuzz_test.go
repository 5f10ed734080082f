package caps

import (
	"strings"
	"testing"
)

// The fuzz targets hold the parsers against libcap where it is installed, and
// everywhere against their own printers. C texts end at a NUL: a text with one
// is no question for libcap.

func FuzzText(f *testing.F) {
	for _, text := range setTexts {
		for kernel := range kernels {
			f.Add(text, byte(kernel))
		}
	}
	oracles := fuzzOracles(f)
	f.Fuzz(func(t *testing.T, text string, kernel byte) {
		i := int(kernel) % len(kernels)
		bits := kernelBits(kernels[i])
		if oracles != nil && !strings.ContainsRune(text, 0) {
			compareSetTexts(t, oracles[i], []string{text})
		}
		e, err := ParseText(text, bits)
		if err != nil {
			return
		}
		if back, err := ParseText(e.Text(bits), bits); err != nil || back != e {
			t.Errorf("kernel %d: %q is %x, its text %q is %x, %v", bits, text, e, e.Text(bits), back, err)
		}
	})
}

func FuzzIAB(f *testing.F) {
	for _, text := range iabTexts {
		for kernel := range kernels {
			f.Add(text, byte(kernel))
		}
	}
	oracles := fuzzOracles(f)
	f.Fuzz(func(t *testing.T, text string, kernel byte) {
		if oracles != nil && !strings.ContainsRune(text, 0) {
			compareIABTexts(t, oracles[int(kernel)%len(kernels)], []string{text})
		}
		s, err := ParseIAB(text)
		if err != nil {
			return
		}
		own := string(s.AppendText(nil, MaxBits))
		if back, err := ParseIAB(own); err != nil || back != s {
			t.Errorf("%q is %x, its text %q is %x, %v", text, s, own, back, err)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, text := range append(nameTexts, numberTexts...) {
		f.Add(text)
	}
	oracles := fuzzOracles(f)
	f.Fuzz(func(t *testing.T, text string) {
		if oracles != nil && !strings.ContainsRune(text, 0) {
			compareNames(t, oracles[0], []string{text})
		}
		if c, err := ParseName(text); err == nil {
			if back, err := ParseName(c.String()); err != nil || back != c {
				t.Errorf("%q is %v, which reads back as %v, %v", text, c, back, err)
			}
		}
		if s, err := ParseList(text, First(Named)); err == nil && s != 0 {
			if back, err := ParseList(s.String(), 0); err != nil || back != s {
				t.Errorf("%q is %v, which reads back as %v, %v", text, s, back, err)
			}
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, text := range numberTexts {
		f.Add(text)
	}
	oracles := fuzzOracles(f)
	f.Fuzz(func(t *testing.T, text string) {
		if oracles != nil && !strings.ContainsRune(text, 0) {
			compareNames(t, oracles[0], []string{text})
		}
		s, err := ParseMask(text)
		if err != nil {
			return
		}
		digits := strings.ToLower(strings.TrimLeft(text, "0xX"))
		if len(digits) > 16 || strings.Trim(digits, "0123456789abcdef") != "" {
			t.Errorf("%q is no hex number of 64 bits, yet %x", text, uint64(s))
		}
	})
}
