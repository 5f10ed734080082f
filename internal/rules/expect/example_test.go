package expect_test

import (
	"fmt"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
)

func ExampleParse() {
	p := cred.Process{PID: 7, TID: 7, Threads: 1, ThreadsRead: true}
	p.Effective, p.Bounding = caps.Of(caps.NetRaw), caps.First(caps.Named)
	for _, text := range []string{"eff=net_raw", "bnd<=docker", "nnp"} {
		expression, err := expect.Parse(text, expect.World{Bits: caps.Named})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(text, expression.Judge(&p).Result)
	}
	// Output:
	// eff=net_raw pass
	// bnd<=docker fail
	// nnp unknown
}
