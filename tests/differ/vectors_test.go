package differ

import (
	"slices"
	"strings"
)

// A vector is one command line.
type vector struct {
	argv []string
	// sleeps: it takes a second, and the state root will do.
	sleeps bool
	// words: a few states will do. How the arguments are read does not depend
	// on who is asked; and into a shell's command the table cannot see.
	words bool
}

// vectors are parsed from the groups below.
var vectors = func() (all []vector) {
	for _, g := range vectorGroups {
		for line := range strings.Lines(g.lines) {
			if line = strings.TrimSuffix(line, "\n"); line == "" {
				continue
			}
			argv := splitWords(line)
			all = append(all, vector{
				argv:   argv,
				sleeps: slices.ContainsFunc(argv, func(a string) bool { return strings.HasPrefix(a, "--forkfor=") }),
				words:  g.words,
			})
		}
	}
	return all
}()

// splitWords splits at blanks; '…' keeps them, and $'…' is not known: a
// newline is written \n.
func splitWords(line string) (words []string) {
	word, quoted, some := "", false, false
	for _, r := range strings.ReplaceAll(strings.ReplaceAll(line, `\n`, "\n"), `\t`, "\t") {
		switch {
		case r == '\'':
			quoted, some = !quoted, true
		case r == ' ' && !quoted:
			if some {
				words = append(words, word)
			}
			word, some = "", false
		default:
			word, some = word+string(r), true
		}
	}
	if some {
		words = append(words, word)
	}
	return words
}

