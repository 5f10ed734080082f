package differ

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRandomChains compares command lines of random actions: change, change,
// look. The n-th of a seed is the same however many are run.
func TestRandomChains(t *testing.T) {
	w := theWorld(t)
	n, seed := number64("DIFFER_N", 600), number64("DIFFER_SEED", uint64(time.Now().UnixNano()))
	t.Logf("DIFFER_SEED=%d DIFFER_N=%d", seed, n)
	r := reporter{t: t}
	defer r.close()
	var reached atomic.Int32
	cases := make([]uint64, n)
	for i := range cases {
		cases[i] = uint64(i)
	}
	each(workers, cases, func(i uint64) {
		c := chain{rand.New(rand.NewPCG(seed, i))}
		st := states[c.IntN(len(states))]
		argv := withLook(c.argv(w, st))
		r.report(w.judge(st, argv))
		if w.theirsCached(st, argv).code == 0 {
			reached.Add(1)
		}
	})
	t.Logf("%d chains reached their end", reached.Load())
	if n >= 100 && reached.Load() < int32(n/2) {
		t.Errorf("too few to say anything")
	}
}

func number64(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// A chain makes up command lines.
type chain struct{ *rand.Rand }

// argv is 2 to 8 actions. One that libcap's refuses is mostly left out, or few
// command lines would come to their end.
func (c chain) argv(w *world, st *state) (argv []string) {
	if c.IntN(20) == 0 {
		argv = append(argv, "--quiet")
	}
	for range 2 + c.IntN(7) {
		longer := append(slices.Clone(argv), c.action())
		if w.theirsCached(st, longer).code == 0 || c.IntN(16) == 0 {
			argv = longer
		}
	}
	return argv
}

func pick[T any](c chain, list ...T) T { return list[c.IntN(len(list))] }

// action is one argument; changes come most often, and mostly good ones.
func (c chain) action() string {
	switch c.IntN(24) {
	case 0, 1:
		return "--drop=" + c.list()
	case 2, 3, 4, 5:
		return "--caps=" + c.setText()
	case 6, 7:
		return "--inh=" + c.list()
	case 8, 9:
		return pick(c, "--addamb=", "--delamb=") + c.list()
	case 10, 11, 12:
		return "--iab=" + c.iabText()
	case 13:
		return "--secbits=" + pick(c, "0", "1", "4", "5", "0x10", "0x2f", "0x30", "0x40", "0xef", "047", c.number())
	case 14:
		return "--keep=" + pick(c, "0", "1", "1", c.number())
	case 15:
		return pick(c, "--uid=", "--cap-uid=", "--cap-uid=", "--gid=") + c.number()
	case 16:
		return "--user=" + pick(c, "nobody", "root", "daemon", "nonesuch")
	case 17:
		return "--groups=" + pick(c, "", "0", "1,2,3", "daemon", "5,nogroup", c.number())
	case 18:
		return "--mode=" + pick(c, "HYBRID", "PURE1E", "PURE1E_INIT", "NOPRIV")
	case 19:
		return pick(c, "--has-p=", "--has-i=", "--has-a=", "--has-b=", "--dropped=", "--supports=") + c.name()
	case 20:
		return pick(c, "--no-new-privs", "--has-no-new-privs", "--chroot=/", "--has-ambient")
	case 21:
		return pick(c, "--strict", "--noamb", "--noenv", "--quiet")
	case 22:
		return pick(c, "==", "=+", "--mode", "--modes", "--inmode=HYBRID", "--is-uid=0", "--decode="+c.mask())
	}
	return pick(c, "--current", "--print", "--mode")
}

// number is an id or a flag, and now and then one that is not.
func (c chain) number() string {
	if c.IntN(12) == 0 {
		return pick(c, "", "-1", "+1", " 1", "1 ", "08", "0x", "4294967295", "4294967296", "1x", "99999999999999999999")
	}
	return pick(c, "0", "1", "2", "1000", "65534", "010", "0x10", "4294967294")
}

func (c chain) name() string {
	switch c.IntN(16) {
	case 0:
		return strconv.Itoa(c.IntN(48))
	case 1:
		return pick(c, "", "64", "cap_bad", "net_raw", "cap_chown1", "cap_chown,cap_kill", "08", "0x", "+5", "63")
	case 2:
		return strings.ToUpper(pick(c, capNames...))
	case 3, 4, 5, 6:
		return pick(c, capNames...)
	}
	// a few often, so that one action meets another's
	return pick(c, "cap_chown", "cap_setpcap", "cap_setuid", "cap_net_bind_service")
}

func (c chain) list() string {
	if c.IntN(6) == 0 {
		return pick(c, "all", "all", "none", "")
	}
	items := make([]string, 1+c.IntN(3))
	for i := range items {
		items[i] = c.name()
	}
	return strings.Join(items, ",")
}

func (c chain) setText() string {
	clauses := make([]string, 1+c.IntN(3))
	for i := range clauses {
		list := pick(c, "", "all", c.list(), c.list(), c.list())
		if i == 0 && c.IntN(2) == 0 {
			list = ""
		}
		flags := pick(c, "e", "p", "i", "ep", "ep", "eip", "ip", "")
		clauses[i] = list + pick(c, "=", "=", "+", "+", "-") + flags
		if c.IntN(8) == 0 {
			clauses[i] += pick(c, "+", "-") + pick(c, "e", "p", "i")
		}
	}
	return strings.Join(clauses, " ")
}

func (c chain) iabText() string {
	items := make([]string, c.IntN(5))
	for i := range items {
		items[i] = pick(c, "", "!", "^", "%", "^", "!^", "!%") + c.name()
	}
	return strings.Join(items, ",")
}

// mask is a hex number, mostly.
func (c chain) mask() string {
	return pick(c, "", "0x") + strconv.FormatUint(c.Uint64()>>c.IntN(64), 16) + pick(c, "", "", "", "g")
}
