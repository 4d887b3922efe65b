package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

var roomy = func() (uint64, uint64, error) { return 100 << 30, 200 << 30, nil }

func small() filestore.Config { return filestore.Config{SegmentSize: 8 << 10, Free: roomy} }

func open(t testing.TB, dir string, cfg filestore.Config) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) eventstore.Store {
		return open(t, t.TempDir(), filestore.Config{SegmentSize: 1 << 20, Free: roomy})
	})
}

func TestStoreOfSmallSegments(t *testing.T) {
	storetest.Test(t, func(t *testing.T) eventstore.Store { return open(t, t.TempDir(), small()) })
}

// fill appends n events to ten streams, in appends of one to three.
func fill(t testing.TB, s *filestore.Store, n int) {
	t.Helper()
	for i := 0; i < n; {
		st := storetest.StreamN(i % 10)
		v, _ := s.Head(st)
		var events []eventstore.NewEvent
		for j := 0; j <= i%3 && i < n; j++ {
			events = append(events, storetest.Event(i))
			i++
		}
		if _, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), events...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogOpensAgain(t *testing.T) {
	dir := t.TempDir()
	for i := 1; i <= 4; i++ {
		s := open(t, dir, small())
		fill(t, s, 200)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		switch i { // derived files may be missing or bad
		case 1:
			os.Remove(filepath.Join(dir, "HEADS"))
		case 2:
			idx, _ := filepath.Glob(filepath.Join(dir, "*.idx"))
			os.WriteFile(idx[0], []byte("nonsense"), 0o600)
			os.Remove(idx[1])
			os.WriteFile(filepath.Join(dir, "HEADS"), []byte("nonsense"), 0o600)
		}
		s = open(t, dir, small())
		if log := storetest.CheckLog(t, s); len(log) != 200*i {
			t.Fatalf("opened again, the log has %d events, want %d", len(log), 200*i)
		}
		s.Close()
	}
}

func TestSecondWriterIsToldWhoHasTheLog(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, small())
	_, err := filestore.Open(dir, small())
	var locked *filestore.LockedError
	if !errors.As(err, &locked) || locked.Owner == "" {
		t.Fatalf("second Open = %v, want a *LockedError that names the owner", err)
	}
}

func TestDevelopmentLogIsRefusedInProduction(t *testing.T) {
	dir := t.TempDir()
	cfg := small()
	cfg.Development = true
	open(t, dir, cfg).Close()
	if _, err := filestore.Open(dir, small()); !errors.Is(err, filestore.ErrOtherMode) {
		t.Fatalf("Open = %v, want ErrOtherMode", err)
	}
}

type fakeClock struct {
	wall time.Time
	mono time.Duration
}

func (c *fakeClock) Now() (time.Time, time.Duration) { return c.wall, c.mono }

func TestClock(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := &fakeClock{wall: start}
	cfg := small()
	cfg.Clock = clock
	dir := t.TempDir()
	s := open(t, dir, cfg)
	n := 0
	try := func(want error) {
		t.Helper()
		n++
		_, err := s.Append(context.Background(), storetest.StreamN(n), 0, storetest.Event(n))
		if !errors.Is(err, want) {
			t.Fatalf("Append at %s = %v, want %v", clock.wall, err, want)
		}
		if got := s.ClockErr(); !errors.Is(got, want) {
			t.Fatalf("ClockErr at %s = %v, want %v", clock.wall, got, want)
		}
	}
	step := func(wall, mono time.Duration) { clock.wall, clock.mono = clock.wall.Add(wall), clock.mono+mono }
	try(nil)
	step(time.Hour, time.Hour)
	try(nil)
	step(-900*time.Millisecond, 0)
	try(nil) // recorded at the last time
	step(-time.Second, 0)
	try(eventstore.ErrClock)
	step(1900*time.Millisecond, 0)
	try(nil)
	step(3*time.Second, time.Second)
	try(eventstore.ErrClock)
	own := eventstore.Stream{Kind: "log", ID: s.ID()}
	if _, err := s.ConfirmClock(context.Background(), own, 0, storetest.Event(0)); err != nil {
		t.Fatalf("ConfirmClock = %v", err)
	}
	try(nil)
	s.Close()
	step(25*time.Hour, 0)
	s = open(t, dir, cfg)
	try(eventstore.ErrClock)
	step(-2*time.Hour, 0)
	try(nil)
	storetest.CheckLog(t, s)
}

