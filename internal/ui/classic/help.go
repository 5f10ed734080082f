package classic

import (
	"strings"

	"capsh/internal/ui/flags"
)

// Usage is the help text; it fits a screen; the manual has the rest.
func Usage(name string) string {
	return "usage: " + name + ` [option ...]
       ` + name + ` COMMAND ...
Options act from left to right, each on what the ones before it did.

look     --print --current          what this process has, or that of --pid
         --decode=HEX               names of the bits of a mask
         --explain=CAP --suggest=TEXT  what a capability is; find one
         --modes --mode             libcap's modes; the current one
ask      --has-p= --has-i= --has-a= --has-b=CAP     in that set? (b: bounding)
(exit 1  --dropped=CAP              not in the bounding set?
if not)  --has-ambient --supports=CAP  can this kernel do it?
         --has-no-new-privs --is-uid=N --is-gid=N --inmode=MODE
change   --caps=TEXT --inh=LIST --iab=TEXT        sets, in libcap's text forms
         --drop=LIST|all            take out of the bounding set
         --addamb=LIST --delamb=LIST --noamb      ambient set
         --mode=MODE --secbits=N --keep=0|1 --no-new-privs
         --uid=N --cap-uid=N --gid=N --groups=LIST --user=NAME --chroot=DIR
run      -- [ARG ...]               a shell in place of this; -+ as a child
         == [ARG ...]               this program again;       =+ as a child
         --shell=PATH               the program for -- and -+ (/bin/bash)
         --forkfor=SECONDS --killit=SIGNAL        a child that sleeps; end it
adjust   --strict --noenv --quiet   raise no CAP_SETPCAP; --user leaves HOME and
                                    USER; as first word: no warning
view     --pid=PID[/TID],...        show other processes, not this one
         --proc=DIR                 another procfs: the host's, a saved copy
         --format=text|json, --json
also     --help -h --version --license

commands show  ps  tree             which processes have which capabilities
(--help  file PATH                  what files grant
of each) predict COMMAND            what it would have after an execve
         expect EXPR                compare with expectations, for tests
         assess                     is this a container, how well isolated?
         trace -- COMMAND           what the kernel checks while it runs
         explain [CAP]  completion SHELL  help [COMMAND]  version
CAP is a name (cap_net_raw) or a number; LIST has commas between. See capsh(1).
`
}

// helpTable is the options as a table of ui/flags, for a line each.
func helpTable(name string) *flags.Table {
	group := flags.Group{}
	for _, o := range options {
		if o.help == "" {
			continue // the table has a --help of its own
		}
		value := flags.Switch(new(bool))
		if o.value != nil {
			value = flags.To(new(string), flags.Text(o.value.word))
		}
		group.Options = append(group.Options, flags.Option{Name: strings.TrimPrefix(o.name, "--"), Help: o.help, Value: value})
	}
	return &flags.Table{
		Usage:  name + " [option ...]",
		About:  "Options act from left to right, each on what the ones before it did.\n",
		Groups: []flags.Group{group},
		After: `  --  [ARG ...]            run a shell in place of this program
  -+  [ARG ...]            run it as a child
  ==  [ARG ...]            run this program again
  =+  [ARG ...]            run it again as a child
A word in place of the options is a command; capsh --help lists them.
`,
	}
}
