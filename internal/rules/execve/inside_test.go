package execve

import (
	"testing"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
)

// TestInside: ids and file capabilities as a namespace below sees them.
func TestInside(t *testing.T) {
	maps := cred.Is([]cred.IDRange{{Inside: 0, Outside: 100000, Count: 1000}, {Inside: 5000, Outside: 50, Count: 1}})
	var s cred.State
	s.UserNS.UIDMap, s.UserNS.GIDMap = maps, maps
	s.UID = cred.IDs{Real: 100000, Effective: 100999, Saved: 50, FS: 100001}
	s.GID = cred.Same(100007)
	s.Groups = []uint32{100001, 4}
	got, f, err := Inside(s, File{UID: 100000, GID: 50})
	if err != nil || got.UID != (cred.IDs{Real: 0, Effective: 999, Saved: 5000, FS: 1}) || got.GID != cred.Same(7) ||
		got.Groups[0] != 1 || got.Groups[1] != overflow || f.UID != 0 || f.GID != 5000 || f.Unmapped {
		t.Errorf("%+v, %+v, %v", got, f, err)
	}
	if s.Groups[0] != 100001 {
		t.Error("the groups of the caller have changed")
	}
	for _, test := range []struct {
		file              File
		unmapped, foreign bool
	}{
		{File{UID: 0, GID: 100000}, true, false},
		{File{UID: 100000, GID: 101000}, true, false},
		{File{UID: 100000, GID: 100000, HasCaps: true, Caps: filecap.Caps{Version: 2}}, false, false},
		{File{UID: 100000, GID: 100000, HasCaps: true, ForeignCaps: true, Caps: filecap.Caps{Version: 3, RootID: 100000}}, false, false},
		{File{UID: 100000, GID: 100000, HasCaps: true, ForeignCaps: true, Caps: filecap.Caps{Version: 3, RootID: 100001}}, false, true},
		{File{UID: 100000, GID: 100000, HasCaps: true, ForeignCaps: true, Caps: filecap.Caps{Version: 3, RootID: 7}}, false, true},
		{File{UID: 100000, GID: 100000, HasCaps: true, ForeignCaps: true}, false, true},
	} {
		_, f, err := Inside(s, test.file)
		if err != nil || f.Unmapped != test.unmapped || f.ForeignCaps != test.foreign {
			t.Errorf("%+v: %+v, %v", test.file, f, err)
		}
	}
	for name, spoil := range map[string]func(*cred.State){
		"no maps":     func(s *cred.State) { s.UserNS.GIDMap.OK = false },
		"foreign uid": func(s *cred.State) { s.UID.Saved = 1 },
		"foreign gid": func(s *cred.State) { s.GID.FS = 1 },
	} {
		bad := s
		spoil(&bad)
		if _, _, err := Inside(bad, File{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
