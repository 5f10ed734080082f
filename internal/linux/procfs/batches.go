package procfs

import (
	"runtime"
	"sync"
)

// maxWorkers is how many processors a scan uses. More get in each other's way:
// all look into the same directory.
const maxWorkers = 8

// Batches has all processors at work on a scan. Each calls worker once and the
// function that it gives for one batch after the other; done gets the results in
// ascending order of the processes, as soon as may be and never two at a time.
func Batches[T any](s *Scan, worker func(*Reader) func(pids []int) T, done func(T)) {
	o := order[T]{waiting: map[int]T{}, done: done}
	run := func() {
		r := s.Reader()
		work := worker(r)
		var b batch
		for s.take(&b) {
			r.records = b.records
			o.put(b.number, work(b.pids))
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxWorkers) - 1 {
		others.Go(run)
	}
	run()
	others.Wait()
}

// order puts results in order that come out of it.
type order[T any] struct {
	mu      sync.Mutex
	next    int
	waiting map[int]T
	done    func(T)
}

func (o *order[T]) put(number int, result T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[number] = result
	for {
		result, ok := o.waiting[o.next]
		if !ok {
			return
		}
		delete(o.waiting, o.next)
		o.next++
		o.done(result)
	}
}
