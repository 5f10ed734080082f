package execve

import (
	"math/rand/v2"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
)

// TestGain: no execve brings more than Gain says, and root's brings all of it.
func TestGain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := func() caps.Set { return caps.Set(r.Uint64()) & full }
	for range 5000 {
		s := with(user([]uint32{0, 1000}[r.IntN(2)]), func(s *cred.State) {
			s.Bounding, s.Permitted, s.Inheritable = some(), some(), some()
			s.Effective, s.Ambient = s.Permitted&some(), s.Permitted&s.Inheritable&some()
			s.NoNewPrivs = cred.Is(r.IntN(2) == 0)
		})
		gain := Gain(&s.Sets)
		for _, f := range []File{plain, suRoot, capFile(filecap.Caps{Permitted: some(), Inheritable: some()})} {
			o, err := Predict(&s, &f)
			if err != nil {
				t.Fatal(err)
			}
			added := o.After.Permitted &^ s.Permitted
			if !gain.Contains(added) || s.NoNewPrivs.Value && added != 0 {
				t.Fatalf("%+v, %+v: %v was added, Gain is %v", s, f, added, gain)
			}
			if root := f.Mode == suRoot.Mode || s.UID.Real == 0 && !f.HasCaps; root && !s.NoNewPrivs.Value && added != gain {
				t.Fatalf("%+v, %+v: %v was added of %v", s, f, added, gain)
			}
		}
	}
}
