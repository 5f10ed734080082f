// Kernels runs tests on other kernels: those of Debian's packages, each in a
// virtual machine of qemu without KVM, with a root file system of Debian's
// packages. See table.go for the kernels, the tests, and what is skipped where.
//
//	go run ./tests/kernels [-only=NAME,...] [-jobs=NAME,...] [-logs=DIR] [-v]
//
// Kernels and root file systems are kept in the user's cache directory, by the
// checksum of what makes them; remove the directory to get newer ones.
package main

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	onlyFlag    = flag.String("only", "", "names of kernels, with commas; all without it")
	jobsFlag    = flag.String("jobs", "", "names of jobs, with commas; all without it")
	logsFlag    = flag.String("logs", "", "a directory that keeps the consoles")
	verboseFlag = flag.Bool("v", false, "print the consoles as they come")
)

// bootLimit is for a machine from start to end, on a host that is busy with other
// things.
const bootLimit = 2 * time.Hour

func main() {
	flag.Parse()
	if missing := missingTools(); missing != "" {
		fmt.Fprintln(os.Stderr, "SKIPPED, this host lacks", missing)
		if os.Getenv("REQUIRE_ALL") == "1" {
			os.Exit(1)
		}
		return
	}
	if err := runAll(); err != nil {
		fmt.Fprintln(os.Stderr, "tests/kernels:", err)
		os.Exit(1)
	}
}

