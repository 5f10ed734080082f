package filecap

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// TestAgainstLibcap: libcap's Go module reads from a file what this package
// encodes, and this package decodes what it writes.
func TestAgainstLibcap(t *testing.T) {
	testenv.Root(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		want := Caps{Version: 2 + random.IntN(2), Permitted: anySet(random), Inheritable: anySet(random)}
		want.Effective = random.IntN(2) == 0
		if want.Version == 3 {
			want.RootID = 1 + random.Uint32N(1<<20)
		}
		value, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Setxattr(file, XattrName, value, 0); err != nil {
			t.Fatal(err)
		}
		theirs, err := cap.GetFile(file)
		if err != nil {
			t.Fatalf("%+v: libcap cannot read it: %v", want, err)
		}
		if got := ofLibcap(t, theirs, want.Version); got != lessEmptyEffective(want) {
			t.Errorf("encoded %+v, libcap reads %+v", want, got)
		}
		if want.Version == 3 {
			continue // SetFile does not write a root id: EINVAL
		}
		if err := theirs.SetFile(file); err != nil {
			t.Fatal(err)
		}
		value = make([]byte, MaxSize)
		n, err := unix.Getxattr(file, XattrName, value)
		switch empty := want.Permitted|want.Inheritable == 0; {
		case empty && errors.Is(err, unix.ENODATA): // libcap writes no empty set
		case err != nil:
			t.Fatal(err)
		default:
			if got, err := Decode(value[:n]); err != nil || got != lessEmptyEffective(want) {
				t.Errorf("libcap wrote %+v, decoded %+v, %v", want, got, err)
			}
		}
	}
}

// anySet is empty, full or random.
func anySet(random *rand.Rand) caps.Set {
	switch random.IntN(8) {
	case 0:
		return 0
	case 1:
		return caps.First(caps.Named)
	}
	return caps.Set(random.Uint64()) & caps.First(caps.Named)
}

// lessEmptyEffective is c as libcap knows it, which loses the flag of an empty
// set.
func lessEmptyEffective(c Caps) Caps {
	c.Effective = c.Effective && c.Permitted|c.Inheritable != 0
	return c
}

// ofLibcap is a set of libcap's as ours; libcap does not tell the version.
func ofLibcap(t *testing.T, s *cap.Set, version int) Caps {
	t.Helper()
	c := Caps{Version: version}
	if root, err := s.GetNSOwner(); err != nil {
		t.Fatal(err)
	} else {
		c.RootID = uint32(root)
	}
	for bit := range caps.Cap(caps.Named) {
		for flag, set := range map[cap.Flag]*caps.Set{cap.Permitted: &c.Permitted, cap.Inheritable: &c.Inheritable} {
			if on, err := s.GetFlag(flag, cap.Value(bit)); err != nil {
				t.Fatal(err)
			} else if on {
				*set |= bit.Set()
			}
		}
		if on, _ := s.GetFlag(cap.Effective, cap.Value(bit)); on {
			c.Effective = true
		}
	}
	return c
}
