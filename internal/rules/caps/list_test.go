package caps

import "testing"

func TestParseList(t *testing.T) {
	all := First(Named) &^ SysResource.Set()
	for text, want := range map[string]Set{
		"none":                   0,
		"NONE":                   0,
		"all":                    all,
		"All,63":                 all | 1<<63,
		"net_raw":                NetRaw.Set(),
		"CAP_NET_RAW":            NetRaw.Set(),
		"Net_Raw,cap_chown,KILL": Of(NetRaw, Chown, Kill),
		"chown,chown":            Chown.Set(),
		"0":                      Chown.Set(),
		"13,0x15":                Of(NetRaw, SysAdmin),
		"sys_resource,all":       First(Named),
		"bpf,checkpoint_restore": Of(BPF, CheckpointRestore),
	} {
		got, err := ParseList(text, all)
		if err != nil || got != want {
			t.Errorf("ParseList(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseListErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":               `capability list is empty, write "none" for no capability`,
		",":              `capability list ",": item 1 is empty`,
		"chown,,kill":    `capability list "chown,,kill": item 2 is empty`,
		"chown,":         `capability list "chown,": item 2 is empty`,
		"chown,none":     `"none" must stand alone in a list of capabilities`,
		"none,none":      `"none" must stand alone in a list of capabilities`,
		"chown, kill":    `capability " kill" is unknown, did you mean cap_kill?`,
		"ptrace":         `capability "ptrace" is unknown, did you mean cap_sys_ptrace?`,
		"admin":          `capability "admin" is unknown`,
		"net_rw":         `capability "net_rw" is unknown, did you mean cap_net_raw?`,
		"cap_cap_chown":  `capability "cap_cap_chown" is unknown`,
		"64":             `capability "64" is out of range, the highest is 63`,
		"010":            `number "010" begins with 0: write it in decimal or with 0x`,
		"-1":             `capability "-1" is unknown`,
		"chown=p":        `"chown=p" has flags as setcap(8) takes them, a list has names alone: chown`,
		"chown;kill,all": `"chown;kill" must have commas between names`,
		"chown kill":     `"chown kill" must have commas between names`,
		"cap_kill+ep":    `"cap_kill+ep" has flags as setcap(8) takes them, a list has names alone: cap_kill`,
	} {
		if s, err := ParseList(text, First(Named)); err == nil || err.Error() != want || s != 0 {
			t.Errorf("ParseList(%q) = %v, %v\nwant %s", text, s, err, want)
		}
	}
}
