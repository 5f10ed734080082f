package files

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// headSize is how much of a file the kernel reads to find out what it is
// (BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h).
const headSize = 256

// parseHead returns the interpreter that the first bytes of a file, at most
// headSize, name after "#!"; empty if the file is no script. The error is
// execve's: ENOEXEC for a line that can't be used, EACCES for a file that ends
// before a name (the kernel then takes the working directory for one). The rules are those of load_script in fs/binfmt_script.c since
// Linux 5.1.
func parseHead(head []byte) (string, error) {
	if !bytes.HasPrefix(head, []byte("#!")) {
		return "", nil
	}
	// A shorter file is filled up with NULs; the first NUL ends the text.
	text, _, hasNUL := bytes.Cut(head, []byte{0})
	hasNUL = hasNUL || len(head) < headSize
	line, _, hasNewline := bytes.Cut(text[2:], []byte("\n"))
	name := bytes.TrimLeft(line, " \t")
	end := bytes.IndexAny(name, " \t")
	switch {
	case end > 0:
		return string(name[:end]), nil
	case !hasNewline && !hasNUL: // the name may go on behind what was read
		return "", unix.ENOEXEC
	case len(name) > 0:
		return string(name), nil
	case hasNewline:
		return "", unix.ENOEXEC
	}
	return "", unix.EACCES
}
