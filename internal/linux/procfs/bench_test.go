package procfs

import (
	"os"
	"testing"

	"capsh/internal/rules/cred"
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
