package watch

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
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

// readSymbols reads them. There are none where the kernel shows no addresses
// (kptr_restrict, CAP_SYSLOG): it shows all as 0 then.
func readSymbols() (*symbols, error) {
	fd, err := procfs.OpenOwn("kallsyms", unix.O_RDONLY)
	if err != nil {
		return &symbols{}, fmt.Errorf("/proc/kallsyms: %w", err)
	}
	file := os.NewFile(uintptr(fd), "/proc/kallsyms")
	defer file.Close()
	return parseSymbols(file)
}

// parseSymbols reads lines like "ffffffff81000000 T _stext" and, for a function of
// a module, "ffffffffc0000000 t nf_init	[nf_tables]".
func parseSymbols(text io.Reader) (*symbols, error) {
	type symbol struct {
		start uint64
		name  string
	}
	var list []symbol
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		address, rest, _ := strings.Cut(line, " ")
		if len(rest) < 3 || !strings.ContainsRune("tTwW", rune(rest[0])) {
			continue
		}
		start, err := strconv.ParseUint(address, 16, 64)
		if err != nil || start == 0 {
			continue
		}
		name, _, _ := strings.Cut(rest[2:], "\t")
		list = append(list, symbol{start, plainName(name)})
	}
	slices.SortStableFunc(list, func(a, b symbol) int { return cmp.Compare(a.start, b.start) })
	s := &symbols{starts: make([]uint64, len(list)), names: make([]string, len(list))}
	for i, one := range list {
		s.starts[i], s.names[i] = one.start, one.name
	}
	return s, lines.Err()
}

// plainName is a function's name without what the compiler appends to the name of
// a copy or of a part, as in "do_mount.isra.0".
func plainName(name string) string {
	if i := strings.IndexByte(name, '.'); i > 0 {
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
