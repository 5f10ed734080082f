package cred_test

import (
	"fmt"

	"capsh/internal/rules/cred"
)

// What could not be read is unknown, which is neither yes nor no.
func ExampleKnown() {
	for _, v := range []cred.Known[bool]{cred.Is(true), cred.Is(false), {}} {
		fmt.Println(cred.OnOff(v))
	}
	// Output:
	// on
	// off
	// unknown
}

func ExampleParseSecurebits() {
	bits, err := cred.ParseSecurebits("noroot+locked,keep_caps")
	fmt.Printf("%#x %v %v\n", uint32(bits), bits, err)
	// Output: 0x13 noroot,noroot_locked,keep_caps <nil>
}