// missingTools names what has to be installed.
func missingTools() string {
	var missing []string
	for _, name := range []string{"qemu-system-x86_64", "qemu-system-s390x", "apt-get", "dpkg-deb", "mke2fs", "cpio", "xz", "gcc"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	return strings.Join(missing, ", ")
}

func runAll() error {
	work, err := os.MkdirTemp("", "kernels-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	store := &store{cache: filepath.Join(cache, "capsh-tests"), work: work, payloads: map[string]string{}}
	run := &run{}
	free := make(chan struct{}, atOnce())
	for _, k := range kernels {
		if !chosen(*onlyFlag, k.Name) {
			continue
		}
		m, err := store.machine(k) // one after the other: kernels share parts
		if err != nil {
			run.report(k, "", err)
			continue
		}
		free <- struct{}{}
		run.machines.Go(func() {
			text, err := runMachine(m, work)
			run.report(k, text, err)
			<-free
		})
	}
	run.machines.Wait()
	if run.failed != nil {
		return fmt.Errorf("failed: %s", strings.Join(run.failed, ", "))
	}
	return nil
}

// atOnce is how many machines run at the same time. Each is one thread, and takes up
// to 3 GB of memory. Two consoles on one terminal cannot be read.
func atOnce() int {
	if *verboseFlag {
		return 1
	}
	return min(2, runtime.NumCPU())
}

// run is what several machines report.
type run struct {
	machines sync.WaitGroup
	lock     sync.Mutex
	failed   []string
}

// report prints a kernel's results.
func (r *run) report(k *kernel, text string, err error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	fmt.Print(text)
	var missing *unavailable
	switch {
	case errors.As(err, &missing) && os.Getenv("REQUIRE_ALL") != "1":
		fmt.Printf("SKIPPED %s: %v\n", k.Name, err)
	case err != nil:
		fmt.Printf("FAIL %s: %v\n", k.Name, err)
		r.failed = append(r.failed, k.Name)
	}
}

// chosen says whether a list of a flag has a name.
func chosen(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

// runMachine boots a machine, judges what it said and returns a text about that. Its
// console is in a file of the directory.
func runMachine(m *machine, dir string) (text string, err error) {
	start := time.Now()
	log, err := os.Create(filepath.Join(cmp.Or(*logsFlag, dir), m.Name+".log"))
	if err != nil {
		return "", err
	}
	defer log.Close()
	to := io.Writer(log)
	if *verboseFlag {
		to = io.MultiWriter(log, os.Stdout)
	}
	said, err := m.run(bootLimit, to)
	if said == nil {
		return "", err
	}
	text = fmt.Sprintf("%s: Linux %s, %v, %v of processor time\n", m.Name, said.release, time.Since(start).Round(time.Second), said.cpu.Round(time.Second))
	for _, r := range said.results {
		text += fmt.Sprintf("  %-12s %s in %s, %d skipped\n", r.name, r.status, r.time, len(skips(r.lines)))
	}
	if err != nil {
		console, _ := os.ReadFile(log.Name())
		err = fmt.Errorf("%w; the end of its console:\n%s", err, console[max(0, len(console)-4000):])
	}
	if wrong := judge(&m.kernel, said); wrong != nil {
		err = errors.Join(err, errors.New(strings.Join(wrong, "\n")))
	}
	return text, err
}

// store makes what a machine needs, or has it from an earlier time.
type store struct {
	cache, work string
	payloads    map[string]string
}

//go:embed debian.go
var debianSource string

//go:embed image.go
var imageSource string

// cached is a path in the cache that fill makes, once; of is what it depends on
// beside the source of the recipes.
func (s *store) cached(name string, of any, fill func(path string) error) (string, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%v%s%s", of, debianSource, imageSource))
	path := filepath.Join(s.cache, fmt.Sprintf("%s-%x", name, sum[:6]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(s.cache, 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(s.cache, "unfinished-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	made := filepath.Join(unfinished, "made")
	for attempt := 1; ; attempt++ {
		fmt.Println("making", filepath.Base(path))
		err := fill(made)
		if err == nil {
			return path, os.Rename(made, path)
		}
		err = fmt.Errorf("%s: %w", name, err)
		if attempt == attempts {
			return "", &unavailable{err}
		}
		fmt.Println("  again, after:", err)
		if err := os.RemoveAll(made); err != nil {
			return "", err
		}
		time.Sleep(retryAfter)
	}
}

// A mirror may be busy, or just changing.
const (
	attempts   = 3
	retryAfter = 10 * time.Second
)

// unavailable is an error of what cannot be downloaded.
type unavailable struct{ error }

// machine is a kernel's, with all its parts.
func (s *store) machine(k *kernel) (*machine, error) {
	files, err := s.cached("kernel-"+k.Name, []any{k.Suite, k.Package, k.Arch, k.Modules}, func(path string) error { return s.fetchKernel(k, path) })
	if err != nil {
		return nil, err
	}
	root, err := s.cached("root-"+k.Arch+".ext4", userland, func(path string) error { return s.fetchRoot(k.Arch, path) })
	if err != nil {
		return nil, err
	}
	m := &machine{kernel: *k, Image: filepath.Join(files, "vmlinuz"), Initramfs: filepath.Join(s.work, k.Name+".cpio"), Root: root}
	if m.Payload, err = s.payload(k.Arch); err != nil {
		return nil, err
	}
	guest := filepath.Join(s.work, "guest-"+k.Arch)
	if err := build(k.Arch, "build", guest, "./tests/kernels/guest"); err != nil {
		return nil, err
	}
	modules, err := filepath.Glob(filepath.Join(files, "modules/*"))
	if err != nil {
		return nil, err
	}
	return m, makeInitramfs(guest, modules, m.Initramfs)
}

// fetchKernel makes a directory with the kernel and the modules for its disks.
func (s *store) fetchKernel(k *kernel, path string) error {
	a, tree, err := s.open(k.Arch, k.Suite)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.dir)
	defer os.RemoveAll(tree)
	name, err := a.newest(k.Package)
	if err != nil {
		return err
	}
	fmt.Println(" ", name)
	packages := []string{name}
	if k.Split {
		packages = append(packages, strings.Replace(name, "linux-binary-", "linux-modules-", 1))
	}
	if err := a.unpack(tree, false, packages...); err != nil {
		return err
	}
	modules, err := modulesFor(tree, k.Modules)
	if err != nil {
		return err
	}
	image, err := kernelImage(tree)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.MkdirAll(filepath.Join(path, "modules"), 0o755); err != nil {
		return err
	}
	for i, m := range modules {
		if err := os.Rename(m, filepath.Join(path, fmt.Sprintf("modules/%02d-%s", i, filepath.Base(m)))); err != nil {
			return err
		}
	}
	return os.Rename(image, filepath.Join(path, "vmlinuz"))
}

// kernelImage is the one kernel in a tree: in /boot, or since 2026 beside its modules.
func kernelImage(tree string) (string, error) {
	var images []string
	for _, pattern := range []string{"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz*"} {
		list, err := filepath.Glob(filepath.Join(tree, pattern))
		if err != nil {
			return "", err
		}
		images = append(images, list...)
	}
	if len(images) != 1 {
		return "", fmt.Errorf("kernels: %v", images)
	}
	return images[0], nil
}

// fetchRoot makes the image of a root file system.
func (s *store) fetchRoot(arch, path string) error {
	a, tree, err := s.open(arch, "bookworm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.dir)
	defer os.RemoveAll(tree)
	if err := makeRoot(a, tree); err != nil {
		return err
	}
	return makeDisk(tree, path)
}

// open opens an archive, and makes a directory beside the cache to unpack into.
func (s *store) open(arch, suite string) (*archive, string, error) {
	dir, err := os.MkdirTemp(s.cache, "apt-")
	if err != nil {
		return nil, "", err
	}
	a := &archive{Arch: arch, Suites: []string{suite}}
	if err := a.open(dir); err != nil {
		return nil, "", err
	}
	tree, err := os.MkdirTemp(s.cache, "unpacked-")
	return a, tree, errors.Join(err, os.Chmod(tree, 0o755))
}

// payload is the second disk: one an architecture.
func (s *store) payload(arch string) (string, error) {
	if image := s.payloads[arch]; image != "" {
		return image, nil
	}
	dir := filepath.Join(s.work, "payload-"+arch)
	image := dir + ".ext4"
	if err := makePayload(dir, arch, jobsOn(arch)); err != nil {
		return "", err
	}
	if err := makeDisk(dir, image); err != nil {
		return "", err
	}
	s.payloads[arch] = image
	return image, os.RemoveAll(dir)
}
