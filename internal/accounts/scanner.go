package accounts

import (
	"bytes"
	"io"
)

// firstBuffer holds most passwd files whole.
const firstBuffer = 4096

// scanner yields lines of any length without their newline; the last may lack
// one. A line stands until the next call.
type scanner struct {
	r    io.Reader
	line []byte
	// err is what ended the reading, nil at the end of the file.
	err error

	buf  []byte // what was read and not yet yielded, from start on
	pos  int
	done bool
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 0, firstBuffer)}
}

// next reports whether there is a line. After a read error there is none: half
// a line must not pass for a whole one.
func (s *scanner) next() bool {
	for {
		rest := s.buf[s.pos:]
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			s.line, s.pos = rest[:i], s.pos+i+1
			return true
		}
		if s.done {
			s.line, s.pos = rest, len(s.buf)
			return s.err == nil && len(rest) > 0
		}
		s.fill()
	}
}

// fill reads more behind what is left, with room made for it.
func (s *scanner) fill() {
	s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
	s.pos = 0
	if len(s.buf) == cap(s.buf) {
		grown := make([]byte, len(s.buf), 2*cap(s.buf))
		copy(grown, s.buf)
		s.buf = grown
	}
	n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	if err != nil {
		s.done = true
		if err != io.EOF {
			s.err = err
		}
	}
}