// A clock was ahead, and is put right: one confirmation lets the log go on, at the time of its last event until the
// clock has passed that.
func TestClockThatWasAhead(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := &fakeClock{wall: start.Add(3 * time.Hour)}
	cfg := small()
	cfg.Clock = clock
	s := open(t, t.TempDir(), cfg)
	n := 0
	try := func(want error) {
		t.Helper()
		n++
		_, err := s.Append(context.Background(), storetest.StreamN(n), 0, storetest.Event(n))
		if !errors.Is(err, want) || !errors.Is(s.ClockErr(), want) {
			t.Fatalf("Append at %s = %v, ClockErr %v; want %v", clock.wall, err, s.ClockErr(), want)
		}
	}
	try(nil)

	clock.wall = start
	try(eventstore.ErrClock)
	own := eventstore.Stream{Kind: "log", ID: s.ID()}
	if _, err := s.ConfirmClock(context.Background(), own, 0, storetest.Event(0)); err != nil {
		t.Fatalf("ConfirmClock = %v", err)
	}

	// One confirmation is enough for all that comes before the clock has passed the last event, and no more than that.
	for range 3 {
		clock.wall, clock.mono = clock.wall.Add(time.Hour), clock.mono+time.Hour
		try(nil)
	}
	clock.wall, clock.mono = clock.wall.Add(-2*time.Second), clock.mono+time.Second
	try(eventstore.ErrClock)
	clock.wall = clock.wall.Add(4 * time.Second)
	try(nil)

	last := time.Time{}
	for _, e := range storetest.CheckLog(t, s) {
		if e.Recorded.Before(last) || e.Recorded.Before(start.Add(3*time.Hour)) {
			t.Errorf("position %d is recorded at %s, after %s", e.Position, e.Recorded, last)
		}
		last = e.Recorded
	}
}

// While it lies behind, a clock that is set back again is not what was confirmed.
func TestClockThatIsBehindAndSetBack(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := &fakeClock{wall: start}
	cfg := small()
	cfg.Clock = clock
	s := open(t, t.TempDir(), cfg)
	if _, err := s.Append(context.Background(), storetest.StreamN(1), 0, storetest.Event(1)); err != nil {
		t.Fatal(err)
	}

	clock.wall = start.Add(-time.Hour)
	own := eventstore.Stream{Kind: "log", ID: s.ID()}
	if _, err := s.ConfirmClock(context.Background(), own, 0, storetest.Event(0)); err != nil {
		t.Fatal(err)
	}
	if gap := s.ClockGap(); gap != -time.Hour {
		t.Errorf("ClockGap = %s, want an hour behind", gap)
	}
	clock.wall = start.Add(-2 * time.Hour)
	_, err := s.Append(context.Background(), storetest.StreamN(2), 0, storetest.Event(2))
	if !errors.Is(err, eventstore.ErrClock) {
		t.Errorf("Append = %v, want ErrClock", err)
	}
}

func TestFullDisk(t *testing.T) {
	free := uint64(3 << 30)
	cfg := small()
	cfg.Free = func() (uint64, uint64, error) { return free, 20 << 30, nil }
	for _, c := range []struct {
		free    uint64
		intake  bool
		appends error
	}{{3 << 30, true, nil}, {1 << 30, false, nil}, {255 << 20, false, eventstore.ErrDiskFull}} {
		free = c.free
		s := open(t, t.TempDir(), cfg)
		_, err := s.Append(context.Background(), storetest.StreamN(1), 0, storetest.Event(1))
		if s.IntakeHasRoom() != c.intake || !errors.Is(err, c.appends) {
			t.Errorf("with %d MiB left: intake %v, Append %v; want %v, %v",
				free>>20, s.IntakeHasRoom(), err, c.intake, c.appends)
		}
	}
}

// check reads a log as verify does.
func check(dir string) (n filestore.Counts, err error) {
	b, err := filestore.OpenBeside(dir)
	if err != nil {
		return n, err
	}
	return b.Check(0, func(eventstore.Event) error { return nil })
}

func TestCheckCountsAndReadsBeside(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, small())
	fill(t, s, 500)
	n, err := check(dir) // with the writer there
	if err != nil || n.Events != 500 || n.Streams != 10 || n.Segments < 5 {
		t.Fatalf("Check = %+v, %v; want 500 events of 10 streams", n, err)
	}
	b, _ := filestore.OpenBeside(dir)
	want := eventstore.Position(250)
	for e, err := range b.ReadAll(250) {
		if want++; err != nil || e.Position != want {
			t.Fatalf("ReadAll = %d, %v; want %d", e.Position, err, want)
		}
	}
}

