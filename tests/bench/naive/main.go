// Command naive is the floor for capsh: what anyone would write with pflag and
// libcap's Go module. It prints the sets of this process, or decodes a mask.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

func main() {
	show := pflag.Bool("print", false, "print the sets of this process")
	mask := pflag.String("decode", "", "name the capabilities of a mask")
	pflag.Parse()
	err := error(nil)
	switch {
	case *show:
		err = printSets()
	case *mask != "":
		err = decode(*mask)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}

func printSets() error {
	set, err := cap.GetPID(0)
	if err != nil {
		return err
	}
	fmt.Println("Current:", set)
	fmt.Println("Bounding set =" + have(cap.GetBound))
	fmt.Println("Ambient set =" + have(cap.GetAmbient))
	fmt.Println("Current IAB:", cap.IABGetProc())
	fmt.Println("Securebits:", cap.GetSecbits())
	fmt.Println("Mode:", cap.GetMode())
	fmt.Printf("uid=%d euid=%d gid=%d\n", os.Getuid(), os.Geteuid(), os.Getgid())
	return nil
}

// have lists the capabilities of which get says that they are there.
func have(get func(cap.Value) (bool, error)) string {
	var names []string
	for c := range cap.MaxBits() {
		if on, err := get(c); err == nil && on {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ",")
}

func decode(mask string) error {
	bits, err := strconv.ParseUint(mask, 16, 64)
	if err != nil {
		return err
	}
	var names []string
	for c := range cap.Value(64) {
		if bits&(1<<c) != 0 {
			names = append(names, c.String())
		}
	}
	fmt.Printf("0x%016x=%s\n", bits, strings.Join(names, ","))
	return nil
}
