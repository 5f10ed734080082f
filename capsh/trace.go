package main

import (
	"os"
	"os/signal"
	"syscall"

	"capsh/internal/linux/watch"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

// traceCommand is capsh trace.
type traceCommand struct {
	listing                          // which processes
	denied, incidental, onlySum bool // which checks
	output                      string
}

func (c *traceCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh trace [option ...] [-- COMMAND [ARG ...]]",
		About: `Shows the capability checks of the kernel as they happen, one per line: time,
program, process id, capability, answer, user namespace, system call, and the
kernel function that asked. A summary follows. With COMMAND, only its checks and
its descendants', until it ends; the exit status is its own. Otherwise until
Ctrl-C, or until the processes of --pid have ended.
`,
		Options: func(o *flags.Options) {
			c.subjects.option(o.Group("which"), "these and their descendants")
			c.users(o)
			flags.Switch(o, "--denied", "only denied checks, with what would help", &c.denied)
			flags.Switch(o, "--all", "also incidental checks", &c.incidental)
			flags.Switch(o, "--summary", "only the summary", &c.onlySum)
			c.view.output(o.Group("output"))
			flags.To(o, "-o, --output", "write to a file instead of standard output", &c.output, flags.Some(flags.Text("FILE")))
		},
		After: `Requires Linux 6.14 (or 6.0 with kprobes, on x86-64), CAP_SYS_ADMIN and
CAP_PERFMON, and CAP_SYSLOG for the names of functions, all three in the initial
user namespace.
`,
		Leading: true,
	}
}

func (c *traceCommand) run(command, env []string, out *term.Output) error {
	if err := c.choose(command); err != nil {
		return err
	}
	if c.output != "" {
		// A FIFO that nobody reads is an error, so it is not opened for reading, too.
		file, err := os.OpenFile(c.output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, 0o666)
		if err != nil && len(command) > 0 {
			return exit.With(exit.Failed, err)
		} else if err != nil {
			return err
		}
		defer file.Close()
		out = term.NewOutput("capsh", file, out.Stderr())
	}
	t := newTracer(c, out, env)
	if len(command) > 0 {
		return t.command(command, env)
	}
	target, err := c.target()
	if err != nil {
		return err
	}
	return t.running(target)
}

// choose requires that exactly one thing is to be watched.
func (c *traceCommand) choose(command []string) error {
	chosen := 0
	for _, one := range []bool{len(command) > 0, len(c.subjects.threads) > 0, c.container != "", c.user.OK} {
		if one {
			chosen++
		}
	}
	if chosen != 1 {
		return usageError("needs exactly one of COMMAND, --pid, --container and --user")
	}
	return nil
}

// running watches processes that run already, until a signal or their end.
func (t *tracer) running(target watch.Target) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	w, err := watch.Start(target, t.each)
	if err != nil {
		return err
	}
	select {
	case <-signals:
	case <-w.Over():
	}
	return t.end(w)
}
