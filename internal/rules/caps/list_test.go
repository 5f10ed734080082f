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
		",":              `capability list ",", item 1: it is empty`,
		"chown,,kill":    `capability list "chown,,kill", item 2: it is empty`,
		"chown,":         `capability list "chown,", item 2: it is empty`,
		"chown,none":     `capability list "chown,none", item 2: "none" must stand alone`,
		"none,none":      `capability list "none,none", item 1: "none" must stand alone`,
		"chown, kill":    `capability list "chown, kill", item 2: capability " kill" is unknown, did you mean cap_kill?`,
		"net_rw":         `capability list "net_rw", item 1: capability "net_rw" is unknown, did you mean cap_net_raw?`,
		"cap_cap_chown":  `capability list "cap_cap_chown", item 1: capability "cap_cap_chown" is unknown`,
		"64":             `capability list "64", item 1: capability "64" is out of range, the highest is 63`,
		"010":            `capability list "010", item 1: number "010" begins with 0, write it in decimal or with 0x`,
		"-1":             `capability list "-1", item 1: capability "-1" is unknown`,
		"chown=p":        `capability list "chown=p", item 1: "chown=p" has flags as setcap(8) takes them, a list has names alone: chown`,
		"chown;kill,all": `capability list "chown;kill,all", item 1: "chown;kill" must have commas between names`,
		"chown kill":     `capability list "chown kill", item 1: "chown kill" must have commas between names`,
		"cap_kill+ep":    `capability list "cap_kill+ep", item 1: "cap_kill+ep" has flags as setcap(8) takes them, a list has names alone: cap_kill`,
	} {
		if s, err := ParseList(text, First(Named)); err == nil || err.Error() != want || s != 0 {
			t.Errorf("ParseList(%q) = %v, %v\nwant %s", text, s, err, want)
		}
	}
}
