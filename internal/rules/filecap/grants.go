package filecap

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Grants are the privileges that a regular file gives to a process that executes
// it, and why some of them have no effect here.
type Grants struct {
	Path string
	// Mode is st_mode, UID and GID the owner as the reader's user namespace
	// shows them.
	Mode     uint32
	UID, GID uint32 // cred.UnknownID where they may be others than they are shown as
	// HasCaps is set where the file has capabilities, even empty ones; Caps are
	// those if CapsShown.
	HasCaps bool
	Caps    Caps
	// NotGiven are those of Caps.Permitted that an execve by the reader does not
	// give: they are not in its bounding set.
	NotGiven caps.Set
	// Flaws are why privileges do not count, Doubts why that is unknown.
	Flaws  Flaws
	Doubts Doubts
}

// The bits of st_mode that matter (inode(7)).
const (
	ModeSetuid    = 0o4000 // S_ISUID
	ModeSetgid    = 0o2000 // S_ISGID
	ModeGroupExec = 0o0010 // S_IXGRP
	modeAnyExec   = 0o0111
)

// Setuid and Setgid say that the bit is set, whether it counts or not.
func (g *Grants) Setuid() bool { return g.Mode&ModeSetuid != 0 }
func (g *Grants) Setgid() bool { return g.Mode&ModeSetgid != 0 }

// CapsShown reports whether the file has capabilities that could be read: the
// kernel shows neither those of a root id without a number here nor those of
// version 1, and invalid ones have no meaning.
func (g *Grants) CapsShown() bool { return g.HasCaps && g.Caps.Version != 0 }

// Any reports whether the file has any privileges.
func (g *Grants) Any() bool { return g.HasCaps || g.Setuid() || g.Setgid() }

// Flaws is a set of reasons why a file's privileges have no effect.
type Flaws uint16

// Each has beside it what it makes ineffective: all, the capabilities, or the setuid
// and setgid bits.
const (
	NoExec       Flaws = 1 << iota // all: the mount is noexec
	NotRunnable                    // all: no one has the permission to execute it
	Script                         // all: its interpreter decides
	Registered                     // all: its interpreter, of binfmt_misc, decides
	NoSuid                         // all: the mount is nosuid
	ForeignMount                   // all: the mount is in another mount namespace
	InvalidCaps                    // all: an execve fails with EINVAL
	ForeignCaps                    // caps: of another user namespace's root
	MissingCaps                    // caps: the kernel has none of them
	Unmapped                       // both bits: owner or group has no id here
	SetgidAlone                    // setgid: the group may not execute it
	ExecFails                      // all: an execve by the reader fails with EPERM, for NotGiven
	NoneGiven                      // caps: the bounding set has none of them
	SomeGiven                      // nothing: the bounding set lacks some of them
)

var flawTexts = [...]string{
	"the mount is noexec",
	"no one may execute it",
	"a script, whose interpreter decides",
	"binfmt_misc runs it with an interpreter, which determines the result",
	"the mount is nosuid",
	"the mount belongs to another mount namespace",
	"the file capabilities are invalid and make execve fail",
	"the file capabilities are those of another user namespace",
	"this kernel has none of these capabilities",
	"the owner or the group has no id in this user namespace",
	"setgid without execute permission for the group",
	"an execve by this process fails with EPERM",
	"this process gets none of the capabilities",
	"this process gets only some of the capabilities",
}

// Doubts is a set of reasons why it is unknown whether a file's privileges count.
type Doubts uint8

const (
	// HiddenCaps: getxattr(2) refuses to show the capabilities with EINVAL. They
	// are of version 1, which execve honours, or invalid.
	HiddenCaps Doubts = 1 << iota
	// UnsureMount: whether the user namespace of the mount's file system is this
	// process's or an ancestor of it could not be read.
	UnsureMount
	// UnsureOwner: the owner or the group is shown as the overflow id, which may
	// be that or an id that this user namespace or an idmapped mount does not map.
	UnsureOwner
)

