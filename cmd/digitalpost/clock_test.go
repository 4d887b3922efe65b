package main

import (
	"bytes"
	"strings"
	"testing"
)

// An operator confirms the clock beside a running server and without one; both stand in the log, as the operator's.
func TestClockIsConfirmed(t *testing.T) {
	t.Parallel()
	w := start(t)
	confirmed := func() (n int) {
		t.Helper()
		var out bytes.Buffer
		if err := (&replayCmd{Data: w.Data, From: 1, JSON: true}).print(&out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, `"log.clock-confirmed"`) {
				n++
				if !strings.Contains(line, `"operator"`) {
					t.Errorf("it is not the operator's: %s", line)
				}
			}
		}
		return n
	}

	before := confirmed()
	c := confirmCmd{dataFlags{Data: w.Data}}
	if err := c.Run(); err != nil {
		t.Fatalf("beside the server: %v", err)
	}
	if n := confirmed(); n != before+1 {
		t.Errorf("beside the server: %d confirmations are in the log, want one more than %d", n, before)
	}

	w.Stop()
	if err := c.Run(); err != nil {
		t.Fatalf("without a server: %v", err)
	}
	if n := confirmed(); n != before+2 {
		t.Errorf("without a server: %d confirmations are in the log, want two more than %d", n, before)
	}
}
