package probe

import (
	"os"
	"runtime"
	"testing"

	"capsh/internal/cred"
)

func BenchmarkParseStatus(b *testing.B) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var p cred.Process
		if err := ParseStatus(text, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProcess(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Proc.Process(1, 0, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelf(b *testing.B) {
	b.Run("status", func(b *testing.B) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := selfByStatus(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("calls", func(b *testing.B) {
		for b.Loop() {
			if _, err := selfByCalls(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
