package plan_test

import (
	"fmt"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// Root becomes user 1000 and keeps one capability. The steps are data: a dry run
// prints what a launch carries out.
func ExampleMake() {
	all := caps.First(caps.Named)
	root := cred.State{AmbientSupported: true, NoNewPrivs: cred.Is(false), Securebits: cred.Is(cred.Securebits(0))}
	root.Bounding, root.Permitted, root.Effective = all, all, all

	p, err := plan.Make(&root, &plan.Request{
		Keep: caps.NetBindService.Set(),
		UID:  cred.Is(cred.Same(1000)), GID: cred.Is(cred.Same(1000)), Groups: cred.Is([]uint32{1000}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range p.Changes() {
		fmt.Println(s.String())
	}
	fmt.Println("then:", p.Want.UID.Effective, p.Want.Permitted)
	// Output:
	// drop 40 capabilities from bounding
	// set keep_caps to retain the permitted set across setuid
	// setgroups 1000
	// setresgid 1000
	// setresuid 1000
	// capset effective cap_net_bind_service; permitted cap_net_bind_service; inheritable cap_net_bind_service
	// raise ambient cap_net_bind_service
	// no_new_privs
	// read everything back and compare
	// restore signals
	// then: 1000 cap_net_bind_service
}
