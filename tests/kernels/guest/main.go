// Guest is process 1 of a virtual machine. In the initramfs it loads the modules
// that the disks need and makes one disk the root; there it runs the jobs of the
// other and switches the machine off. What it says goes to the console.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"capsh/tests/kernels/job"

	"golang.org/x/sys/unix"
)

// environ is what a login would set, and where the tests find what is built.
var environ = map[string]string{
	"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME": "/root", "USER": "root", "LOGNAME": "root", "TERM": "linux", "PREBUILT": job.Bin,
}

func main() {
	os.Clearenv()
	for name, value := range environ {
		os.Setenv(name, value)
	}
	if len(os.Args) > 1 && os.Args[1] == "jobs" {
		if err := runJobs(); err != nil {
			fmt.Println(job.Broken, err)
			os.Exit(1)
		}
		return
	}
	if err := boot(); err != nil {
		fmt.Println(job.Broken, err)
	}
	unix.Sync()
	fmt.Println("switching off:", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
}

func boot() error {
	if err := errors.Join(mount("devtmpfs", "/dev", ""), mount("proc", "/proc", ""), mount("sysfs", "/sys", "")); err != nil {
		return err
	}
	if err := loadModules(); err != nil {
		return err
	}
	if err := enterDisk(); err != nil {
		return err
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	fmt.Printf("\n%s %s\n", job.Booted, strings.TrimSpace(string(release)))
	if err := upstream(); err != nil {
		return err
	}
	return superviseJobs()
}

// upstream sets what Debian's kernels have stricter than kernel.org's, so that the
// capabilities alone decide.
func upstream() error {
	for file, value := range map[string]string{"kernel/perf_event_paranoid": "2", "dev/tty/legacy_tiocsti": "1"} {
		f, err := os.OpenFile(filepath.Join("/proc/sys", file), os.O_WRONLY, 0)
		if errors.Is(err, os.ErrNotExist) { // legacy_tiocsti came with Linux 6.2
			continue
		}
		if err == nil {
			_, err = f.WriteString(value)
			f.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mount mounts a file system, on a directory that it makes.
func mount(fstype, dir, options string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(fstype, dir, fstype, 0, options); err != nil && err != unix.EBUSY {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return nil
}

// loadModules loads what the host put there; the names give the order.
func loadModules() error {
	entries, err := os.ReadDir(job.Modules)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(job.Modules, e.Name()))
		if err != nil {
			return err
		}
		if err := unix.InitModule(text, ""); err != nil && err != unix.EEXIST {
			return fmt.Errorf("init_module %s: %w", e.Name(), err)
		}
	}
	return nil
}

// enterDisk makes one disk the root, as switch_root does, and mounts the other and
// what a running system has.
func enterDisk() error {
	const root = "/disk"
	for _, disk := range []struct{ serial, dir string }{{job.RootDisk, root}, {job.PayloadDisk, root + job.Top}} {
		device, err := await(disk.serial)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(disk.dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(device, disk.dir, "ext4", 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", device, err)
		}
	}
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if err := unix.Mount(dir, root+dir, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("mount --move %s: %w", dir, err)
		}
	}
	if err := errors.Join(unix.Chdir(root), unix.Mount(".", "/", "", unix.MS_MOVE, ""), unix.Chroot("."), unix.Chdir("/")); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	// udev would make these.
	for name, target := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		if err := os.Symlink("/proc/self/fd"+target, "/dev/"+name); err != nil {
			return err
		}
	}
	return errors.Join(
		mount("devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666"), mount("tmpfs", "/dev/shm", ""), mount("tmpfs", "/run", "mode=755"),
		mount("cgroup2", "/sys/fs/cgroup", ""), mount("tracefs", "/sys/kernel/tracing", ""), mount("securityfs", "/sys/kernel/security", ""),
		exec.Command("ip", "link", "set", "lo", "up").Run(), exec.Command("ldconfig").Run())
}

// await waits for the disk that has a serial number, which a module has just found.
func await(serial string) (device string, err error) {
	for range 1000 {
		files, err := filepath.Glob("/sys/block/vd*/serial")
		if err != nil {
			return "", err
		}
		for _, file := range files {
			device := "/dev/" + filepath.Base(filepath.Dir(file))
			text, _ := os.ReadFile(file)
			if _, err := os.Stat(device); err == nil && strings.TrimSpace(string(text)) == serial {
				return device, nil
			}
		}
		time.Sleep(10 * time.Millisecond) // devtmpfs reports nothing
	}
	return "", fmt.Errorf("the disk %s does not appear", serial)
}

// superviseJobs runs the jobs in a child, and reaps what they leave behind, as
// process 1 has to.
func superviseJobs() error {
	cmd := exec.Command("/proc/self/exe", "jobs")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		case pid == cmd.Process.Pid:
			return nil
		}
	}
}

func runJobs() error {
	text, err := os.ReadFile(job.List)
	if err != nil {
		return err
	}
	var jobs []job.Job
	if err := json.Unmarshal(text, &jobs); err != nil {
		return err
	}
	cmdline, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	var names string
	for word := range strings.FieldsSeq(string(cmdline)) {
		if list, ok := strings.CutPrefix(word, job.Names); ok {
			names = list
		}
	}
	for _, j := range jobs {
		if slices.Contains(strings.Split(names, ","), j.Name) {
			runJob(j)
		}
	}
	fmt.Println(job.Done)
	return nil
}

func runJob(j job.Job) {
	fmt.Println(job.Begin, j.Name)
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), j.Limit+time.Minute) // the test ends itself, and says where it was
	defer cancel()
	defer time.AfterFunc(j.Limit-10*time.Second, printThreads).Stop()
	args := slices.Concat([]string{"-test.v", "-test.count=1", "-test.timeout=" + j.Limit.String()}, j.Args)
	cmd := exec.CommandContext(ctx, filepath.Join(job.Bin, j.Binary()), args...)
	cmd.Dir = filepath.Join(job.Source, j.Dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	cmd.WaitDelay = time.Second
	status := "ok"
	if err := cmd.Run(); err != nil {
		status = strings.ReplaceAll(err.Error(), " ", "-")
	}
	// A test's last line may have had no end.
	fmt.Printf("\n%s %s %s %v\n", job.End, j.Name, status, time.Since(start).Round(time.Millisecond))
}

// printThreads prints what each thread waits for: a job has not ended.
func printThreads() {
	threads, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	if err != nil {
		return
	}
	for _, dir := range threads {
		read := func(name string) string {
			text, _ := os.ReadFile(filepath.Join(dir, name))
			return strings.Join(strings.Fields(string(text)), " ")
		}
		if command := read("cmdline"); command != "" { // the kernel's have none
			stat := strings.Fields(read("stat"))
			fmt.Printf("%s %s in %s, system call %s: %.300q\n", dir, stat[:min(5, len(stat))], read("wchan"), read("syscall"), command)
		}
	}
}
