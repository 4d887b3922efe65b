package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Views are prepared beside a server that goes on, and the next start takes them.
func TestViewsArePreparedBesideAServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	c := spawn(t, data)
	w := servertest.At(t, data, c.url)
	w.Send("Før")
	var said strings.Builder
	if err := (&rebuildCmd{dataFlags: dataFlags{Data: data}}).prepare(&said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "prepared through position") {
		t.Errorf("it says %q", &said)
	}
	w.Send("Efter")
	c.end()

	next, _ := filepath.Glob(filepath.Join(data, "views", "*.next"))
	old, _ := filepath.Glob(filepath.Join(data, "views", "*.view"))
	if len(next) != len(old) || len(next) == 0 {
		t.Fatalf("prepared: %v, beside %v", next, old)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}

	c = spawn(t, data)
	w.Move(c.url)
	w.User(0, "app").Find("Før")
	w.User(0, "app").Find("Efter")
	if left, _ := filepath.Glob(filepath.Join(data, "views", "*.next")); len(left) > 0 {
		t.Errorf("not taken: %v", left)
	}
	c.end()
	isSound(t, data)
}
