package term

import (
	"fmt"
	"io"
	"slices"
	"syscall"

	"capsh/internal/rules/environ"

	"golang.org/x/sys/unix"
)

// Output gathers what a program writes to stdout, so that one write carries it, and
// writes its messages to stderr. What runs another program, or a copy of this one,
// calls Flush first.
type Output struct {
	// Buf is what was gathered.
	Buf            []byte
	program        string
	stdout, stderr io.Writer
	err            error
}

// NewOutput is the output of a program whose messages begin with its name.
func NewOutput(program string, stdout, stderr io.Writer) *Output {
	const usual = 4096 // room for capsh --print: growing to it would cost more than the rest
	return &Output{Buf: make([]byte, 0, usual), program: program, stdout: stdout, stderr: stderr}
}

// Printf gathers text.
func (o *Output) Printf(format string, args ...any) { o.Buf = fmt.Appendf(o.Buf, format, args...) }

// Flush writes what was gathered. The first failure is kept and returned from
// then on: output that was lost stays lost.
func (o *Output) Flush() error {
	if o.err == nil && len(o.Buf) > 0 {
		_, o.err = o.stdout.Write(o.Buf)
	}
	o.Buf = o.Buf[:0]
	return o.err
}

// Relieve is Flush where much was gathered.
func (o *Output) Relieve() {
	const much = 64 << 10
	if len(o.Buf) > much {
		_ = o.Flush() // a failure comes again
	}
}

// Message writes one line to stderr, and an indented one for each hint, in one
// piece, whatever a name in it has.
func (o *Output) Message(text string, hints ...string) {
	b := fmt.Appendf(nil, "%s: %s\n", o.program, Message(text))
	for _, hint := range hints {
		b = fmt.Appendf(b, "  %s\n", Message(hint))
	}
	o.stderr.Write(b)
}

// Stderr is where messages go.
func (o *Output) Stderr() io.Writer { return o.stderr }

// IsTerminal says whether stdout is a terminal.
func (o *Output) IsTerminal() bool { return IsTerminal(o.stdout) }

// Width is how many columns the terminal on stdout has, 0 for what is none.
func (o *Output) Width() int {
	if !o.IsTerminal() {
		return 0
	}
	return Width(o.stdout)
}

// TextWidth is how wide text is that reads badly in less than 80 columns.
func (o *Output) TextWidth() int { return max(defaultWidth, o.Width()) }

// Color says whether to use colour: as asked, always or never, or with auto where
// stdout is a terminal that can, unless NO_COLOR is set to something.
func (o *Output) Color(when string, env []string) Color {
	if when != "auto" {
		return when == "always"
	}
	noColor, _ := environ.Get(env, "NO_COLOR")
	return Color(o.IsTerminal() && noColor == "" && !slices.Contains(env, "TERM=dumb"))
}

// defaultWidth is how wide text is where no terminal says so.
const defaultWidth = 80

// Width is how many columns a terminal has, 80 for what is none.
func Width(w io.Writer) int {
	columns := defaultWidth
	control(w, func(fd int) {
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			columns = int(size.Col)
		}
	})
	return columns
}

// IsTerminal says whether w is a terminal.
func IsTerminal(w io.Writer) (is bool) {
	control(w, func(fd int) {
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		is = err == nil
	})
	return is
}

// control calls do with the descriptor of w, if it has one. Other than os.File.Fd
// it leaves the descriptor's mode, which others share, as it is.
func control(w io.Writer, do func(fd int)) {
	file, ok := w.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}
