package differ

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// The options by what libcap's capsh reads after the "=".
var (
	numberOptions = []string{"--uid=", "--gid=", "--cap-uid=", "--is-uid=", "--is-gid=",
		"--keep=", "--secbits=", "--forkfor=", "--killit="}
	questionOptions = []string{"--has-p=", "--has-i=", "--has-a=", "--has-b=", "--dropped="}
	nameOptions     = []string{"--has-p=", "--has-i=", "--has-a=", "--has-b=", "--dropped=",
		"--supports=", "--explain="}
	listOptions = []string{"--drop=", "--addamb=", "--delamb="}
	otherValues = []string{"--groups=", "--user=", "--decode=", "--caps=", "--inh=", "--iab=",
		"--chroot=", "--shell=", "--mode=", "--inmode=", "--suggest="}
	plainOptions = []string{"--print", "--current", "--mode", "--modes", "--strict", "--noenv",
		"--quiet", "--has-ambient", "--no-new-privs", "--has-no-new-privs", "--license",
		"--", "-+", "==", "=+"}
)

// capNames are written out once more here, so that an error in our table
// cannot hide itself.
var capNames = strings.Fields(`
	cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid
	cap_kill cap_setgid cap_setuid cap_setpcap cap_linux_immutable
	cap_net_bind_service cap_net_broadcast cap_net_admin cap_net_raw
	cap_ipc_lock cap_ipc_owner cap_sys_module cap_sys_rawio cap_sys_chroot
	cap_sys_ptrace cap_sys_pacct cap_sys_admin cap_sys_boot cap_sys_nice
	cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease
	cap_audit_write cap_audit_control cap_setfcap cap_mac_override
	cap_mac_admin cap_syslog cap_wake_alarm cap_block_suspend cap_audit_read
	cap_perfmon cap_bpf cap_checkpoint_restore`)

// isUsageError is whether libcap's answers the argument with its usage.
func isUsageError(arg string) bool {
	if value, ok := strings.CutPrefix(arg, "--forkfor="); ok {
		n, rest, ok := number(value)
		return ok && rest == "" && n == 0
	}
	if slices.Contains(plainOptions, arg) || strings.HasPrefix(arg, "--noamb") {
		return false
	}
	for _, list := range [][]string{numberOptions, nameOptions, listOptions, otherValues} {
		for _, o := range list {
			if strings.HasPrefix(arg, o) {
				return false
			}
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// number is strtoul(v, &rest, 0) of a text that begins with a digit.
func number(v string) (n uint64, rest string, ok bool) {
	digits, base := "0123456789", 10
	switch {
	case len(v) > 2 && (v[:2] == "0x" || v[:2] == "0X") && isHex(v[2:3]):
		v, digits, base = v[2:], "0123456789abcdefABCDEF", 16
	case strings.HasPrefix(v, "0"):
		digits, base = "01234567", 8
	}
	rest = strings.TrimLeft(v, digits)
	text := v[:len(v)-len(rest)]
	if text == "" {
		return 0, v, false
	}
	n, err := strconv.ParseUint(text, base, 64)
	if err != nil {
		n = math.MaxUint64
	}
	return n, rest, true
}

func isHex(v string) bool { return v != "" && strings.Trim(v, "0123456789abcdefABCDEF") == "" }

// isMask is a hex number of at most 64 bits, and nothing else.
func isMask(v string) bool {
	if len(v) > 2 && (v[:2] == "0x" || v[:2] == "0X") {
		v = v[2:]
	}
	return isHex(v) && len(strings.TrimLeft(v, "0")) <= 16
}

// name is cap_from_name, and what it leaves unread.
func name(v string) (c uint64, rest string, ok bool) {
	if v == "" {
		return 0, "", false
	}
	if v[0] >= '0' && v[0] <= '9' {
		c, rest, ok = number(v)
		return c, rest, ok && c < 64
	}
	rest = strings.TrimLeft(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
	i := slices.Index(capNames, strings.ToLower(v[:len(v)-len(rest)]))
	return uint64(i), rest, i >= 0
}

// nameList reads names with commas between, each with or without flags of set text
// behind it.
func nameList(v string) (names []string, flags, ok bool) {
	for item := range strings.SplitSeq(v, ",") {
		_, rest, ok := name(item)
		if !ok || rest != "" && !isFlags(rest) {
			return nil, false, false
		}
		flags = flags || rest != ""
		names = append(names, strings.TrimSuffix(item, rest))
	}
	return names, flags, true
}

// isFlags is whether text is operators and flags of set text, "+ep".
func isFlags(text string) bool {
	return strings.ContainsAny(text[:1], "=+-") && strings.Trim(text, "=+-eip") == ""
}

// maskOf is the mask in a line of /proc/PID/status, or what is between blanks.
func maskOf(v string) string {
	v = strings.TrimFunc(v, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) })
	if len(v) > 7 && v[:3] == "Cap" && slices.Contains([]string{"Inh:", "Prm:", "Eff:", "Bnd:", "Amb:"}, v[3:7]) {
		return strings.TrimLeft(v[7:], " \t")
	}
	return v
}