// damageRounds is how many single bits are flipped.
const damageRounds = 1000

func TestDamageIsNamedAndNeverServed(t *testing.T) {
	const parts = 4 // that wait for the disk beside one another
	for part := range parts {
		t.Run(fmt.Sprint("part ", part+1), func(t *testing.T) {
			t.Parallel()
			damaged(t, rand.New(rand.NewPCG(1, uint64(2+part))), damageRounds/parts)
		})
	}
}

// damaged flips a bit in a log, looks whether it is found, and mends it, some times.
func damaged(t *testing.T, rng *rand.Rand, rounds int) {
	dir := t.TempDir()
	s := open(t, dir, small())
	fill(t, s, 300)
	sound := storetest.CheckLog(t, s)
	s.Close()
	names, _ := filepath.Glob(filepath.Join(dir, "log-*"))
	var segments []string
	ends := map[string]int{}
	for _, n := range names {
		if filepath.Ext(n) == "" {
			b, _ := os.ReadFile(n)
			end := len(b)
			for end > 0 && b[end-1] == 0 {
				end--
			}
			segments, ends[n] = append(segments, n), end
		}
	}
	for round := range rounds {
		name := segments[rng.IntN(len(segments))]
		b, _ := os.ReadFile(name)
		at, bit := rng.IntN(ends[name]), rng.IntN(8)
		b[at] ^= 1 << bit
		os.WriteFile(name, b, 0o600)
		_, err := check(dir)
		var damage *eventstore.DamageError
		if !errors.As(err, &damage) || damage.Position == 0 {
			t.Fatalf("round %d, bit %d of byte %d in %s: Check = %v, want a damage with its position",
				round, bit, at, filepath.Base(name), err)
		}
		for i, err := 0, error(nil); i < 1; i++ {
			var served []eventstore.Event
			if served, err = serve(dir); len(served) > len(sound) {
				t.Fatalf("more was served than written: %v", err)
			}
			for j, e := range served {
				if fmt.Sprint(e) != fmt.Sprint(sound[j]) {
					t.Fatalf("round %d: position %d was served damaged", round, j+1)
				}
			}
		}
		b[at] ^= 1 << bit
		os.WriteFile(name, b, 0o600)
	}

	damageWhole(t, dir, segments, ends)
	if n, err := check(dir); err != nil || n.Events != 300 {
		t.Fatalf("mended: %+v, %v", n, err)
	}
}

// damageWhole takes whole segments and ends of segments away, and mends that again.
func damageWhole(t *testing.T, dir string, segments []string, ends map[string]int) {
	t.Helper()
	last := segments[len(segments)-1]
	away := func(name string) func() error { return func() error { return os.Rename(name, dir+"/away") } }
	back := func(name string) func() error { return func() error { return os.Rename(dir+"/away", name) } }
	shorter := func(name string, by int) func() error {
		return func() error { return os.Truncate(name, int64(ends[name]-by)) }
	}
	for _, c := range []struct {
		name string
		hurt func() error
		mend func() error
	}{
		{"cut short", shorter(segments[1], 100), nil},
		{"first removed", away(segments[0]), back(segments[0])},
		{"middle removed", away(segments[2]), back(segments[2])},
		{"last removed", away(last), back(last)},
		{"live cut short", shorter(last, 1), nil},
	} {
		kept, _ := os.ReadFile(segments[1])
		keptLast, _ := os.ReadFile(last)
		if err := c.hurt(); err != nil {
			t.Fatal(err)
		}
		_, err := check(dir)
		var damage *eventstore.DamageError
		if !errors.As(err, &damage) || damage.Position == 0 {
			t.Errorf("%s: Check = %v, want a damage with its position", c.name, err)
		}
		if s, err := filestore.Open(dir, small()); err == nil {
			s.Close()
			t.Errorf("%s: Open succeeded", c.name)
		}
		if c.mend != nil {
			c.mend()
		} else {
			os.WriteFile(segments[1], kept, 0o600)
			os.WriteFile(last, keptLast, 0o600)
		}
	}
}

// serve opens a log for writing, as a server does, and reads all that it gives.
func serve(dir string) ([]eventstore.Event, error) {
	s, err := filestore.Open(dir, small())
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var log []eventstore.Event
	for e, err := range s.ReadAll(context.Background(), 0) {
		if err != nil {
			return log, err
		}
		log = append(log, e)
	}
	return log, nil
}
