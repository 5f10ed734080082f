package execve_test

import (
	"fmt"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
)

// A user without capabilities executes a setuid-root file. The bounding set limits
// what that gives.
func ExamplePredict() {
	before := cred.State{
		UID: cred.Same(1000), GID: cred.Same(1000), AmbientSupported: true,
		NoNewPrivs: cred.Is(false), Securebits: cred.Is(cred.Securebits(0)),
	}
	before.Bounding = caps.Of(caps.Setuid, caps.NetRaw)

	su := execve.File{Path: "/bin/su", Mode: 0o4755}
	outcome, err := execve.Predict(&before, &su)
	fmt.Println(outcome.After.UID.Effective, outcome.After.Effective, err)

	before.NoNewPrivs = cred.Is(true)
	outcome, err = execve.Predict(&before, &su)
	fmt.Println(outcome.After.UID.Effective, outcome.After.Effective == 0, err)
	// Output:
	// 0 cap_setuid,cap_net_raw <nil>
	// 1000 true <nil>
}
