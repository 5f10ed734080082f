package main

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"capsh/internal/linux/files"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

// progress is a line on a terminal that says how far a walk has come. Where
// stderr is none it does nothing.
type progress struct {
	to   io.Writer
	walk *files.Walk

	end, ended chan struct{} // nil where there is no terminal
	lock       sync.Mutex    // held while the terminal is written to
	shown      bool
}

// progressPause is how long nothing is said, and then between two lines.
const progressPause = 250 * time.Millisecond

// eraseLine takes the cursor back and clears the line (ECMA-48, EL).
const eraseLine = "\r\x1b[K"

func (p *progress) start() {
	if _, err := unix.IoctlGetTermios(unix.Stderr, unix.TCGETS); err != nil {
		return
	}
	p.end, p.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(p.ended)
		tick := time.NewTicker(progressPause)
		defer tick.Stop()
		for {
			select {
			case <-p.end:
				return
			case <-tick.C:
				p.show()
			}
		}
	}()
}

func (p *progress) show() {
	p.lock.Lock()
	defer p.lock.Unlock()
	text := strconv.FormatInt(p.walk.Files.Load(), 10) + " files, in " + term.Escape(p.walk.Current())
	if width := max(term.Width(p.to)-1, 0); len(text) > width { // bytes are at least as many as columns
		text = strings.ToValidUTF8(text[:width], "")
	}
	io.WriteString(p.to, eraseLine+text)
	p.shown = true
}

// erase makes room for a message.
func (p *progress) erase() {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.shown {
		io.WriteString(p.to, eraseLine)
		p.shown = false
	}
}

// stop leaves the terminal as it was.
func (p *progress) stop() {
	if p.end != nil {
		close(p.end)
		<-p.ended
	}
	p.erase()
}
