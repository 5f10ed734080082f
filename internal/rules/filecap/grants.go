package filecap

// Grants is what a regular file carries that gives privileges to whoever execs
// it, and why some of that means nothing where it was looked at.
type Grants struct {
	Path string
	// Mode is st_mode, UID and GID the owner as the reader's user namespace
	// shows them.
	Mode     uint32
	UID, GID uint32
	// HasCaps is set where the file has capabilities, be they empty ones; Caps
	// are those if CapsShown.
	HasCaps bool
	Caps    Caps
	// Flaws are why what is carried does not count.
	Flaws Flaws
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
// kernel keeps those of a root id without a name here to itself, and invalid
// ones say nothing.
func (g *Grants) CapsShown() bool { return g.HasCaps && g.Caps.Version != 0 }

// Any reports whether the file carries anything.
func (g *Grants) Any() bool { return g.HasCaps || g.Setuid() || g.Setgid() }

// Flaws is a set of reasons why a file's privileges mean nothing.
type Flaws uint16

// Each says what it makes meaningless: all, the capabilities, or the setuid and
// setgid bits.
const (
	NoExec      Flaws = 1 << iota // all: the mount is noexec
	NotRunnable                   // all: no one has the permission to execute it
	Script                        // all: its interpreter decides
	NoSuid                        // all: the mount is nosuid
	InvalidCaps                   // all: an execve fails with EINVAL
	ForeignCaps                   // caps: of another user namespace's root
	Unmapped                      // both bits: owner or group has no id here
	SetgidAlone                   // setgid: the group may not execute it
)

var flawTexts = [...]string{
	"the mount is noexec",
	"no one may execute it",
	"a script, whose interpreter decides",
	"the mount is nosuid",
	"the file capabilities are invalid and make execve fail",
	"the file capabilities are those of another user namespace",
	"the owner or the group has no id in this user namespace",
	"setgid without execute permission for the group",
}

// Texts are the reasons in words.
func (f Flaws) Texts() []string {
	list := []string{}
	for i, text := range flawTexts {
		if f>>i&1 != 0 {
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

// Judge adds the flaws that follow from the mode, and leaves out those that
// concern nothing that the file carries.
func (g *Grants) Judge() {
	g.Flaws |= g.modeFlaws()
	if g.Flaws&NoSuid != 0 { // then no one looks at the value
		g.Flaws &^= InvalidCaps | ForeignCaps
	}
	if !g.Setuid() && !g.Setgid() {
		g.Flaws &^= Unmapped
	}
}

// Honoured reports whether any of what the file carries counts.
func (g *Grants) Honoured() bool {
	const all = NoExec | NotRunnable | Script | NoSuid | InvalidCaps
	if g.Flaws&all != 0 {
		return false
	}
	caps := g.HasCaps && g.Flaws&ForeignCaps == 0
	mapped := g.Flaws&Unmapped == 0
	return caps || mapped && (g.Setuid() || g.Setgid() && g.Flaws&SetgidAlone == 0)
}
