package execve

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Registration is what binfmt_misc has for a kind of files: the kernel looks at
// these before any other format (fs/binfmt_misc.c and its document in
// Documentation/admin-guide).
type Registration struct {
	// Interpreter is the path of what runs such files.
	Interpreter string
	// Opened is flag F: the interpreter was opened by this path at the
	// registration, and is that file whatever the path leads to now.
	Opened bool
	// FileDecides is flag C: the privileges are those of the file, not of the
	// interpreter.
	FileDecides bool

	disabled, open bool
	extension      string // without the dot; empty where magic decides
	offset         int
	magic, mask    []byte
}

// PassesFile says that the interpreter gets its file as an open one, flags O and C.
// It has to be a binary then.
func (r *Registration) PassesFile() bool { return r.open || r.FileDecides }

var errRegistration = errors.New("no registration of binfmt_misc")

// ParseRegistration reads a file of binfmt_misc's directory.
func ParseRegistration(text string) (r Registration, err error) {
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch {
		case i == 0:
			r.disabled = line != "enabled"
			if r.disabled && line != "disabled" {
				err = errRegistration
			}
		case key == "interpreter":
			r.Interpreter = value
		case key == "flags:":
			err = r.setFlags(value)
		case key == "extension":
			r.extension = strings.TrimPrefix(value, ".")
		case key == "offset":
			r.offset, err = strconv.Atoi(value)
		case key == "magic":
			r.magic, err = hex.DecodeString(value)
		case key == "mask":
			r.mask, err = hex.DecodeString(value)
		default:
			err = errRegistration
		}
		if err != nil {
			return r, errRegistration
		}
	}
	masked := r.mask == nil || len(r.mask) == len(r.magic)
	if r.Interpreter == "" || r.offset < 0 || !masked || (r.extension == "") == (len(r.magic) == 0) {
		return r, errRegistration
	}
	return r, nil
}

func (r *Registration) setFlags(flags string) error {
	for _, flag := range flags {
		switch flag {
		case 'P': // argv[0] stays
		case 'O':
			r.open = true
		case 'C':
			r.FileDecides = true
		case 'F':
			r.Opened = true
		default:
			return errRegistration
		}
	}
	return nil
}

// Matches says that the kernel takes the interpreter for a file, by its path and
// its beginning, filled up with zeros (search_binfmt_handler).
func (r *Registration) Matches(path string, head []byte) bool {
	if r.disabled {
		return false
	}
	if len(r.magic) == 0 {
		dot := strings.LastIndexByte(path, '.')
		return dot >= 0 && path[dot+1:] == r.extension
	}
	if r.offset+len(r.magic) > len(head) {
		return false
	}
	head = head[r.offset : r.offset+len(r.magic)]
	if r.mask == nil {
		return bytes.Equal(head, r.magic)
	}
	for i := range head {
		if (head[i]^r.magic[i])&r.mask[i] != 0 {
			return false
		}
	}
	return true
}
