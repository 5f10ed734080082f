// Package filecap says what a file grants: the value of its extended attribute
// security.capability, in all three versions of
// include/uapi/linux/capability.h. It is pure.
package filecap

import (
	"encoding/binary"
	"fmt"

	"capsh/internal/rules/caps"
)

// XattrName is the extended attribute with a file's capabilities.
const XattrName = "security.capability"

// MaxSize is the length in bytes of the longest value, a version 3 one.
const MaxSize = size3

// Caps are the capabilities of a file. The zero value is not a valid one: its
// version is missing.
type Caps struct {
	// Permitted is what the file gives, within the bounding set of the thread
	// that execs it; Inheritable what the thread keeps of its own inheritable
	// set.
	Permitted, Inheritable caps.Set
	// Effective is one flag for all: what execve gives is effective at once.
	Effective bool
	// Version is 1 (32 capabilities, Linux 2.6.24), 2 (64, Linux 2.6.25) or
	// 3 (64 and a root id, Linux 4.14).
	Version int
	// RootID is uid 0 of the user namespace that the capabilities count in, and
	// in those below it; only version 3 has one. Elsewhere it is 0.
	RootID uint32
}

// The layout of struct vfs_cap_data and vfs_ns_cap_data: 32-bit words, little
// endian on every architecture. The first is the revision in the top byte and the
// flags below; then permitted and inheritable of bits 0 to 31, the same of bits
// 32 to 63, and the root id.
const (
	revisionMask  = 0xff000000 // VFS_CAP_REVISION_MASK
	revisionShift = 24
	flagEffective = 0x000001 // VFS_CAP_FLAGS_EFFECTIVE

	size1 = 12 // XATTR_CAPS_SZ_1
	size2 = 20 // XATTR_CAPS_SZ_2
	size3 = 24 // XATTR_CAPS_SZ_3
)

// sizes are the exact lengths by version; 0 is no version.
var sizes = [...]int{1: size1, 2: size2, 3: size3}

// Decode reads a value as execve does (get_vfs_caps_from_disk,
// security/commoncap.c): an unknown revision, or a size that is not exactly the
// revision's, is an error (execve fails with EINVAL), and flags other than
// "effective" mean nothing. getxattr(2) is stricter and shows neither version 1
// nor unknown flags.
func Decode(value []byte) (Caps, error) {
	if len(value) < 4 {
		return Caps{}, sizeError(len(value), 0)
	}
	magic := word(value, 0)
	version := magic >> revisionShift
	if version == 0 || int(version) >= len(sizes) {
		return Caps{}, fmt.Errorf("file capabilities: unknown revision %#x", magic&revisionMask)
	}
	if len(value) != sizes[version] {
		return Caps{}, sizeError(len(value), int(version))
	}
	c := Caps{
		Permitted:   caps.Set(word(value, 1)),
		Inheritable: caps.Set(word(value, 2)),
		Effective:   magic&flagEffective != 0,
		Version:     int(version),
	}
	if version >= 2 {
		c.Permitted |= caps.Set(word(value, 3)) << 32
		c.Inheritable |= caps.Set(word(value, 4)) << 32
	}
	if version == 3 {
		c.RootID = word(value, 5)
	}
	return c, nil
}

// Encode is the value to store. It is an error if the version is none of 1 to 3
// or has no room for the capabilities of c. The kernel takes versions 2 and 3 from
// setxattr(2), and version 2 only where the caller has CAP_SETFCAP over the file
// system's user namespace.
func (c Caps) Encode() ([]byte, error) {
	if c.Version < 1 || c.Version > 3 {
		return nil, fmt.Errorf("file capabilities: no version %d", c.Version)
	}
	if c.Version == 1 && (c.Permitted|c.Inheritable)>>32 != 0 {
		return nil, fmt.Errorf("file capabilities: version 1 has no room for capabilities above 31")
	}
	if c.Version < 3 && c.RootID != 0 {
		return nil, fmt.Errorf("file capabilities: only version 3 has a root id")
	}
	magic := uint32(c.Version) << revisionShift
	if c.Effective {
		magic |= flagEffective
	}
	words := []uint32{magic, uint32(c.Permitted), uint32(c.Inheritable),
		uint32(c.Permitted >> 32), uint32(c.Inheritable >> 32), c.RootID}
	b := make([]byte, 0, size3)
	for _, w := range words[:sizes[c.Version]/4] {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b, nil
}

// Known is c without the capabilities that a kernel with the given number of
// them does not have: what execve sees (CAP_VALID_MASK, security/commoncap.c).
func (c Caps) Known(kernelBits int) Caps {
	c.Permitted &= caps.First(kernelBits)
	c.Inheritable &= caps.First(kernelBits)
	return c
}

// ParseText reads set text as setcap(8) does. rootID is uid 0 of the user namespace
// in which the capabilities count, 0 for every one. It is an error if only some of
// the capabilities are effective: a file has one flag for all.
func ParseText(text string, rootID uint32, kernelBits int) (Caps, error) {
	epi, err := caps.ParseText(text, kernelBits)
	if err != nil {
		return Caps{}, err
	}
	c := Caps{Permitted: epi.Permitted, Inheritable: epi.Inheritable, Effective: epi.Effective != 0, Version: 2, RootID: rootID}
	if rest := (c.Permitted | c.Inheritable) &^ epi.Effective; c.Effective && rest != 0 {
		return Caps{}, fmt.Errorf("%q makes only some capabilities effective, and a file has one flag for all: add e to %s or leave it out everywhere", text, rest)
	}
	if rootID != 0 {
		c.Version = 3
	}
	return c, nil
}

// EPI is c in the terms of set text, "cap_net_raw=ep" as setcap(8) takes it:
// the one effective flag stands for all that the file permits or lets inherit.
func (c Caps) EPI() caps.EPI {
	epi := caps.EPI{Permitted: c.Permitted, Inheritable: c.Inheritable}
	if c.Effective {
		epi.Effective = c.Permitted | c.Inheritable
	}
	return epi
}

func sizeError(size, version int) error {
	if version == 0 {
		return fmt.Errorf("file capabilities: %d bytes are too few", size)
	}
	return fmt.Errorf("file capabilities: %d bytes instead of %d for version %d", size, sizes[version], version)
}

// word is the i-th 32-bit word of a value.
func word(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
