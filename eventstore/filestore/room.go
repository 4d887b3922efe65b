package filestore

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"digitalpost/eventstore"
)

// allocateStep is how much room a live segment gets at a time, ahead of what is written.
const allocateStep = 64 << 20

// exhausted reports whether an error is that of a file system or a process that has no more to give: of space, or of
// descriptors. It goes by itself once there is some again.
func exhausted(err error) bool {
	for _, e := range []error{unix.ENOSPC, unix.EDQUOT, unix.EMFILE, unix.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}

	return false
}

// noRoom makes an error of that kind one that refuses an append, and leaves the others as they are.
func noRoom(err error) error {
	if exhausted(err) {
		return fmt.Errorf("%w: %w", eventstore.ErrDiskFull, err)
	}

	return err
}

// stepFor gives how long a live segment is made that is to hold bytes up to an end.
func (cfg Config) stepFor(end int64) int64 {
	return max(end, min(cfg.SegmentSize, (end+allocateStep-1)/allocateStep*allocateStep))
}

// makeRoom gives a live segment room up to an end. What fails leaves nothing behind: ErrDiskFull where there is no
// more, and nothing was written.
func (cfg Config) makeRoom(live *segment, end int64) error {
	if end <= live.room {
		return nil
	}

	to := cfg.stepFor(end)
	if err := live.file.Allocate(to); err != nil {
		// A part may have been given. A file that can't be cut either is as long as it was, or longer: zeros.
		return noRoom(errors.Join(fmt.Errorf("allocate %s: %w", live.name, err), live.file.Truncate(live.room)))
	}
	live.room = to

	return nil
}

// A coming segment is one that has room and no name yet.
type coming struct {
	file File
	name string
	room int64
}

// prepare makes the file of a segment that is to come, under a temporary name. What fails leaves nothing behind, and
// the live segment as it is: ErrDiskFull where there is no more space, or no descriptor.
func (cfg Config) prepare(fs FS, first eventstore.Position) (*coming, error) {
	c := &coming{name: segmentName(first), room: cfg.stepFor(segmentHeader)}
	var err error
	if c.file, err = fs.Open(c.name + ".tmp"); err != nil {
		return nil, noRoom(err)
	}

	if err := c.file.Allocate(c.room); err != nil {
		err = fmt.Errorf("allocate %s: %w", c.name, err)
		return nil, noRoom(errors.Join(err, c.file.Close(), fs.Remove(c.name+".tmp")))
	}

	return c, nil
}
