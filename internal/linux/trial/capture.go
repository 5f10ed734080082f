package trial

import (
	"bytes"
	"hash/maphash"
	"os"
	"sync"
	"time"
)

// keepOutput is how much of the end of an output is kept.
const keepOutput = 64 << 10

// Sum identifies an output: its length, and a hash with a seed of this process.
type Sum struct {
	Length int64
	Hash   uint64
}

var seed = maphash.MakeSeed()

// capture reads a pipe to its end and keeps the last part.
type capture struct {
	file *os.File
	done chan struct{}
	hash maphash.Hash

	mu   sync.Mutex
	sum  Sum
	tail []byte
}

func newCapture(f *os.File) *capture {
	c := &capture{file: f, done: make(chan struct{})}
	c.hash.SetSeed(seed)
	go c.read()
	return c
}

func (c *capture) read() {
	defer close(c.done)
	buf := make([]byte, keepOutput)
	for {
		n, err := c.file.Read(buf)
		c.add(buf[:n])
		if err != nil {
			return
		}
	}
}

func (c *capture) add(text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hash.Write(text)
	c.sum = Sum{c.sum.Length + int64(len(text)), c.hash.Sum64()}
	c.tail = append(c.tail, text...)
	if over := len(c.tail) - keepOutput; over > 0 {
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

// soFar is what there is of the output now.
func (c *capture) soFar() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.tail)
}

// finish waits for the end. Who wrote is gone; someone out of reach may have been
// given the pipe and keep it open.
func (c *capture) finish() {
	const patience = 200 * time.Millisecond
	c.file.SetReadDeadline(time.Now().Add(patience))
	<-c.done
	c.file.Close()
}
