package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

// TestXattrLengths: file capabilities of each version and of right and wrong lengths.
// setxattr(2) refuses most of them; the disk of another host may have any. What is
// predicted is what the kernel does, and unknown where getxattr(2) does not show the
// value.
func TestXattrLengths(t *testing.T) {
	testenv.Root(t)
	testenv.Tool(t, "debugfs")
	dir := t.TempDir()
	var want strings.Builder
	names := ""
	for version := uint32(1); version <= 3; version++ {
		for _, n := range []int{0, 4, 11, 12, 19, 20, 23, 24, 25} {
			for effective := range uint32(2) {
				if effective == 0 && n%4 != 0 { // invalid either way
					continue
				}
				value := make([]byte, 32)
				binary.LittleEndian.PutUint32(value, version<<24|effective)
				binary.LittleEndian.PutUint32(value[4:], 1<<10)
				name := fmt.Sprintf("version-%d-bytes-%d-effective-%d", version, n, effective)
				if err := os.WriteFile(filepath.Join(dir, name), value[:n], 0o600); err != nil {
					t.Fatal(err)
				}
				names += " " + name
				predicted, got := "unknown", "refused"
				switch [2]int{int(version), n} {
				case [2]int{1, 12}:
					got = "yes"
				case [2]int{2, 20}, [2]int{3, 24}:
					predicted, got = "yes", "yes"
				}
				fmt.Fprintln(&want, name, predicted, got)
			}
		}
	}
	cmd := exec.Command(testenv.Tool(t, "unshare"), "-m", "sh", "-ec", `cd "$0"
		truncate -s 16M img; mkfs.ext4 -q -O ^has_journal -I 256 img
		debugfs -w -R "write $1 f" img >&2; debugfs -w -R "sif f mode 0100755" img >&2
		mkdir mnt
		for name in $2; do
			debugfs -w -R "ea_set -f $name /f security.capability" img >&2
			mount -o loop,ro img mnt
			case $("$1" predict --securebits=noroot --bounding=net_bind_service --json mnt/f) in
			*'"after":'*'"permitted":["CAP_NET_BIND_SERVICE"]'*) predicted=yes;;
			*'"after":'*) predicted=no;;
			*) predicted=unknown;;
			esac
			code=0; setpriv --securebits=+noroot --inh-caps=-all mnt/f --has-p=cap_net_bind_service >&2 || code=$?
			case $code in 0) got=yes;; 1) got=no;; *) got=refused;; esac
			echo $name $predicted $got
			umount mnt
		done`, dir, testenv.Build(t, "capsh"), names)
	r := testenv.Run(t, cmd)
	if strings.Contains(r.Err, "failed to setup loop") || strings.Contains(r.Err, "mount:") {
		testenv.Need(t, "loop mounts", false, r.Err)
	}
	if r.Code != 0 || r.Out != want.String() {
		t.Errorf("exit status %d, got (-), want (+):\n%s%s", r.Code, cmp.Diff(strings.Split(r.Out, "\n"), strings.Split(want.String(), "\n")), r.Err)
	}
}
