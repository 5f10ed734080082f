package watch

import (
	"fmt"

	"capsh/internal/rules/caps"

	"golang.org/x/sys/unix"
)

// counter counts the checks of one capability with one answer. Counters lose
// nothing, however many checks there are.
type counter struct {
	fd      int
	cap     caps.Cap
	granted bool
}

// openCounters opens the counters of a thread and of all that it starts, two for
// each of the kernel's capabilities. They are on no processor of their own, so that
// their number does not depend on that of the processors.
func openCounters(point *tracepoint, thread int, bits uint64, kernelCaps int) (list []counter, err error) {
	for c := range caps.First(kernelCaps).All() {
		for _, granted := range []bool{true, false} {
			attr := attributes(unix.PERF_TYPE_TRACEPOINT, point.id)
			attr.Bits |= unix.PerfBitInherit | bits
			fd, err := open(attr, thread, -1)
			if err != nil {
				closeCounters(list)
				return nil, err
			}
			list = append(list, counter{fd, c, granted})
			answer := "ret == 0"
			if !granted {
				answer = "ret != 0"
			}
			filter := fmt.Sprintf("cap == %d && %s", c, answer)
			if err := unix.IoctlSetString(fd, unix.PERF_EVENT_IOC_SET_FILTER, filter); err != nil {
				closeCounters(list)
				return nil, fmt.Errorf("perf filter %q: %w", filter, err)
			}
		}
	}
	return list, nil
}

func closeCounters(list []counter) {
	for _, c := range list {
		unix.Close(c.fd)
	}
}
