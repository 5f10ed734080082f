package classic

import "capsh/internal/ui/flags"

// Usage is the help text; it fits a screen; the manual has the rest.
func Usage(name string) string {
	return "usage: " + name + ` [option ...]
       ` + name + ` COMMAND ...
Options are processed left to right; each acts on the state left by the previous
ones.

display  --print --current          show what this process, or --pid, has
         --decode=HEX               decode a mask
         --explain=CAP --suggest=TEXT  describe a capability; find one
         --modes --mode             list libcap's modes; show the current one
query    --has-p= --has-i= --has-a= --has-b=CAP     test a set (b: bounding)
(exit 1  --dropped=CAP              test that it is not in the bounding set
if not)  --has-ambient --supports=CAP               test the kernel
         --has-no-new-privs --is-uid=N --is-gid=N --inmode=MODE
change   --caps=TEXT --inh=LIST --iab=TEXT        sets, in libcap's text forms
         --drop=LIST|all            drop from the bounding set
         --addamb=LIST --delamb=LIST --noamb      ambient set
         --mode=MODE --secbits=N --keep=0|1 --no-new-privs
         --uid=N --cap-uid=N --gid=N --groups=LIST --user=NAME --chroot=DIR
execute  -- [ARG ...]               run a shell, replacing capsh; -+ as a child
         == [ARG ...]               run capsh again; =+ as a child
         --shell=PATH               program for -- and -+ (/bin/bash)
         --forkfor=SECONDS          start a child that sleeps
         --killit=SIGNAL            end that child
modify   --strict                   do not raise CAP_SETPCAP; twice: undone
         --noenv                    with --user, keep HOME and USER
         --quiet                    as the first option: no warning
view     --pid=PID[/TID],...        inspect these processes instead
         --proc=DIR                 another procfs: the host's, a saved copy
         --format=text|json, --json
also     --help -h --version --license

commands show  ps  tree             which processes have which capabilities
(--help  file PATH                  what files grant
of each) predict COMMAND            what it would have if executed
         expect EXPR                compare with expectations, for tests
         assess                     check for a container and its isolation
         trace -- COMMAND           what the kernel checks while it runs
         explain [CAP]  completion SHELL  help [COMMAND]  version
CAP is a name (cap_net_raw) or a number; LIST is comma-separated. See capsh(1).
`
}

// helpTable is the options as a table of ui/flags, for a line each.
func helpTable(name string) *flags.Table {
	return &flags.Table{
		Usage: name + " [option ...]",
		About: "Options are processed left to right; each acts on the state left by the previous\nones.\n",
		Options: func(to *flags.Options) {
			for _, o := range options {
				switch {
				case o.help == "": // the table has a --help of its own
				case o.value == nil:
					flags.Switch(to, o.name, o.help, new(bool))
				default:
					flags.To(to, o.name, o.help, new(string), flags.Text(o.value.word))
				}
			}
		},
		After: `  --  [ARG ...]            run a shell in place of this program
  -+  [ARG ...]            run it as a child
  ==  [ARG ...]            run this program again
  =+  [ARG ...]            run it again as a child
For commands see capsh --help.
`,
	}
}