var vectorGroups = []struct {
	about, lines string
	words        bool
}{
	{"looking", `
--print
--current
--print --print
--current --print --current
--mode
--modes
--mode --modes --mode
--quiet
--quiet --print
--print --quiet
--quiet --quiet --current
--strict
--noenv
--has-ambient
--has-no-new-privs
--license
--license --bad
--print --license --print
--quiet --license
`, false},
	{"words of our own", `
--help
-h
--print --help
--current -h --bad
--quiet --help
--quiet -h
--explain=cap_chown
--explain=CAP_NET_RAW --current
--explain=13
--explain=40
--explain=41
--explain=63
--explain=64
--explain=
--explain=bad
--explain=net_raw
--explain=cap_chown,cap_kill
--explain='cap_chown cap_kill'
--suggest=chown
--suggest=CHOWN --current
--suggest=zzzzzz --current
--suggest=
`, true},
	{"lists", `
--has-p=cap_net_admin,cap_ipc_lock,cap_sys_nice+ep --current
--has-p=cap_chown,cap_sys_resource
--has-p=cap_chown=eip
--has-b=cap_chown,63
--has-i=cap_chown,cap_kill --current
--has-a=cap_chown+i,cap_kill
--has-p=cap_chown,cap_foo_bar+ep
--has-p=cap_chown,,cap_kill
--has-p=cap_chown+ep,
--has-p=cap_chown+EP
--has-p=cap_chown+x
--has-p=+ep
--dropped=cap_chown,cap_kill
--drop=cap_chown,cap_kill --dropped=cap_chown,cap_kill,0 --print
--drop=cap_chown,cap_kill+ep --print
--drop=cap_chown=eip,cap_kill --print
--inh=cap_chown,cap_kill --addamb=cap_chown,cap_kill=eip --print
--inh=cap_chown,cap_kill=eip --print
--inh=all+ep --current
--inh=none+ep --current
--inh=cap_chown --addamb=cap_chown --delamb=cap_chown+ep --print
--addamb=cap_chown+ep,x
--drop=all+ep --current
`, true},
	{"usage", `
''
-
---
bad
--bad
--bad=1
--print --bad
--current bad --print
-x
-p
--pri
--prin
--prints
--print=
--print=1
--current=1
--modes=1
--strict=1
--noenv=1
--quiet=1
--has-ambient=1
--has-no-new-privs=1
--no-new-privs=1
--license=1
--help=1
--helpx
-hh
--drop
--dropped
--caps
--inh
--iab
--uid
--user
--keep
--has-p
--decode
--chroot
--shell
--secbits
--addamb
--delamb
--supports
--explain
--suggest
--forkfor
--killit
--inmode
--is-uid
--groups
--DROP=cap_chown
--Print
=
=-
+
++
--has-x=cap_chown
`, true},
	{"decode", `
--decode=0
--decode=1
--decode=3
--decode=ff
--decode=FF
--decode=0xff
--decode=0XfF
--decode=000001ffffffffff
--decode=0000000000000000
--decode=8000000000000000
--decode=ffffffffffffffff
--decode=0xffffffffffffffff
--decode=10000000000
--decode=20000000000
--decode=00000000000000000000000000000001
--decode=1 --decode=2 --decode=4
--decode=
--decode=0x
--decode=x
--decode=garbage
--decode=1g
--decode=1,2
--decode=-1
--decode=+1
'--decode= 1'
'--decode=1 '
--decode=10000000000000000
--decode=fffffffffffffffff
--decode=0x0x1
--decode=1.5
--decode=1 --decode=x --decode=2
'--decode=CapBnd:	000001ffffffffff'
'--decode=CapEff: 0x3' --current
'--decode=CapXXX:	1'
'--decode=Cap:1'
'--decode=CapEff:'
'--decode= 	 3 	'
`, true},
	{"supports", `
--supports=cap_chown
--supports=CAP_CHOWN
--supports=Cap_Chown
--supports=cap_checkpoint_restore
--supports=cap_audit_read
--supports=cap_perfmon
--supports=0
--supports=37
--supports=38
--supports=40
--supports=41
--supports=44
--supports=45
--supports=63
--supports=64
--supports=0x1f
--supports=010
--supports=08
--supports=0x
--supports=0xg
--supports=
--supports=chown
--supports=cap_chownx
--supports=cap_chown1
--supports=cap_chown,cap_kill
'--supports=cap_chown '
'--supports= cap_chown'
--supports=-1
--supports=+1
--supports=all
--supports=99999999999999999999
`, false},
	{"has", `
--has-p=cap_chown
--has-p=cap_sys_resource
--has-p=cap_setpcap
--has-p=CAP_KILL
--has-p=5
--has-p=0x5
--has-p=63
--has-p=64
--has-p=
--has-p=bad
--has-p=all
--has-p=none
--has-p=cap_chown,cap_kill
--has-p=cap_chown=
'--has-p=cap_chown cap_sys_resource'
--has-i=cap_chown
--has-i=cap_net_bind_service
--has-i=cap_kill
--has-i=63
--has-i=bad
--has-i=cap_chown,cap_kill
--has-a=cap_chown
--has-a=cap_kill
--has-a=40
--has-a=41
--has-a=44
--has-a=63
--has-a=bad
--has-a=cap_chown,cap_kill
--has-b=cap_chown
--has-b=cap_sys_resource
--has-b=cap_setpcap
--has-b=cap_bpf
--has-b=40
--has-b=41
--has-b=44
--has-b=50
--has-b=63
--has-b=64
--has-b=
--has-b=bad
--has-b=cap_chown,cap_kill
--dropped=cap_chown
--dropped=cap_sys_resource
--dropped=cap_bpf
--dropped=40
--dropped=41
--dropped=44
--dropped=63
--dropped=64
--dropped=bad
--dropped=
--dropped=cap_sys_resource,cap_chown
--drop=cap_chown --dropped=cap_chown --has-b=cap_kill
--drop=cap_chown --has-b=cap_chown
--no-new-privs --has-no-new-privs
`, false},
	{"ids", `
--is-uid=0
--is-uid=1000
--is-uid=0x3e8
--is-uid=01750
--is-uid=
--is-uid=-0
--is-uid=root
--is-uid=4294967296
--is-uid=4294967295
'--is-uid= 0'
--is-uid=+0
--is-uid=0x
--is-uid=0.
--is-uid=99999999999999999999999
--is-gid=0
--is-gid=1000
--is-gid=bad
--is-gid=4294967296
--is-gid=+1000
--uid=1000
--uid=0
--uid=1
--uid=65534
--uid=1000000
--uid=010
--uid=0x10
--uid=08
--uid=
--uid=-1
--uid=4294967294
--uid=4294967295
--uid=4294967296
--uid=4294967297
--uid=18446744073709551615
--uid=18446744073709551616
--uid=+1
'--uid= 1'
'--uid= -1'
'--uid=1 '
--uid=nobody
--uid=1000 --uid=0
--keep=1 --uid=1000
--keep=1 --uid=1000 --caps=cap_chown+ep
--keep=1 --uid=1000 --uid=0 --print
--keep=1 --uid=1 --uid=1
--gid=0
--gid=1000
--gid=010
--gid=-1
--gid=4294967295
--gid=4294967296
--gid=bad
'--gid=\t5'
--gid=5 --gid=6
--gid=1000 --uid=1000
--uid=1000 --gid=1000
--cap-uid=1000
--cap-uid=0
--cap-uid=65534
--cap-uid=
--cap-uid=-1
--cap-uid=4294967295
--cap-uid=4294967296
--cap-uid=+5
--cap-uid=bad
--cap-uid=1 --cap-uid=2
--cap-uid=1000 --caps==ep
--cap-uid=1000 --cap-uid=0
--keep=1 --cap-uid=5 --uid=0
--caps=cap_setuid=p --cap-uid=5
--groups=
--groups=,
--groups=0
--groups=0,1,2
--groups=2,1,0,1
--groups=root,daemon
--groups=daemon,3,root
--groups=nogroup
--groups=nonesuch
--groups=0,nonesuch
--groups=1,,2
--groups=,1,
--groups=0x10
--groups=010
--groups=08
--groups=1foo
--groups='1 2'
'--groups= 1'
--groups=-1
--groups=+1
--groups=4294967294
--groups=4294967295
--groups=4294967296
--groups=99999999999999999999
--groups=1 --groups=2
--groups=ROOT
--user=nobody
--user=root
--user=daemon
--user=games
--user=sync
--user=
--user=nonesuch
--user=0
--user=65534
--user=Root
'--user=nobody '
--user=nobody --user=root
--user=root --user=nobody
--user=daemon --noenv
--noenv --user=daemon
--user=daemon --user=nobody --current
--user=nobody --caps==ep
--user=nobody --print --caps=cap_chown=ep --addamb=cap_chown
--user=nobody --inh=cap_chown --addamb=cap_chown
--groups=5,6 --user=nobody
--user=nobody --groups=5
--noenv --user=nobody == --user=daemon
--user=nobody == --current
--user=nobody -- -c 'echo $HOME $USER; id'
--user=daemon -+ -c 'echo $HOME $USER; id'
`, false},
	{"bounding", `
--drop=cap_chown
--drop=all
--drop=all --drop=all
--drop=cap_chown,cap_kill,cap_net_raw
--drop=cap_chown,cap_chown
--drop=CAP_SETUID
--drop=0
--drop=0,5,13
--drop=40
--drop=41
--drop=44
--drop=63
--drop=64
--drop=010
--drop=0x1f
--drop=
--drop=,
--drop=,,cap_chown,,
--drop=bad
--drop=cap_chown,bad
--drop=chown
--drop=ALL
--drop=All
--drop=none
--drop=all,cap_chown
--drop=cap_chown,all
--drop='cap_chown cap_kill'
--drop='cap_chown, cap_kill'
--drop='cap_chown '
--drop=cap_chown=ep
--drop=cap_chown1
--drop=1x
--drop=08
--drop=-1
--drop=+1
--drop=cap_setpcap
--drop=cap_setpcap --drop=cap_chown
--drop=cap_setpcap --caps==ep
--strict --drop=cap_chown
--strict --strict --drop=cap_chown
--caps=cap_setpcap+p --drop=cap_chown
--caps=cap_setpcap+p --strict --drop=cap_chown
--strict --caps=cap_setpcap=ep --drop=cap_setuid
'--caps==ep cap_setpcap-ep' --drop=cap_setuid
'--caps==ep cap_setpcap-e' --strict --drop=cap_setuid
--caps= --drop=cap_chown
--caps= --drop=
--drop=cap_chown --caps==ep --inh=cap_chown
--drop=cap_chown --inh=cap_kill --uid=0
--drop=cap_sys_resource
--drop=all --iab=cap_chown
--drop=all --inh=all
`, false},
	{"set text", `
--caps=
--caps==
--caps==ep
--caps==p
--caps==e
--caps==i
--caps==eip
--caps=all=ep
--caps=ALL=p
--caps=all,cap_chown=p
--caps=cap_chown=ep
--caps=CAP_CHOWN=EP
--caps=CAP_CHOWN=ep
--caps=cap_chown,cap_kill+eip
--caps=cap_chown+p
--caps=cap_chown+e
--caps=cap_chown-p
--caps=cap_chown
--caps=cap_chown+
--caps=cap_chown=
'--caps=cap_chown=p cap_kill=p'
'--caps=cap_chown=p cap_kill+p cap_chown-p'
'--caps==ep cap_chown-e'
'--caps==ep cap_chown-ep cap_kill-e'
'--caps= cap_chown=p '
'--caps=\tcap_chown=p\ncap_kill=p'
--caps=cap_chown=+p
--caps=cap_chown=-p
--caps=cap_chown=p+e
--caps=cap_chown+p-e
--caps=cap_chown+p+e
--caps=cap_chown=p=e
--caps==p+e
--caps==+p
--caps=+p
--caps=-p
--caps=p
--caps=none
--caps=none=p
--caps=,cap_chown=p
--caps=cap_chown,=p
--caps=cap_chown,,cap_kill=p
--caps=0=p
--caps=0,5,13+p
--caps=0x5=p
--caps=010=p
--caps=08=p
--caps=40=p
--caps=41=p
--caps=44+p
--caps=63+p
'--caps==ep 63-e'
--caps=64+p
--caps=cap_bpf,cap_checkpoint_restore+p
--caps=bad=p
--caps=cap_chown=x
--caps=cap_chown=pp
--caps=cap_chown:p
'--caps=cap_chown =p'
'--caps=cap_chown= p'
--caps=cap_sys_resource=p
--caps=cap_sys_resource=i
--caps=cap_sys_resource+i --current
--caps=cap_net_bind_service=i
--caps=cap_chown,cap_setgid,cap_net_bind_service=ip
--caps=cap_setpcap=p --caps=cap_setpcap=ep
--caps=cap_setpcap=p --caps=cap_chown=i
--caps=cap_chown=p --caps=cap_kill=i
--strict --caps=cap_chown=i
--strict --caps=cap_setpcap=p --caps=cap_chown=i
--caps==p --strict --caps=cap_chown=i
'--caps==eip cap_chown,cap_kill-e cap_setuid-i'
'--caps=cap_chown=e cap_kill=p cap_setuid=i cap_setgid=ep'
`, false},
	{"inheritable", `
--inh=
--inh=none
--inh=NONE
--inh=all
--inh=ALL
--inh=all,cap_chown
--inh=cap_chown
--inh=CAP_CHOWN,CAP_KILL
--inh=0,5
--inh=0x5
--inh=41
--inh=44
--inh=63
--inh=64
--inh=bad
--inh=cap_chown,bad
--inh=cap_chown,
--inh=,cap_chown
--inh=,
--inh=none,cap_chown
--inh=cap_chown+p
--inh=cap_chown=p
'--inh=cap_chown=p cap_kill'
'--inh=cap_chown-p cap_kill'
'--inh=cap_chown-ep\tcap_kill'
'--inh=cap_chown cap_kill'
'--inh= cap_chown'
'--inh=cap_chown '
'--inh= '
--inh==
--inh=+
--inh=cap_chown --inh=cap_kill
--inh=cap_chown --inh=
--inh=cap_sys_resource
--inh=cap_net_bind_service --addamb=cap_net_bind_service
--strict --inh=cap_chown
--strict --caps=cap_setpcap=p --inh=cap_chown
--caps=cap_setpcap=p --inh=cap_chown
--strict --caps=cap_chown=p --inh=cap_chown
--caps= --inh=cap_chown
--drop=cap_chown --inh=cap_chown
--drop=cap_chown --caps=cap_setpcap=ep --inh=cap_chown
--inh=cap_chown --drop=cap_chown
`, false},
	{"ambient", `
--noamb
--noamb=1
--noambXYZ
--noamb --noamb
--addamb=
--addamb=,
--addamb=all
--addamb=cap_chown
--addamb=cap_chown,cap_kill
--addamb=cap_net_bind_service
--addamb=bad
--addamb=63
--addamb=44
--addamb=64
--addamb='cap_net_bind_service cap_kill'
--inh=cap_chown --addamb=cap_chown
--inh=cap_chown,cap_kill --addamb=cap_chown,cap_kill --delamb=cap_kill
--inh=cap_chown --addamb=0
--inh=all --addamb=all
--inh=all --addamb=all --noamb
--inh=all --addamb=all --delamb=all
--inh=all --addamb=all --caps=cap_chown=ip
--inh=cap_chown --addamb=cap_chown --inh=
--inh=cap_chown --addamb=cap_chown --uid=1000
--keep=1 --inh=cap_chown --addamb=cap_chown --uid=1000
--keep=1 --uid=1000 --inh=cap_chown --addamb=cap_chown
--delamb=cap_chown
--delamb=all
--delamb=
--delamb=bad
--delamb=63
--delamb=44
--delamb='cap_chown cap_kill'
--delamb=cap_chown,cap_chown
--secbits=0x40 --inh=cap_chown --addamb=cap_chown
--inh=cap_chown --addamb=cap_chown --secbits=0x40 --noamb
--inh=cap_chown --addamb=cap_chown --secbits=0xc0 --delamb=cap_chown
--secbits=0xc0 --noamb
--secbits=0x80 --noamb
--has-ambient --inh=cap_chown --addamb=cap_chown --has-a=cap_chown
`, false},
	{"iab", `
--iab=
--iab=cap_chown
--iab=cap_chown,cap_kill
--iab=CAP_CHOWN
--iab=^cap_chown
--iab=!cap_chown
--iab=%cap_chown
--iab=!%cap_chown
--iab=%!cap_chown
--iab=^!cap_chown
--iab=!^cap_chown,cap_kill
--iab=!!cap_chown
--iab=^^cap_chown
--iab=%%cap_chown
--iab=^%!^cap_chown
--iab=cap_chown,
--iab=,
--iab=,cap_chown
--iab=cap_chown,,cap_kill
--iab=!
--iab=^
--iab=%
--iab=!,cap_chown
--iab=all
--iab=!all
--iab=none
--iab=bad
--iab=cap_chown,bad
--iab='cap_chown cap_kill'
--iab='cap_chown, cap_kill'
--iab=' cap_chown'
--iab=cap_chown=p
--iab=0
--iab=^5,!13
--iab=0x5
--iab=010
--iab=08
--iab=41
--iab=^44
--iab=!44
--iab=!63
--iab=64
--iab=!cap_sys_resource
--iab=^cap_sys_resource
--iab=cap_sys_resource
--iab=!cap_sys_resource,^cap_net_bind_service
--iab=^cap_net_bind_service
--iab=^cap_chown,cap_setgid,^cap_net_bind_service
--iab=!cap_kill,^cap_chown
--iab=^cap_chown --iab=
--iab=^cap_chown --iab=^cap_kill
--iab=!cap_chown --iab=cap_chown
--iab=!cap_chown --iab=!cap_chown
--iab=!cap_setpcap --iab=!cap_chown
--strict --iab=!cap_chown,^cap_kill
--caps=cap_chown=p --iab=^cap_chown
--caps=cap_chown,cap_setpcap=p --iab=^cap_chown
--caps=cap_chown=p --iab=cap_chown
--caps=cap_chown=p --strict --iab=^cap_chown
--caps= --iab=
--caps= --iab=cap_chown
--caps= --iab=!cap_sys_resource
--drop=cap_chown --caps=cap_kill=p --iab=!cap_chown
--drop=cap_chown --caps=cap_kill=p --iab=!cap_chown,^cap_kill
--drop=cap_chown --caps=cap_kill=p --iab=!cap_chown,!cap_fowner
--secbits=0x40 --iab=^cap_chown
--mode=PURE1E --iab='!%cap_chown,cap_setuid'
--mode=PURE1E --iab='!%cap_chown,^cap_setuid'
--iab='!%cap_chown,^cap_setpcap,cap_setuid'
--keep=1 --uid=1000 --strict --iab=!^cap_setuid --caps=cap_setuid=pi --delamb=cap_setuid
`, false},
	{"securebits", `
--secbits=0
--secbits=1
--secbits=2
--secbits=4
--secbits=0x10
--secbits=0x20
--secbits=0x2f
--secbits=0xef
--secbits=0x3f
--secbits=0xff
--secbits=0x100
--secbits=0xfff
--secbits=0x1000
--secbits=057
--secbits=42
--secbits=08
--secbits=
--secbits=-1
--secbits=bad
--secbits=4294967296
--secbits=4294967295
--secbits=+1
'--secbits= 1'
--secbits=0x2f --secbits=0
--secbits=0x2f --secbits=0x2f
--secbits=1 --uid=1000
--secbits=4 --uid=1000
--secbits=5 --uid=1000 --uid=0
--secbits=0x10 --uid=1000
--caps= --secbits=1
--caps=cap_setpcap=p --secbits=1
--keep=0
--keep=1
--keep=2
--keep=
--keep=-1
--keep=4294967296
--keep=4294967297
--keep=+1
--keep=01
--keep=0x1
--keep=1 --keep=0
--secbits=0x20 --keep=1
--secbits=0x30 --keep=0
--secbits=10 --keep=0 --keep=1
--secbits=32 --keep=1 --keep=0
--secbits=0x20 --cap-uid=1000
--secbits=0x20 --user=nobody
--secbits=0x24 --cap-uid=1000
--secbits=0x30 --uid=1000
--secbits=0x30 --cap-uid=1000
--keep=1 --secbits=0 --uid=1000
--keep=1 == --print
--keep=1 --uid=1000 == --print
--no-new-privs
--no-new-privs --no-new-privs
--no-new-privs --caps=
--no-new-privs == --print
--no-new-privs --caps=cap_chown=ep == --print
`, false},
	{"modes", `
--mode=HYBRID
--mode=PURE1E
--mode=PURE1E_INIT
--mode=NOPRIV
--mode=UNCERTAIN
--mode=UNKNOWN
--mode=
--mode=hybrid
--mode=bad
--mode=PURE1E,HYBRID
--modeX
--mode1=PURE1E
--inmode=HYBRID
--inmode=PURE1E
--inmode=PURE1E_INIT
--inmode=NOPRIV
--inmode=UNCERTAIN
--inmode=UNKNOWN
--inmode=
--inmode=bad
--mode=PURE1E --mode
--mode=PURE1E_INIT --mode
--mode=NOPRIV --mode
--mode=HYBRID --mode
--mode=PURE1E --inmode=PURE1E_INIT
--inh=cap_chown --mode=PURE1E --inmode=PURE1E
--inh=cap_chown --mode=PURE1E_INIT --inmode=PURE1E_INIT
--mode=PURE1E --mode=NOPRIV --inmode=NOPRIV
--mode=PURE1E --mode=PURE1E_INIT
--mode=PURE1E --mode=HYBRID
--mode=NOPRIV --mode=PURE1E
--mode=NOPRIV --mode=NOPRIV
--mode=NOPRIV == --mode
--mode=NOPRIV --uid=1000
--mode=PURE1E --uid=1000
--mode=PURE1E --cap-uid=1000
--mode=PURE1E --caps==ep
--mode=PURE1E --drop=cap_chown
--mode=HYBRID --caps==ep --inh=all --addamb=all --mode
--inh=all --addamb=all --mode=PURE1E
--inh=all --addamb=all --mode=PURE1E_INIT
--inh=all --addamb=all --secbits=0x40 --mode=NOPRIV
--secbits=0x30 --mode=NOPRIV
--secbits=0x30 --mode=PURE1E
--secbits=0x20 --mode=HYBRID
--secbits=0x80 --mode=NOPRIV
--secbits=0x2f --mode
--secbits=0xef --mode
--secbits=0xef --inh=cap_chown --mode
--secbits=0x2f --inh=all --addamb=all --mode
--secbits=0xff --mode
--secbits=0xfef --mode
--secbits=1 --mode
--caps= --mode=NOPRIV
--caps= --mode=HYBRID
--caps=cap_setpcap=p --mode=NOPRIV
--caps=cap_setpcap=p --mode=HYBRID
--caps=cap_chown=p --mode=PURE1E
--drop=all --caps= --secbits=0xef --mode
--secbits=0xef --drop=all --caps= --mode
--secbits=0xef --drop=all --caps= --inmode=NOPRIV
`, false},
	{"chroot", `
--chroot=/
--chroot=.
--chroot=
--chroot=/nonexistent
--chroot=/etc/passwd
--chroot=@ROOT@ --print --shell=/stage -- dump
--chroot=@ROOT@ --user=nobody --shell=/stage -- dump
--chroot=@ROOT@ --groups=root --shell=/stage -- dump
--chroot=@ROOT@ --groups=5 --uid=7 --print --shell=/stage -- dump
--chroot=@ROOT@ == --print --shell=/stage -- dump
--chroot=@ROOT@ --chroot=/ --print --shell=/stage -- dump
--chroot=@ROOT@ -- -c 'echo hi'
--chroot=@ROOT@ -+ -c 'echo hi'
--chroot=@ROOT@ --shell=/bin/zsh --
--caps= --chroot=/
--caps=cap_sys_chroot=p --chroot=/
--strict --caps=cap_sys_chroot=p --chroot=/
--drop=cap_sys_chroot --chroot=/
'--caps==p' --chroot=/
`, false},
	{"starting", `
--
-- -c 'echo hi'
-- -c 'exit 7'
-- -c 'kill -TERM $$'
-- -c 'echo hi >&2'
-- --print
-- /nonexistent
-- -c 'echo "$0 $@"' a 'b c' ''
-- -c 'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|SigBlk|SigIgn)" /proc/self/status; umask; ulimit -n; ulimit -Hn'
-- -c 'echo $HOME $USER $0 $SHLVL; env | sort'
-+ -c 'echo hi'
-+ -c 'exit 7'
-+ -c 'exit 126'
-+ -c 'kill -TERM $$'
-+ -c 'kill -KILL $$'
-+ -c 'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|SigBlk|SigIgn)" /proc/self/status; umask; ulimit -n'
--print -- -c 'echo hi'
--print -+ -c 'echo hi'
--print --current == --print
--shell=@STAGE@ -- dump
--shell=@STAGE@ -+ dump
--shell=@STAGE@ -- dump a 'b c' '' --print
--shell=@STAGE@ -- exit 42
--shell=@STAGE@ -+ exit 42
--shell=@STAGE@ -- signal 15
--shell=@STAGE@ -+ signal 15
--shell=@STAGE@ -+ signal 6
--shell=@STAGE@ --
--shell=@STAGE@ -+
--shell= -- x
--shell= -+ x
--shell=/nonexistent --
--shell=/nonexistent -+
--shell=/etc/passwd --
--shell=/etc/passwd -+
--shell=/etc -+
--shell=stage -- dump
--shell=tmp -- dump
--shell=/nonexistent --shell=@STAGE@ -- dump
--print --shell=/nonexistent -- x
--no-new-privs --shell=@STAGE@ -+ dump
--user=nobody --shell=@STAGE@ -+ dump
--noenv --user=nobody --shell=@STAGE@ -+ dump
--uid=1000 --shell=@STAGE@ -- dump
--inh=cap_chown --uid=1000 --shell=@STAGE@ -- dump
--keep=1 --uid=1000 --shell=@STAGE@ -- dump
--keep=1 --uid=1000 --inh=cap_chown --addamb=cap_chown --shell=@STAGE@ -- dump
--drop=all --shell=@STAGE@ -- dump
--caps= --shell=@STAGE@ -- dump
--secbits=1 --shell=@STAGE@ -- dump
--iab='^cap_chown,!cap_kill' --uid=0 --shell=@STAGE@ -+ dump
--mode=NOPRIV --shell=@STAGE@ -- dump
`, false},
	{"starting capsh again", `
==
=+
== --print
=+ --print
== == == --modes
=+ =+ =+ --modes
== --bad
=+ --bad
== --has-p=bad
=+ --has-p=bad
== =+ == --current
--quiet == --print
--quiet =+ --print
--print --quiet == --print
--strict == --strict --drop=cap_chown
--strict == --drop=cap_chown
--shell=/nonexistent == -- -c 'echo hi'
--drop=cap_chown == --dropped=cap_chown
--uid=1000 == --print
--keep=1 --uid=1000 --inh=cap_chown --addamb=cap_chown == --print
--keep=1 --uid=1000 == --uid=0
--secbits=1 == --print
--caps=cap_chown=ep == --current
--user=nobody =+ --print
== -- -c 'echo hi'
=+ -- -c 'exit 5'
=+ -+ -c 'exit 5'
== --help
== --license
`, false},
	{"forking", `
--forkfor=0
--forkfor=
--forkfor=bad
--forkfor=-1
--forkfor=4294967296
--forkfor=+1 --killit=9
--forkfor=1
--forkfor=1 --killit=9
--forkfor=5 --killit=9 --current
--forkfor=5 --killit=15
--forkfor=5 --killit=1 --forkfor=5 --killit=2
--forkfor=5 --killit=6
--forkfor=1 --forkfor=1
--forkfor=1 --killit=0
--forkfor=1 --killit=65
--forkfor=1 --killit=17
--forkfor=1 --killit=bad
--forkfor=1 --killit=-9
--forkfor=5 --killit=9 --killit=9
--forkfor=1 --killit=4294967305
--forkfor=5 --killit=011
--forkfor=1 --uid=1000 --killit=9
--print --forkfor=5 --killit=9 --print
--killit=9 --forkfor=1
`, false},
	{"killing nothing", `
--killit=9
--killit=0
--killit=bad
--killit=
--killit=-1
`, false},
	{"as libcap's own test has it", `
--keep=0 --keep=1 --keep=0 --keep=1
--secbits=47 --inh=cap_setuid,cap_setgid --drop=cap_setuid --uid=1
--keep=1 --uid=65534 --caps=cap_setpcap=ep --drop=all --secbits=0xef --noamb --caps=
--uid=1 -- -c '@SIDE@/setuid/capsh --keep=1 --caps="cap_net_raw,cap_net_bind_service=ip" --current --uid=1 --current --caps="cap_net_raw,cap_net_bind_service=pie" --current'
--uid=1 -- -c '@SIDE@/setuid/capsh --caps="cap_net_raw,cap_net_bind_service=ip cap_setuid=p" --current --cap-uid=2 --current --caps="cap_net_raw,cap_net_bind_service=pie" --current'
--secbits=47 -- -c '@SIDE@/setuid/capsh --uid=65534'
--secbits=0x2f --print -- -c '@SIDE@/permitted/capsh --print --cap-uid=65534 --print'
--drop=cap_setuid --secbits=0x2f --print -- -c '@SIDE@/permitted/capsh --print --cap-uid=65534'
--keep=1 --uid=65534 --inh=cap_setuid --addamb=cap_setuid -- -c '@SIDE@/capsh --current --cap-uid=1'
`, true},
}
