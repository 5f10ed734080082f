package apply

import (
	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// AskSetpcap makes the kernel check whether this thread has CAP_SETPCAP in its own
// user namespace, for who watches such checks. It changes nothing: cap_prctl_drop of
// security/commoncap.c checks first and then finds that there is no capability with
// this number.
func AskSetpcap() { _ = prctl(unix.PR_CAPBSET_DROP, caps.MaxBits, 0) }
