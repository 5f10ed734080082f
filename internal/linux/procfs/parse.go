package procfs

import (
	"bytes"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The readers of single values in the files of procfs. They take exactly what
// the kernel prints and report whether it was that.

// cut divides at the first sep.
func cut(b []byte, sep byte) (before, after []byte, found bool) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i], b[i+1:], true
	}
	return b, nil, false
}

// parseSet reads a mask as the kernel prints it: 16 lower-case hex digits.
func parseSet(v []byte) (caps.Set, bool) {
	if len(v) != 16 {
		return 0, false
	}
	var s caps.Set
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		s = s<<4 | caps.Set(c)
	}
	return s, true
}

// parseIDs reads four ids with tabs between.
func parseIDs(v []byte) (ids cred.IDs, ok bool) {
	for _, id := range [...]*uint32{&ids.Real, &ids.Effective, &ids.Saved, &ids.FS} {
		var n []byte
		var more bool
		n, v, more = cut(v, '\t')
		if *id, ok = parseID(n); !ok || more == (id == &ids.FS) {
			return ids, false
		}
	}
	return ids, true
}

// parseID reads a decimal uid or gid. Before 4.10 the kernel printed those from
// 2147483648 on as negative numbers (%d).
func parseID(v []byte) (uint32, bool) {
	if len(v) > 0 && v[0] == '-' {
		n, ok := parseDecimal(v[1:])
		return uint32(-int64(n)), ok && n >= 1 && n <= 1<<31
	}
	n, ok := parseDecimal(v)
	return uint32(n), ok && n <= 1<<32-1
}

// parseGroups reads ids with spaces between. The kernel also puts one behind
// the last, or alone where there is none.
func parseGroups(v []byte) ([]uint32, bool) {
	n := bytes.Count(v, []byte{' '})
	var list []uint32
	for {
		v = bytes.TrimLeft(v, " ")
		if len(v) == 0 {
			return list, true
		}
		var word []byte
		word, v, _ = cut(v, ' ')
		id, ok := parseID(word)
		if !ok {
			return nil, false
		}
		if list == nil {
			list = make([]uint32, 0, n+1)
		}
		list = append(list, id)
	}
}

// parseInts reads numbers with tabs between.
func parseInts(v []byte) ([]int, bool) {
	list := make([]int, 0, 1+bytes.Count(v, []byte{'\t'}))
	for {
		word, rest, more := cut(v, '\t')
		n, ok := parseInt(word)
		if !ok {
			return nil, false
		}
		list = append(list, n)
		if !more {
			return list, true
		}
		v = rest
	}
}

// parseInt reads a pid or a count: a decimal up to 2147483647.
func parseInt(v []byte) (int, bool) {
	n, ok := parseDecimal(v)
	return int(n), ok && n <= 1<<31-1
}

// parseDecimal reads digits only, up to 2^32.
func parseDecimal(v []byte) (uint64, bool) {
	var n uint64
	for _, c := range v {
		if c < '0' || c > '9' || n > 1<<32 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(v) > 0
}

func parseBool(v []byte) (cred.Known[bool], bool) {
	ok := len(v) == 1 && (v[0] == '0' || v[0] == '1')
	return cred.Known[bool]{Value: ok && v[0] == '1', OK: ok}, ok
}

// ParseIDMap reads a uid_map or gid_map: three numbers a line, padded with
// spaces (kernel/user_namespace.c, uid_m_show). An empty text is a namespace
// that has no map yet.
func ParseIDMap(text []byte) ([]cred.IDRange, bool) {
	list := make([]cred.IDRange, 0, 1+len(text)/33)
	for len(text) > 0 {
		line, rest, ok := cut(text, '\n')
		if !ok {
			return nil, false
		}
		text = rest
		var r cred.IDRange
		for _, n := range [...]*uint32{&r.Inside, &r.Outside, &r.Count} {
			var word []byte
			word, line, _ = cut(bytes.TrimLeft(line, " "), ' ')
			if *n, ok = parseID(word); !ok {
				return nil, false
			}
		}
		if len(bytes.TrimLeft(line, " ")) > 0 || r.Count == 0 {
			return nil, false
		}
		list = append(list, r)
	}
	return list, true
}

// parseKernelThread reads the flags of a stat file, its ninth field
// (proc_pid_stat(5)). The second, the name in parentheses, may have any bytes.
func parseKernelThread(text []byte) (is cred.Known[bool]) {
	i := bytes.LastIndex(text, []byte(") "))
	if i < 0 {
		return is
	}
	const after = 6 // fields between the name and the flags
	words := bytes.SplitN(text[i+len(") "):], []byte{' '}, after+2)
	if len(words) < after+2 {
		return is
	}
	flags, ok := parseDecimal(words[after])
	return cred.Known[bool]{Value: ok && flags&kernelThread != 0, OK: ok}
}

// ParseNS reads the text of a link in ns/: "user:[4026531837]".
func ParseNS(kind string, text []byte) (uint64, bool) {
	text, ok := bytes.CutPrefix(text, []byte(kind+":["))
	text, closed := bytes.CutSuffix(text, []byte{']'})
	inode, number := parseDecimal(text)
	return inode, ok && closed && number
}
