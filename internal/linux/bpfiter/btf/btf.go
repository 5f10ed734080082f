// Package btf reads the kernel's description of its own types, which it keeps in
// /sys/kernel/btf/vmlinux (BTF, Documentation/bpf/btf.rst): where in which struct
// a member is. It is pure.
//
// It reads little-endian BTF of kernels whose pointers have eight bytes. There are
// some 100,000 types: nothing is made of them but an index of every 64th.
package btf

import (
	"bytes"
	"errors"
)

// ID is the number of a type; 0 is void.
type ID uint32

// Types are the types of one BTF, whose memory they keep.
type Types struct {
	types, strings []byte
	// starts are the offsets in types of type 1, 1+stride, 1+2*stride, ...
	starts []uint32
	count  uint32
}

// Member is a member of a struct: where it begins and how long it is, in bytes, and
// its type.
type Member struct {
	Offset, Size uint32
	Type         ID
}

const (
	magic      = 0xeb9f
	headerSize = 24 // of version 1
	typeSize   = 12 // of each type, before what its kind adds
	stride     = 64
)

// The kinds of types (include/uapi/linux/btf.h), up to Linux 6.0's ENUM64.
const (
	kindInt       = 1
	kindPtr       = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindForward   = 7
	kindTypedef   = 8
	kindVolatile  = 9
	kindConst     = 10
	kindRestrict  = 11
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDataSec   = 15
	kindFloat     = 16
	kindDeclTag   = 17
	kindTypeTag   = 18
	kindEnum64    = 19
)

// sizes are how many bytes a type of a kind takes: once, and for each of its
// elements. Those of kinds that are not known are 0.
var sizes = [32]struct{ once, each uint8 }{
	kindInt:       {typeSize + 4, 0},
	kindPtr:       {typeSize, 0},
	kindArray:     {typeSize + 12, 0},
	kindStruct:    {typeSize, 12},
	kindUnion:     {typeSize, 12},
	kindEnum:      {typeSize, 8},
	kindForward:   {typeSize, 0},
	kindTypedef:   {typeSize, 0},
	kindVolatile:  {typeSize, 0},
	kindConst:     {typeSize, 0},
	kindRestrict:  {typeSize, 0},
	kindFunc:      {typeSize, 0},
	kindFuncProto: {typeSize, 8},
	kindVar:       {typeSize + 4, 0},
	kindDataSec:   {typeSize, 12},
	kindFloat:     {typeSize, 0},
	kindDeclTag:   {typeSize + 4, 0},
	kindTypeTag:   {typeSize, 0},
	kindEnum64:    {typeSize, 12},
}

var (
	errTruncated = errors.New("BTF is truncated")
	errKind      = errors.New("BTF has a type of an unknown kind")
)

// Parse goes through all types once. On the way it finds a function by its name;
// the result is 0 if there is none.
func Parse(data []byte, function string) (*Types, ID, error) {
	t, err := sections(data)
	if err != nil {
		return nil, 0, err
	}
	name := t.findString(function)
	t.starts = make([]uint32, 0, len(t.types)/typeSize/stride/2)
	var found ID
	for rest := t.types; len(rest) > 0; {
		if t.count%stride == 0 {
			t.starts = append(t.starts, uint32(len(t.types)-len(rest)))
		}
		t.count++
		if len(rest) < typeSize {
			return nil, 0, errTruncated
		}
		i := info(u32(rest, 4))
		size := i.size()
		if size == 0 {
			return nil, 0, errKind
		}
		if size > uint32(len(rest)) {
			return nil, 0, errTruncated
		}
		if i.kind() == kindFunc && u32(rest, 0) == name && name != 0 {
			found = ID(t.count)
		}
		rest = rest[size:]
	}
	return t, found, nil
}

// info is the second word of a type, behind its name and before its size or the
// type that it is made of.
type info uint32

func (i info) kind() uint32  { return uint32(i) >> 24 & 31 }
func (i info) elems() uint32 { return uint32(i) & 0xffff }

// flagged says that the members of a struct have their sizes in bits (kind_flag).
func (i info) flagged() bool { return i>>31 != 0 }

// size is how many bytes the type takes.
func (i info) size() uint32 {
	s := sizes[i.kind()]
	return uint32(s.once) + uint32(s.each)*i.elems()
}

// sections finds the types and the strings: their offsets count from the header's
// end.
func sections(data []byte) (*Types, error) {
	if len(data) < headerSize {
		return nil, errTruncated
	}
	if u32(data, 0)&0xffffff != magic|1<<16 {
		return nil, errors.New("not little-endian BTF of version 1")
	}
	section := func(at uint32) []byte {
		begin := uint64(u32(data, 4)) + uint64(u32(data, at))
		end := begin + uint64(u32(data, at+4))
		if end > uint64(len(data)) || end > 1<<31 {
			return nil
		}
		return data[begin:end]
	}
	t := &Types{types: section(8), strings: section(16)}
	if len(t.types) == 0 || len(t.strings) == 0 || t.strings[len(t.strings)-1] != 0 {
		return nil, errTruncated
	}
	return t, nil
}

// findString is where a string is that others may be the ends of; 0, which is the
// empty one, if it is not there.
func (t *Types) findString(s string) uint32 {
	at := bytes.Index(t.strings, []byte("\x00"+s+"\x00"))
	return uint32(at + 1)
}

func u32(b []byte, at uint32) uint32 {
	w := b[at : at+4]
	return uint32(w[0]) | uint32(w[1])<<8 | uint32(w[2])<<16 | uint32(w[3])<<24
}

func (t *Types) info(at uint32) info { return info(u32(t.types, at+4)) }

// of is the type that the one at an offset is made of, or its size.
func (t *Types) of(at uint32) ID { return ID(u32(t.types, at+8)) }

// at is where a type is; false for void and what is none.
func (t *Types) at(id ID) (uint32, bool) {
	if id == 0 || uint32(id) > t.count {
		return 0, false
	}
	n := uint32(id) - 1
	at := t.starts[n/stride]
	for range n % stride {
		at += t.info(at).size() // Parse has been there
	}
	return at, true
}

func (t *Types) hasName(offset uint32, name string) bool {
	if uint64(offset)+uint64(len(name)) >= uint64(len(t.strings)) {
		return false
	}
	s := t.strings[offset:]
	return string(s[:len(name)]) == name && s[len(name)] == 0
}
