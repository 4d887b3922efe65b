package filestore

import (
	"os"
	"path/filepath"
	"time"

	"digitalpost/eventstore"
)

const (
	turn      = 20                   // records that a reader reads at a time while a writer is at work
	between   = time.Millisecond     // its pause between such turns
	underLoad = 8 * time.Millisecond // the same, while the log grows by more than busy events a second
	busy      = 5000
	lookEvery = 100 * time.Millisecond // how often a reader looks whether a writer is at work
)

// A way is how a reader in another process gives way to the writer. While the log grows it reads in short turns with
// pauses, so that an append which needs the processor waits for one turn at most; a low priority alone is not enough,
// since a process of no priority at all may keep the processor until the scheduler's next tick. A log that stands still
// is read at full speed.
type way struct {
	read   int // records, in this turn
	looked time.Time
	last   eventstore.Position // that was durable then
	pause  time.Duration
}

// give is called for each record, and pauses when it is the writer's turn.
func (w *way) give(dir string) {
	if w.read++; w.read < turn {
		return
	}

	w.read = 0
	now := time.Now()
	if since := now.Sub(w.looked); since > lookEvery {
		if f, err := os.Open(filepath.Join(dir, "DURABLE")); err == nil {
			d, ok := readDurable(f)
			f.Close()
			switch grown := float64(d.position-w.last) / since.Seconds(); {
			case !ok || d.position == w.last:
				w.pause = 0
			case grown < busy:
				w.pause = between
			default:
				w.pause = underLoad
			}
			w.last = d.position
		}
		w.looked = now
	}

	time.Sleep(w.pause)
}
