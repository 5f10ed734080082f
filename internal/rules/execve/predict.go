package execve

import (
	"slices"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Predict is the outcome of an execve of f by a thread in the state before. The ids
// of before and of f are those that the thread's own user namespace shows.
//
// The error is a *[Refused] where the kernel answers EPERM, and an *[Unknown]
// where before or f lacks what the answer depends on. Whether the file may be
// executed, or would start, is not considered.
//
// The kernel's side of it is begin_new_exec and bprm_creds_from_file in
// fs/exec.c and cap_bprm_creds_from_file in security/commoncap.c. Not covered:
// the boot option no_file_caps, and other security modules.
func Predict(before *cred.State, f *File) (Outcome, error) {
	if err := f.unknownFormat(); err != nil {
		return Outcome{}, err
	}
	switch {
	case f.UnsureMount && f.Privileged():
		return predictBoth(before, f, "the mount's user namespace", func(_ *cred.State, f *File, on bool) {
			f.UnsureMount, f.NoSuid = false, on
		})
	case f.UnsureOwner && (f.setuid() || f.setgid()):
		return predictBoth(before, f, "the file's owner or group", func(_ *cred.State, f *File, on bool) {
			f.UnsureOwner, f.Unmapped = false, on
		})
	case f.HiddenCaps && !f.NoSuid:
		return Outcome{}, &Unknown{What: "the file capabilities of " + f.DeciderText() + " (version 1 or invalid)"}
	case !before.NoNewPrivs.OK:
		return predictBoth(before, f, "no_new_privs", func(s *cred.State, _ *File, on bool) {
			s.NoNewPrivs = cred.Is(on)
		})
	case !before.Securebits.OK:
		return predictBoth(before, f, "securebits", func(s *cred.State, _ *File, on bool) {
			s.Securebits.OK = true
			if on {
				s.Securebits.Value = cred.NoRoot // the only bit that execve asks for
			}
		})
	}
	e := exec{old: before, new: *before, file: f}
	e.header()
	e.setIDs()
	if err := e.fileCaps(); err != nil {
		return Outcome{}, err
	}
	e.root()
	e.restrict()
	e.finish()
	return Outcome{After: e.new, Secure: e.secure(), Rules: e.rules}, nil
}

// exec is one execve on its way: new starts as a copy of old, as the kernel's
// bprm->cred does.
type exec struct {
	old  *cred.State
	new  cred.State
	file *File
	// hasCaps: file capabilities count; effective: all of permitted becomes
	// effective; changed: the ids are not the caller's.
	hasCaps, effective, changed bool
	rules                       Rules
}

func (e *exec) note(r Rule, ok bool) {
	if ok {
		e.rules |= 1 << r
	}
}

func (e *exec) header() {
	e.note(ByInterpreter, e.file.Decider() != e.file.Path)
	e.note(ByBinary, e.file.BinaryDecides)
	e.note(AssumedBinary, e.file.Unreadable)
}

// setIDs is bprm_fill_uid (fs/exec.c).
func (e *exec) setIDs() {
	f := e.file
	switch {
	case !f.setuid() && !f.setgid():
	case f.NoSuid: // !mnt_may_suid
		e.note(SetidNoSuid, true)
	case e.old.NoNewPrivs.Value: // task_no_new_privs
		e.note(SetidNoNewPrivs, true)
	case f.Unmapped: // either id without a mapping: neither bit counts
		e.note(SetidUnmapped, true)
	default:
		if f.setuid() {
			e.new.UID.Effective = f.UID
			e.note(SetuidTaken, true)
		}
		if f.setgid() {
			e.new.GID.Effective = f.GID
			e.note(SetgidTaken, true)
		}
	}
}

// fileCaps is get_file_caps and bprm_caps_from_vfs_caps.
func (e *exec) fileCaps() error {
	e.new.Permitted = 0
	f := e.file
	switch {
	case !f.HasCaps:
		return nil
	case f.NoSuid: // !mnt_may_suid
		e.note(FileCapsNoSuid, true)
		return nil
	case f.ForeignCaps: // !rootid_owns_currentns
		e.note(FileCapsForeign, true)
		return nil
	}
	// Empty file capabilities are file capabilities: any revision will do.
	e.hasCaps = true
	e.note(FileCapsTaken, true)
	e.effective = f.Caps.Effective
	e.note(FileCapsEffective, f.Caps.Effective)
	// pP' = (X & fP) | (pI & fI)
	e.new.Permitted = e.old.Bounding&f.Caps.Permitted | e.old.Inheritable&f.Caps.Inheritable
	// A program that asks for the effective flag doesn't know about
	// capabilities and can't find out which ones it lacks: no exec.
	if missing := f.Caps.Permitted &^ e.new.Permitted; missing != 0 && f.Caps.Effective {
		return &Refused{File: f.DeciderText(), Missing: missing}
	}
	return nil
}

// root is handle_privileged_root.
func (e *exec) root() {
	effective, real := e.new.UID.Effective == 0, e.new.UID.Real == 0
	switch {
	case !effective && !real:
		e.note(Unprivileged, !e.hasCaps)
	case e.old.Securebits.Value.Has(cred.NoRoot):
		e.note(RootDisabled, true)
	case e.hasCaps && effective && !real:
		e.note(RootByFileCaps, true)
	default:
		// fP and fI count as full: pP' = X | pI
		e.new.Permitted = e.old.Bounding | e.old.Inheritable
		e.effective = e.effective || effective
		e.note(RootEffective, effective)
		e.note(RootReal, !effective)
	}
}

// restrict sees to it that nothing is gained under no_new_privs, nor by a
// program that another process could steer.
func (e *exec) restrict() {
	e.changed = e.idsChanged()
	gained := !e.old.Permitted.Contains(e.new.Permitted)
	noNewPrivs := e.old.NoNewPrivs.Value
	if !e.changed && !gained || !noNewPrivs && !e.file.Unsafe {
		return
	}
	// An unsafe caller that could change its ids at any time keeps them.
	if noNewPrivs || !e.old.Effective.Has(caps.Setuid) {
		e.note(IDsReset, e.new.UID.Effective != e.new.UID.Real || e.new.GID.Effective != e.new.GID.Real)
		e.new.UID.Effective = e.new.UID.Real
		e.new.GID.Effective = e.new.GID.Real
	}
	e.new.Permitted &= e.old.Permitted
	e.note(CutNoNewPrivs, gained && noNewPrivs)
	e.note(CutUnsafe, gained && !noNewPrivs)
}

// idsChanged is the kernel's id_changed: since Linux 6.17 another effective uid
// than before, or an effective gid that is none of the caller's groups.
func (e *exec) idsChanged() bool {
	uid, gid := e.new.UID.Effective, e.new.GID.Effective
	if e.file.SetidFromReal {
		return uid != e.old.UID.Real || gid != e.old.GID.Real
	}
	inGroup := gid == e.old.GID.FS || slices.Contains(e.old.Groups, gid) // in_group_p
	return uid != e.old.UID.Effective || !inGroup
}

// finish is the rest of cap_bprm_creds_from_file.
func (e *exec) finish() {
	e.note(SavedIDs, e.new.UID.Saved != e.new.UID.Effective || e.new.UID.FS != e.new.UID.Effective ||
		e.new.GID.Saved != e.new.GID.Effective || e.new.GID.FS != e.new.GID.Effective)
	e.new.UID.Saved, e.new.UID.FS = e.new.UID.Effective, e.new.UID.Effective
	e.new.GID.Saved, e.new.GID.FS = e.new.GID.Effective, e.new.GID.Effective
	e.new.FSUnknown = false

	if ambient := e.old.Ambient; ambient != 0 {
		e.note(AmbientFileCaps, e.hasCaps)
		e.note(AmbientIDs, e.changed)
		e.note(AmbientKept, !e.hasCaps && !e.changed)
	}
	if e.hasCaps || e.changed {
		e.new.Ambient = 0
	}
	// pP' = (X & fP) | (pI & fI) | pA'
	e.new.Permitted |= e.new.Ambient
	// pE' = fE ? pP' : pA'
	e.new.Effective = e.new.Ambient
	if e.effective {
		e.new.Effective = e.new.Permitted
	}

	e.note(KeepCapsCleared, e.old.Securebits.Value.Has(cred.KeepCaps))
	e.new.Securebits.Value &^= cred.KeepCaps
}

// secure is bprm->secureexec: the ids are not the caller's real ones, or a
// caller whose real uid is not 0 got more than its ambient set.
func (e *exec) secure() bool {
	return e.changed ||
		e.new.UID.Effective != e.old.UID.Real ||
		e.new.GID.Effective != e.old.GID.Real ||
		e.new.UID.Real != 0 && (e.effective || !e.new.Ambient.Contains(e.new.Permitted))
}

// predictBoth predicts with an unknown switch off and on. Where both agree the
// switch doesn't matter; it stays unknown in the outcome.
func predictBoth(before *cred.State, f *File, what string, set func(*cred.State, *File, bool)) (Outcome, error) {
	predict := func(on bool) (Outcome, error) {
		s, file := *before, *f
		set(&s, &file, on)
		return Predict(&s, &file)
	}
	a, errA := predict(false)
	b, errB := predict(true)
	if errA != nil && errB != nil {
		return Outcome{}, errA // the same: no rule that refuses looks at the switch
	}
	if errA != nil || errB != nil || a.Secure != b.Secure ||
		a.After.Sets != b.After.Sets || a.After.UID != b.After.UID || a.After.GID != b.After.GID {
		return Outcome{}, &Unknown{What: what}
	}
	a.After.NoNewPrivs, a.After.Securebits = before.NoNewPrivs, before.Securebits
	if before.Securebits.OK {
		a.After.Securebits.Value &^= cred.KeepCaps
	}
	a.Rules &= b.Rules
	return a, nil
}
