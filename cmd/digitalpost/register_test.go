package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A register is loaded from files, goes on where it was left, and what it could not do is shown and seen to, beside a
// server and without one.
func TestRegisterCommands(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := filepath.Join(t.TempDir(), "cpr.ndjson")
	write := func(lines string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := registerFlags{dataFlags: dataFlags{Data: w.Data, Keys: w.Data + ".keys"}, Register: "cpr"}
	first := `{"seq":1,"type":"moved-in","at":"2020-01-01","cpr":"6101801111","name":"Stig Opdigtet"}` + "\n"
	write(first + `{"seq":2,"type":"named","at":"2020-01-01","cpr":"6201801112","name":"Ingen"}` + "\n")
	load := registerLoadCmd{flags, []string{path}}
	for range 2 {
		if err := load.Run(); err != nil {
			t.Fatal(err)
		}
	}
	w.Stop()

	write(first + `{"seq":3,"type":"moved"` + "\n")
	if err := load.Run(); err == nil {
		t.Error("half a line was taken")
	}
	if err := (&registerStatusCmd{dataFlags: flags.dataFlags}).Run(); err != nil {
		t.Errorf("status with a task: %v", err)
	}
	if err := (&registerAllowCmd{flags, 10}).Run(); err != nil {
		t.Error(err)
	}
	if err := (&registerDoneCmd{flags, "b33d655a-6fdc-6c81-4f28-429d651f027f"}).Run(); err != nil {
		t.Errorf("a task that is seen to: %v", err)
	}
	if err := (&registerDoneCmd{flags, "b33d655a-6fdc-6c81-4f28-429d651f027f"}).Run(); err == nil {
		t.Error("it was seen to twice")
	}
}
