package watch

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// tracefs is an open tracefs. It is mounted nowhere, so that nothing is left
// behind: fsmount(2) gives a detached mount, which ends with its descriptor.
type tracefs struct{ fd int }

// openTracefs opens the tracefs of this kernel. Where this process may not mount
// one (CAP_SYS_ADMIN), it takes the one that is mounted already.
func openTracefs() (*tracefs, error) {
	fd, err := detachedTracefs()
	if err == nil {
		return &tracefs{fd}, nil
	}
	for _, path := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		mounted, openErr := unix.Open(path+"/events", unix.O_PATH|unix.O_CLOEXEC, 0)
		if openErr != nil {
			continue
		}
		unix.Close(mounted)
		if fd, openErr := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); openErr == nil {
			return &tracefs{fd}, nil
		}
	}
	return nil, err
}

func detachedTracefs() (int, error) {
	ctx, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err == unix.ENODEV {
		return -1, fmt.Errorf("fsopen tracefs: this kernel has no tracefs")
	} else if err != nil {
		return -1, refused("fsopen tracefs", err, caps.SysAdmin)
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, refused("fsconfig tracefs", err, caps.SysAdmin)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return -1, refused("fsmount tracefs", err, caps.SysAdmin)
	}
	return fd, nil
}

func (t *tracefs) close() { unix.Close(t.fd) }

func (t *tracefs) read(path string) (string, error) {
	fd, err := unix.Openat(t.fd, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", refused("open tracefs "+path, err, caps.DACReadSearch)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	text := make([]byte, 64<<10) // a format is a few hundred bytes
	n, err := file.Read(text)
	return string(text[:n]), err
}

// tracepoint is one of the kernel's: its number and where its record has what.
type tracepoint struct {
	id     uint64
	fields map[string]field
	// calls is the tracepoint at the entry of each system call, where checks are judged
	// by system call; else nil.
	calls *tracepoint
}

func (p *tracepoint) events() []*unix.PerfEventAttr {
	attr := attributes(unix.PERF_TYPE_TRACEPOINT, p.id)
	sampled(attr)
	if p.calls == nil {
		return []*unix.PerfEventAttr{attr}
	}
	return []*unix.PerfEventAttr{attr, p.calls.callEvent()}
}

// field is where a member of a tracepoint's record is: offset and size in bytes.
type field struct{ offset, size int }

// readCheckPoint reads the tracepoint at the end of each capability check, which Linux
// has had since 6.14 (include/trace/events/capability.h).
func (t *tracefs) readCheckPoint() (*tracepoint, error) {
	return t.readPoint("events/capability/cap_capable", "cap", "ret", "target_ns", "capable_ns", "cred")
}

// readPoint reads a tracepoint with the fields that are needed of it.
func (t *tracefs) readPoint(path string, needed ...string) (*tracepoint, error) {
	text, err := t.read(path + "/id")
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("tracefs %s/id: not a number: %q", path, text)
	}
	text, err = t.read(path + "/format")
	if err != nil {
		return nil, err
	}
	p := &tracepoint{id: id, fields: parseFormat(text)}
	for _, name := range append(needed, commonType) {
		if f := p.fields[name]; f.size == 0 || f.size > 8 {
			return nil, fmt.Errorf("tracefs %s/format: no field %s", path, name)
		}
	}
	return p, nil
}

// parseFormat reads a tracepoint's format file. Its lines are, as
// trace_events.c's f_show writes them, with what is left out here as dots:
//
//	field:int cap;	offset:32;	size:4;	signed:1;
func parseFormat(text string) map[string]field {
	fields := make(map[string]field)
	for line := range strings.Lines(text) {
		declaration, rest, ok := strings.Cut(strings.TrimSpace(line), ";")
		declaration, isField := strings.CutPrefix(declaration, "field:")
		if !ok || !isField {
			continue
		}
		words := strings.Fields(declaration)
		if len(words) == 0 {
			continue
		}
		fields[strings.TrimLeft(words[len(words)-1], "*")] = field{
			offset: numberAfter(rest, "offset:"), size: numberAfter(rest, "size:"),
		}
	}
	return fields
}

// numberAfter is the number that follows a word of a format's line; 0 for none.
func numberAfter(line, word string) int {
	_, rest, _ := strings.Cut(line, word)
	digits, _, _ := strings.Cut(rest, ";")
	n, _ := strconv.Atoi(digits)
	return n
}
