package btf

// maxDepth is how far types may lie within each other, or stand for each other: the
// kernel's own limit is 32 (MAX_RESOLVE_DEPTH), and a type may lead to itself.
const maxDepth = 32

// bare is where a type is without what only names or qualifies it.
func (t *Types) bare(id ID) (at, kind uint32, ok bool) {
	for range maxDepth {
		if at, ok = t.at(id); !ok {
			return 0, 0, false
		}
		switch kind = t.info(at).kind(); kind {
		case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
			id = t.of(at)
		default:
			return at, kind, true
		}
	}
	return 0, 0, false
}

// Param is the type of a parameter of a function; false if it has none of that
// number, counted from 0.
func (t *Types) Param(function ID, n int) (ID, bool) {
	at, kind, ok := t.bare(function)
	if !ok || kind != kindFunc {
		return 0, false
	}
	if at, kind, ok = t.bare(t.of(at)); !ok || kind != kindFuncProto || n < 0 || n >= int(t.info(at).elems()) {
		return 0, false
	}
	return ID(u32(t.types, at+typeSize+8*uint32(n)+4)), true
}

// Elem is what a pointer leads to or an array is of.
func (t *Types) Elem(id ID) (ID, bool) {
	at, kind, ok := t.bare(id)
	switch {
	case ok && kind == kindPtr:
		return t.of(at), true
	case ok && kind == kindArray:
		return ID(u32(t.types, at+typeSize)), true
	}
	return 0, false
}

// Size is how many bytes a value of a type has; false for void, a function and what
// is not complete.
func (t *Types) Size(id ID) (uint32, bool) {
	count := uint64(1)
	for range maxDepth {
		at, kind, ok := t.bare(id)
		if !ok {
			return 0, false
		}
		size := uint64(t.of(at))
		switch kind {
		case kindArray:
			id = ID(u32(t.types, at+typeSize))
			if count *= uint64(u32(t.types, at+typeSize+8)); count > 1<<31 {
				return 0, false
			}
			continue
		case kindPtr:
			size = 8
		case kindInt, kindStruct, kindUnion, kindEnum, kindFloat, kindEnum64:
		default:
			return 0, false
		}
		size *= count
		return uint32(size), size < 1<<31
	}
	return 0, false
}

// Member finds a member of a struct or union, or of one without a name in it; false
// if there is none, or it does not begin and end with a byte.
func (t *Types) Member(id ID, name string) (Member, bool) {
	s := search{t, name, maxMembers}
	return s.in(id, maxDepth)
}

// maxMembers is how many members are looked at for one: structs without a name may
// lie in each other many times over.
const maxMembers = 1 << 16

type search struct {
	*Types
	name string
	left int
}

func (s *search) in(id ID, depth int) (Member, bool) {
	at, kind, ok := s.bare(id)
	if !ok || kind != kindStruct && kind != kindUnion || depth == 0 {
		return Member{}, false
	}
	i := s.info(at)
	for n := range i.elems() {
		if s.left--; s.left < 0 {
			break
		}
		entry := at + typeSize + 12*n
		called, of, bits := u32(s.types, entry), ID(u32(s.types, entry+4)), u32(s.types, entry+8)
		if i.flagged() && bits>>24 != 0 || bits%8 != 0 {
			continue
		}
		m, ok := Member{Type: of}, false
		if called == 0 {
			m, ok = s.in(of, depth-1)
		} else if s.hasName(called, s.name) {
			m.Size, ok = s.Size(of)
		}
		if ok {
			m.Offset += bits / 8
			return m, true
		}
	}
	return Member{}, false
}