var doubtTexts = [...]string{
	"the kernel does not show the file capabilities: version 1, which execve honours, or invalid",
	"the mount may belong to another user or mount namespace",
	"the owner or the group may have no id in this user namespace or on the mount",
}

// FlawTexts are the flaws in words, with the capabilities that the bounding set
// lacks.
func (g *Grants) FlawTexts() []string {
	list := g.Flaws.Texts()
	if g.Flaws&(ExecFails|NoneGiven|SomeGiven) != 0 {
		list[len(list)-1] += ": its bounding set lacks " + g.NotGiven.String()
	}
	return list
}

// Texts are the reasons in words.
func (d Doubts) Texts() []string { return textsOf(uint16(d), doubtTexts[:]) }

// Texts are the reasons in words.
func (f Flaws) Texts() []string { return textsOf(uint16(f), flawTexts[:]) }

// textsOf are the texts of the bits that are set.
func textsOf(set uint16, texts []string) []string {
	list := []string{}
	for i, text := range texts {
		if set>>i&1 != 0 {
			list = append(list, text)
		}
	}
	return list
}

// modeFlaws are those that the mode alone shows.
func (g *Grants) modeFlaws() (f Flaws) {
	if g.Mode&modeAnyExec == 0 {
		f |= NotRunnable
	}
	// The bit once asked for mandatory locking (bprm_fill_uid, fs/exec.c).
	if g.Setgid() && g.Mode&ModeGroupExec == 0 {
		f |= SetgidAlone
	}
	return f
}

// Judge adds the flaws that follow from the mode and from how many capabilities
// the kernel has, and removes those about privileges that the file does not have.
func (g *Grants) Judge(kernelBits int) {
	g.Flaws |= g.modeFlaws()
	if given := g.Caps.Permitted | g.Caps.Inheritable; given != 0 && given&caps.First(kernelBits) == 0 {
		g.Flaws |= MissingCaps
	}
	g.Flaws |= g.boundingFlaw(kernelBits)
	if g.Flaws&(NoSuid|ForeignMount) != 0 { // then the kernel does not look at the value
		g.Flaws &^= InvalidCaps | ForeignCaps | MissingCaps | ExecFails | NoneGiven | SomeGiven
		g.Doubts = 0
	}
	if !g.Setuid() && !g.Setgid() {
		g.Flaws &^= Unmapped
		g.Doubts &^= UnsureOwner
	}
}

// boundingFlaw is what follows from the reader's bounding set. Where the file has
// the effective flag, execve gives all that is permitted or fails
// (bprm_caps_from_vfs_caps, security/commoncap.c), for root too.
func (g *Grants) boundingFlaw(kernelBits int) Flaws {
	g.NotGiven &= caps.First(kernelBits)
	given := g.Caps.Known(kernelBits)
	switch {
	case g.NotGiven == 0 || g.Flaws&(ForeignCaps|NotRunnable|Script|Registered|NoExec) != 0:
		return 0
	case given.Effective:
		return ExecFails
	case given.Permitted == g.NotGiven && given.Inheritable == 0:
		return NoneGiven
	}
	return SomeGiven
}

// Honoured reports whether any of the file's privileges counts; unknown where that
// depends on a doubt.
func (g *Grants) Honoured() cred.Known[bool] {
	const all = NoExec | NotRunnable | Script | Registered | NoSuid | ForeignMount | InvalidCaps | ExecFails
	if g.Flaws&all != 0 {
		return cred.Is(false)
	}
	mapped := g.Flaws&Unmapped == 0
	bits := mapped && (g.Setuid() || g.Setgid() && g.Flaws&SetgidAlone == 0)
	shown := g.HasCaps && g.Flaws&(ForeignCaps|MissingCaps|NoneGiven) == 0
	hidden := g.Doubts&HiddenCaps != 0
	unsure := bits && g.Doubts&UnsureOwner != 0
	counts := bits && !unsure || shown && !hidden
	switch {
	case counts && g.Doubts&UnsureMount != 0, !counts && (hidden || unsure):
		return cred.Known[bool]{}
	}
	return cred.Is(counts)
}
