package classic

import "capsh/internal/rules/caps"

// Decoded appends a mask and the names of its bits, as libcap's capsh --decode.
func Decoded(b []byte, set caps.Set) []byte {
	b = append(append(b, "0x"...), set.Mask()...)
	b = set.AppendNames(append(b, '='))
	return append(b, '\n')
}
