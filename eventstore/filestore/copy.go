package filestore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"digitalpost/eventstore"
)

// CopyTo copies the log up to where it was durable when it was opened into a directory that it makes, beside a writer
// or not, and makes the copy durable. What is derived (indices, HEADS, DURABLE) is left out: opening the copy makes it.
func (b *Beside) CopyTo(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}

	for i, name := range b.names {
		end := int64(-1)
		if i == len(b.names)-1 {
			var err error
			if end, err = b.endOf(name); err != nil {
				return err
			}
		}
		if err := copyPart(filepath.Join(b.dir, name), filepath.Join(dir, name), end); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}

	d, err := os.Open(dir)
	if err != nil {
		return err
	}

	return errors.Join(d.Sync(), d.Close())
}

// endOf finds where in the live segment what was durable ends: what a writer adds meanwhile is not copied, or it might
// be copied in parts.
func (b *Beside) endOf(name string) (int64, error) {
	f, err := os.Open(filepath.Join(b.dir, name))
	if err != nil {
		return 0, err
	}
	defer f.Close()

	h, err := readHeader(f, name)
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}

	sc := scanner{file: f, at: segmentHeader, end: info.Size(), next: h.first}
	for sc.next <= b.dur.position {
		batch, err := sc.batch()
		if err != nil || batch == nil {
			return 0, errors.Join(err, damage(sc.next, placeOf(name, sc.at), "what was durable is not there"))
		}
	}

	return sc.at, nil
}

// copyPart copies a file's first bytes, or, if end is negative, all of it, and syncs the copy.
func copyPart(from, to string, end int64) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()

	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}

	var src io.Reader = in
	if end >= 0 {
		src = io.LimitReader(in, end)
	}
	_, err = io.Copy(out, src)
	if err == nil {
		err = out.Sync()
	}

	return errors.Join(err, out.Close())
}

// An Incarnation is a life of the log: from the beginning, or from when it was restored from a copy.
type Incarnation struct {
	Number uint64
	First  eventstore.Position // that it begins with; it may have no event yet
}

// Incarnations gives the log's lives, in order. The first is number 1, as a rule.
func (s *Store) Incarnations() (out []Incarnation) {
	s.mu.RLock()
	defer s.mu.RUnlock()

	for _, g := range s.segs {
		if len(out) == 0 || out[len(out)-1].Number != g.incarnation {
			out = append(out, Incarnation{g.incarnation, g.first})
		}
	}

	return out
}

// reincarnate begins a new incarnation behind the last event: what was written of this log elsewhere since the copy was
// made is another history. The segment that says so is durable before anything is appended.
func (s *Store) reincarnate() error {
	if s.cfg.Restored <= s.inc {
		return fmt.Errorf("filestore: incarnation %d can't follow %d", s.cfg.Restored, s.inc)
	}

	live := s.segs[len(s.segs)-1]
	if len(live.offsets) > 0 {
		s.inc = s.cfg.Restored
		return s.roll()
	}

	h, err := readHeader(live.file, live.name)
	if err != nil {
		return err
	}
	if err := errors.Join(live.file.Close(), s.fs.Remove(live.name)); err != nil {
		return err
	}

	s.mu.Lock()
	s.segs = s.segs[:len(s.segs)-1]
	s.mu.Unlock()
	s.inc = s.cfg.Restored

	c, err := s.cfg.prepare(s.fs, live.first)
	if err != nil {
		return err
	}

	return s.begin(c, live.first, h.previous)
}
