package filestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

// rounds returns n in make test and long in make long.
func rounds(n, long int) int {
	if os.Getenv("LONG") != "" {
		return long
	}
	return n
}

// TestKilledWriterKeepsWhatItAcknowledged runs itself as a child with 64 writers, kills that with SIGKILL, and opens
// the log again.
func TestKilledWriterKeepsWhatItAcknowledged(t *testing.T) {
	if dir := os.Getenv("CRASH_CHILD"); dir != "" {
		crashChild(dir)
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	acked, total := map[eventstore.Position]string{}, 0
	for round := range rounds(20, 500) {
		if round%20 == 19 { // each round reads all of the log: a new one keeps many rounds from getting ever longer
			dir, acked = t.TempDir(), map[eventstore.Position]string{}
		}
		before := len(acked)
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriterKeepsWhatItAcknowledged$")
		cmd.Env = append(os.Environ(), "CRASH_CHILD="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var kill *time.Timer
		for lines.Scan() {
			if kill == nil { // it is writing: die at a random moment from here
				kill = time.AfterFunc(time.Duration(rng.IntN(40_000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
			var p eventstore.Position
			var what string
			n, _ := fmt.Sscanf(lines.Text(), "ack %d %s .", &p, &what)
			if n == 2 && strings.HasSuffix(lines.Text(), " .") {
				acked[p] = what
			}
		}
		cmd.Wait()
		s := open(t, dir, filestore.Config{SegmentSize: 256 << 10, Free: roomy})
		log := storetest.CheckLog(t, s)
		for p, what := range acked {
			if int(p) > len(log) || string(log[p-1].Data) != what {
				t.Fatalf("round %d: position %d was acknowledged as %s and is not there (%d events)",
					round, p, what, len(log))
			}
		}
		s.Close()
		total += len(acked) - before
	}
	if total == 0 {
		t.Fatal("nothing was acknowledged in any round")
	}
	t.Logf("%d acknowledged appends found again", total)
}

func crashChild(dir string) {
	s, err := filestore.Open(dir, filestore.Config{SegmentSize: 256 << 10, Free: roomy})
	if err != nil {
		fmt.Fprintln(os.Stderr, "open:", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	for w := range 64 {
		go func() {
			for n := 0; ; n++ {
				st := storetest.StreamN(w)
				v, _ := s.Head(st)
				what := fmt.Sprintf("w%d-v%d-%d", w, v, os.Getpid())
				e := storetest.Event(n)
				e.Data = []byte(what)
				p, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), e, e)
				if err != nil {
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("ack %d %s .\n", p, what)
				mu.Unlock()
			}
		}()
	}
	time.Sleep(10 * time.Second)
	os.Exit(0)
}

// A power cut is tried on recorded writes: images of the directory as it may be left, each opened and checked.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	images, lost := powerCuts(t, false, rounds(1000, 50_000))
	if lost != nil {
		t.Fatal(lost)
	}
	t.Logf("%d images opened and checked", images)
}

// The negative control: without the fsync, images are found that lost what was acknowledged.
func TestPowerCutWithoutSyncLosesEvents(t *testing.T) {
	t.Parallel()
	if _, lost := powerCuts(t, true, 1000); lost == nil {
		t.Fatal("no image lost an acknowledged event though nothing was synced: the check sees nothing")
	} else {
		t.Logf("as it must be: %v", lost)
	}
}

// powerCuts records a run and opens n images of it. It returns the first one that lost or broke something.
func powerCuts(t *testing.T, noSync bool, n int) (int, error) {
	rec := &recorder{noSync: noSync}
	cfg := filestore.Config{SegmentSize: 8 << 10, FS: rec.fs(), Free: roomy}
	s, err := filestore.Open("", cfg)
	if err != nil {
		t.Fatal(err)
	}
	type ack struct {
		ops int
		pos eventstore.Position
	}
	var acks []ack
	for i := range 150 {
		st := storetest.StreamN(i % 7)
		v, _ := s.Head(st)
		events := []eventstore.NewEvent{storetest.Event(i), storetest.Event(i)}
		events[1].Data = make([]byte, i*7%1500)
		p, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), events...)
		if err != nil {
			t.Fatal(err)
		}
		acks = append(acks, ack{rec.count(), p})
	}
	s.Close()
	total := rec.count()
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range n {
		cut := i * total / n
		if i >= total {
			cut = rng.IntN(total + 1)
		} else if n >= total {
			cut = i
		}
		img := rec.image(cut, rng)
		cfg.FS = img
		s, err := filestore.Open("", cfg)
		if err != nil {
			return i, fmt.Errorf("image of %d of %d operations does not open: %w", cut, total, err)
		}
		log, err := storetest.Verify(s)
		need := eventstore.Position(0)
		for _, a := range acks {
			if a.ops <= cut {
				need = a.pos
			}
		}
		if err == nil && s.Last() < need {
			err = fmt.Errorf("the log ends at %d, and %d was acknowledged", s.Last(), need)
		}
		if err == nil { // it must take up work
			st := storetest.StreamN(99)
			_, err = s.Append(context.Background(), st, 0, storetest.Event(1))
		}
		err = errors.Join(err, s.Close())
		if err == nil {
			var s2 *filestore.Store
			if s2, err = filestore.Open("", cfg); err == nil {
				if s2.Last() != eventstore.Position(len(log)+1) {
					err = fmt.Errorf("opened twice, the log has %d events, want %d", s2.Last(), len(log)+1)
				}
				err = errors.Join(err, s2.Close())
			}
		}
		if err != nil {
			return i, fmt.Errorf("image of %d of %d operations: %w", cut, total, err)
		}
	}
	return n, nil
}
