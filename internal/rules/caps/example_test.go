package caps_test

import (
	"fmt"

	"capsh/internal/rules/caps"
)

// A list is what options take: names in any of their forms, numbers, all, none.
func ExampleParseList() {
	set, err := caps.ParseList("net_raw,CAP_CHOWN,5", caps.First(caps.Named))
	fmt.Println(set, err)
	fmt.Println(set.Mask(), set.Len())
	_, err = caps.ParseList("net_rawr", 0)
	fmt.Println(err != nil)
	// Output:
	// cap_chown,cap_kill,cap_net_raw <nil>
	// 0000000000002021 3
	// true
}

// The text of cap_from_text(3) has the effective, permitted and inheritable sets.
func ExampleParseText() {
	sets, err := caps.ParseText("cap_chown=ep cap_kill+i", 41)
	fmt.Println(sets.Effective, sets.Permitted, sets.Inheritable, err)
	fmt.Println(sets.Text(41))
	// Output:
	// cap_chown cap_chown cap_kill <nil>
	// cap_kill=i cap_chown+ep
}
