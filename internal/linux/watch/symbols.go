package watch

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"

	"capsh/internal/linux/procfs"

	"golang.org/x/sys/unix"
)

// symbols are the kernel's functions by address, from /proc/kallsyms.
type symbols struct {
	starts []uint64
	names  []string
	exact  map[uint64]string // addresses that are known without the others
}

// symbolsShown reports whether the kernel shows addresses, by the first of them.
func symbolsShown() bool {
	s, err := readSymbols(1 << 16)
	return err == nil && len(s.starts) > 0
}

// readSymbols reads them, in that many bytes at most. There are none where the kernel
// shows no addresses (kptr_restrict, CAP_SYSLOG): it shows all as 0 then.
func readSymbols(most int64) (*symbols, error) {
	fd, err := procfs.OpenOwn("kallsyms", unix.O_RDONLY)
	if err != nil {
		return &symbols{}, fmt.Errorf("/proc/kallsyms: %w", err)
	}
	file := os.NewFile(uintptr(fd), "/proc/kallsyms")
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return &symbols{}, err
	}
	return parseSymbols(string(text)), nil
}

// parseSymbols reads lines like "ffffffff81000000 T _stext" and, for a function of
// a module, "ffffffffc0000000 t nf_init	[nf_tables]". There are a hundred thousand of
// them, all but those of modules in the order of their addresses.
func parseSymbols(text string) *symbols {
	type symbol struct {
		start uint64
		name  string
	}
	list := make([]symbol, 0, strings.Count(text, "\n"))
	for line := range strings.Lines(text) {
		address, rest, _ := strings.Cut(line, " ")
		if len(rest) < 3 || !strings.Contains("tTwW", rest[:1]) {
			continue
		}
		if start, err := strconv.ParseUint(address, 16, 64); err == nil && start != 0 {
			list = append(list, symbol{start, plainName(rest[2:])})
		}
	}
	inOrder := func(i, j int) bool { return list[i].start < list[j].start }
	if !sort.SliceIsSorted(list, inOrder) {
		sort.SliceStable(list, inOrder)
	}
	s := &symbols{starts: make([]uint64, len(list)), names: make([]string, len(list))}
	for i, one := range list {
		s.starts[i], s.names[i] = one.start, one.name
	}
	return s
}

// plainName is a function's name, without its module and what the compiler appends to
// the name of a copy or of a part, as in "do_mount.isra.0".
func plainName(name string) string {
	if i := strings.IndexAny(name, ".\t\n"); i > 0 {
		return name[:i]
	}
	return name
}

// name is the function that an address is in; empty where that is not known.
func (s *symbols) name(address uint64) string {
	i, exact := slices.BinarySearch(s.starts, address)
	if !exact {
		i--
	}
	if i < 0 {
		return ""
	}
	return s.names[i]
}

// chain are the names of a call chain. Each address but the first is where a call
// returns to, which may be after the caller's end.
func (s *symbols) chain(addresses []uint64) []string {
	names := make([]string, len(addresses))
	for i, a := range addresses {
		if names[i] = s.exact[a]; names[i] != "" {
			continue
		}
		if i > 0 {
			a--
		}
		names[i] = s.name(a)
	}
	return names
}
