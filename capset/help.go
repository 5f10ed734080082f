package main

const usage = `usage: capset [option ...] [--] command [argument ...]
Starts a command that holds no capability and can gain none, unless told
otherwise. Nothing is started that would not hold exactly what was asked.

keep    -k, --keep=LIST             capabilities to keep through the execve
        --from=none|current|RUNTIME|FILE   what to begin with
        --cap-add=LIST --cap-drop=LIST                      Docker's words
user    -u, --user=USER[:GROUP]     brings groups and HOME
        --groups=init|none|keep|LIST
        --ruid=USER --euid=USER --rgid=GROUP --egid=GROUP
        --login-env                 USER and LOGNAME too
sets    --bounding=LIST --inheritable=LIST --permitted=LIST --ambient=LIST
        --securebits=LIST|NUMBER    in each, +a,-b changes what there is now
        --lock                      uid 0 means nothing any more
        --allow-new-privs           leave no_new_privs off
process -C, --chdir=DIR --chroot=DIR --umask=MODE --rlimit=NAME=SOFT[:HARD]
        -e, --env=NAME=VALUE --unset-env=NAME --reset-env -a, --argv0=NAME
        --pdeathsig=SIGNAL|keep|clear --ptracer=PID|any|none
        --ignore-signal[=SIGNAL,...] --default-signal[=...]
        --block-signal[=...]        without a list all
confine --apparmor-profile=NAME --selinux-label=LABEL
        --seccomp-filter=FILE       compiled BPF
        --landlock-access=fs[:RIGHT,...]
        --landlock-rule=path-beneath:[RIGHT,...]:PATH
also    -n, --dry-run [--json]      show the plan, change nothing
        --best-effort               go without what cannot be had, and warn
        --allow-mismatch            start it although it will hold otherwise
        -q, --quiet --list-caps -h, --help -V, --version
LIST has commas between names (net_raw, CAP_NET_RAW, 13) or is all or none.

Exit status: the command's; 125 capset failed and started nothing, 126 the
command cannot be run, 127 it is not there. See capset(1).
`
