module capsh

go 1.26.0

require (
	github.com/cilium/ebpf v0.22.0
	github.com/google/go-cmp v0.7.0
	github.com/moby/sys/user v0.4.1
	github.com/rogpeppe/go-internal v1.16.0
	github.com/spf13/pflag v1.1.0
	golang.org/x/sys v0.49.0
	kernel.org/pub/linux/libs/security/libcap/cap v1.2.78
)

require (
	golang.org/x/tools v0.40.1-0.20260108161641-ca281cf95054 // indirect
	kernel.org/pub/linux/libs/security/libcap/psx v1.2.78 // indirect
)
