package filestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

// appendTo appends events until there are n of them or the store has stopped.
func appendTo(s *filestore.Store, n int) error {
	for i := range n {
		st := storetest.StreamN(i % 7)
		v, _ := s.Head(st)
		e := storetest.Event(i)
		e.Data = make([]byte, 100+i*97%1500) // more than a sector: a write can be torn
		if _, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), e); err != nil {
			return err
		}
	}
	return nil
}

// reopened opens what a kill left after the first n operations, and then looks at images of a power cut at any moment
// from there on. All that the opened log showed must be in each. It gives an error for the first that lost it.
func reopened(rec *recorder, n, images int, deaf bool, rng *rand.Rand) error {
	fs := rec.killed(n)
	fs.rec.setDeaf(deaf)
	cfg := filestore.Config{SegmentSize: 8 << 10, FS: fs, Free: roomy}
	s, err := filestore.Open("", cfg)
	if err != nil {
		return fmt.Errorf("after a kill: %w", err)
	}
	fs.rec.setDeaf(false)
	shown, opened := s.Last(), fs.rec.count()

	// What is published from here on makes DURABLE run: it may not run ahead.
	if err := appendTo(s, 2); err != nil {
		return err
	}
	all := s.Last()
	done := fs.rec.count()
	if err := s.Close(); err != nil {
		return err
	}

	for i := range images {
		cut, need := opened+rng.IntN(done-opened+1), shown
		if i == 0 {
			cut = opened
		}
		if cut == done {
			need = all
		}
		cfg.FS = fs.rec.image(cut, rng)
		s, err := filestore.Open("", cfg)
		if err != nil {
			return fmt.Errorf("a power cut after operation %d: %w", cut, err)
		}
		_, err = storetest.Verify(s)
		if err == nil && s.Last() < need {
			err = fmt.Errorf("%d events were shown, and %d are there", need, s.Last())
		}
		s.Close()
		if err != nil {
			return fmt.Errorf("a power cut after operation %d: %w", cut, err)
		}
	}
	return nil
}

// afterKill tries a kill after every operation of a run.
func afterKill(t *testing.T, deaf bool, most int) (tried int, lost error) {
	t.Helper()
	rec := &recorder{}
	s, err := filestore.Open("", filestore.Config{SegmentSize: 8 << 10, FS: rec.fs(), Free: roomy})
	if err != nil {
		t.Fatal(err)
	}
	if err := appendTo(s, 60); err != nil {
		t.Fatal(err)
	}
	s.Close()

	rng := rand.New(rand.NewPCG(7, 8))
	for tried = range most {
		if err := reopened(rec, tried*rec.count()/most, 4, deaf, rng); err != nil {
			return tried, fmt.Errorf("killed after %d of %d operations: %w", tried*rec.count()/most, rec.count(), err)
		}
	}
	return tried + 1, nil
}

// afterFailedSync lets one sync after another fail, and opens the log again.
func afterFailedSync(t *testing.T, deaf bool, most int) (tried int, lost error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(9, 10))
	for tried = 1; tried <= most; tried++ {
		rec := &recorder{failSync: 2 + tried} // the first is the new segment's, before anything is in it
		s, err := filestore.Open("", filestore.Config{SegmentSize: 8 << 10, FS: rec.fs(), Free: roomy})
		if err != nil {
			t.Fatal(err)
		}
		err = appendTo(s, 60)
		s.Close()
		if err == nil && rec.left() > 0 {
			return tried - 1, nil // there are no more syncs than that
		}
		if err := reopened(rec, rec.count(), 8, deaf, rng); err != nil {
			return tried, fmt.Errorf("sync %d failed: %w", tried, err)
		}
	}
	return tried, nil
}

// What a log shows after a kill, when it was opened again, a power cut does not take.
func TestKilledThenPowerCut(t *testing.T) {
	t.Parallel()
	tried, lost := afterKill(t, false, rounds(200, 5000))
	if lost != nil {
		t.Fatal(lost)
	}
	t.Logf("%d kills", tried)
}

// The same after a sync that failed: what the page cache calls clean is not on the disk.
func TestFailedSyncThenPowerCut(t *testing.T) {
	t.Parallel()
	tried, lost := afterFailedSync(t, false, 100)
	if lost != nil {
		t.Fatal(lost)
	}
	if tried < 40 {
		t.Errorf("only %d syncs were made to fail", tried)
	}
	t.Logf("%d failed syncs", tried)
}

// The negative control: if Open does not make durable what it takes up, both lose what was shown.
func TestOpenWithoutHardeningLosesEvents(t *testing.T) {
	t.Parallel()
	if _, lost := afterKill(t, true, 200); lost == nil {
		t.Error("after a kill, no image lost an event: the check sees nothing")
	} else {
		t.Logf("as it must be: %v", lost)
	}
	if _, lost := afterFailedSync(t, true, 100); lost == nil {
		t.Error("after a failed sync, no image lost an event: the check sees nothing")
	} else {
		t.Logf("as it must be: %v", lost)
	}
}
