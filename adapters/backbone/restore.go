package backbone

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/mandate"
	"digitalpost/domain/oplog"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// A Restoration is what came of restoring a copy.
type Restoration struct {
	Copy
	Incarnation uint64 // that has begun
	Forgotten   int    // things that were destroyed since the copy was made, in any history, and are again
}

// ErrNotWhole says that a directory holds no whole copy.
var ErrNotWhole = errors.New("this is no whole backup")

// Why is what whoever is at the console gives as the reason for what can't be undone.
type Why struct {
	Reason     string // at most oplog.MaxReason characters
	CaseNumber string // at most mandate.MaxCaseNumber
}

// judge refuses a reason before anything is done.
func (w Why) judge() error {
	_, err := oplog.Decider.Decide(oplog.State{}, oplog.Order{
		By:      access.Operations,
		Mandate: true,
		Command: oplog.Propose{Made: oplog.ProposalMade{Measure: oplog.GoOnRestored}, Reason: w.Reason},
	})
	if err == nil {
		_, err = mandate.Decider.Decide(mandate.State{}, mandate.Open{
			Opened: mandate.Opened{Office: access.Operator}, Purpose: w.Reason, CaseNumber: w.CaseNumber,
		})
	}

	if err != nil {
		return fmt.Errorf("the reason and the case number of a restoration are needed: %w", err)
	}

	return nil
}

// Restore makes the data of a copy, in a directory that is not there, and begins a new incarnation of its log, later
// than any that there was: views, heads and cursors of what came after the copy elsewhere are those of another history,
// and refused. All is checked before the keys folder is bound to the new incarnation, from when on the data from before
// is not served any more; a server that still holds the folder is vault.ErrInUse. What was destroyed since is destroyed
// again, and its leaves are begun by nothing that comes. Keys that were rolled since open nothing of the copy:
// vault.ErrNoKeys. The directory gets its name last; a crash leaves it with .partial, and restoring begins again.
//
// Why it is done is a proposal in the log, which a second operator approves before anything but that is answered. Of
// made-up people it is approved at once.
func Restore(from, dir string, keys vault.KeyFolder, why Why) (out Restoration, err error) {
	text, err := os.ReadFile(filepath.Join(from, manifest))
	if err != nil || json.Unmarshal(text, &out.Copy) != nil {
		return out, fmt.Errorf("%s: %w: the file %s does not say what is in it", from, ErrNotWhole, manifest)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("%s is there already: restore makes the data's directory", dir)
	}
	if out.Development && why == (Why{}) {
		why = Why{Reason: "made-up people", CaseNumber: "0"}
	}
	if err := why.judge(); err != nil {
		return out, err
	}

	r := &restoring{Restoration: &out, dir: dir + ".partial", keys: keys, why: why}
	if err := r.copy(from); err != nil {
		return out, err
	}
	if err := r.reincarnate(); err != nil {
		return out, err
	}
	if err := r.rebind(); err != nil {
		return out, err
	}
	if err := r.goOn(); err != nil {
		return out, err
	}

	if err := os.Rename(r.dir, dir); err != nil {
		return out, err
	}

	return out, syncFolder(filepath.Dir(dir))
}

// restoring is a copy on its way to be data.
type restoring struct {
	*Restoration
	dir  string
	keys vault.KeyFolder
	id   [16]byte // of the log
	why  Why
}

// copy copies the copy.
func (r *restoring) copy(from string) error {
	if err := os.RemoveAll(r.dir); err != nil {
		return err
	}
	for _, folder := range append([]string{"log"}, documentFolders...) {
		if err := copyFolder(filepath.Join(from, folder), filepath.Join(r.dir, folder)); err != nil {
			return err
		}
	}

	name := fmt.Sprintf("keys-%d.db", r.Epoch)
	in, err := os.Open(filepath.Join(from, name))
	if err != nil {
		return fmt.Errorf("%s: %w: %w", from, ErrNotWhole, err)
	}
	err = writeSynced(filepath.Join(r.dir, name), func(w io.Writer) error { _, err := io.Copy(w, in); return err })

	return errors.Join(err, in.Close(), syncFolder(r.dir))
}

// restoredSegment is how long the segment is that begins a new incarnation; the server goes on with its own length.
const restoredSegment = 64 << 20

// reincarnate begins the log's new incarnation, and checks log and keys against what the copy says and each other.
func (r *restoring) reincarnate() error {
	id, err := hex.DecodeString(r.Log)
	if err != nil || len(id) != len(r.id) {
		return fmt.Errorf("%w: it does not name its log", ErrNotWhole)
	}
	r.id = [16]byte(id)
	bound, err := r.keys.Bound(r.id)
	if err != nil {
		return err
	}
	r.Incarnation = max(bound, r.Copy.Incarnation) + 1

	log, err := filestore.Open(filepath.Join(r.dir, "log"), filestore.Config{
		Restored: r.Incarnation, Development: r.Development, SegmentSize: restoredSegment,
	})
	if err != nil {
		return err
	}
	defer log.Close()
	if log.ID() != r.id || log.Last() != r.Position {
		return fmt.Errorf("%w: its log is %x, through position %d; it says %x, %d", ErrNotWhole,
			log.ID(), log.Last(), r.id, r.Position)
	}

	v, err := vault.OpenReader(r.dir, r.keys, vault.Log{ID: r.id, Incarnation: bound})
	if err != nil {
		return fmt.Errorf("the keys of the copy: %w", err)
	}
	defer v.Close()

	return allHaveKeys(log, v)
}

// allHaveKeys refuses keys that are older than the log: a mailbox that was opened since has no root in them.
func allHaveKeys(log *filestore.Store, v *vault.Vault) error {
	opened := map[[16]byte]eventstore.Position{}
	for rec, err := range log.ReadAll(context.Background(), 0) {
		if err != nil {
			return err
		}
		switch {
		case rec.Stream.Kind != streams.Mailbox:
		case rec.Type == mailbox.Opened{}.EventType():
			opened[rec.Stream.ID] = rec.Position
		case rec.Type == mailbox.Shredded{}.EventType():
			delete(opened, rec.Stream.ID)
		}
	}

	for id, at := range opened {
		ok, err := v.HasRoot(vault.Owner(id))
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("the keys are older than the log: the mailbox that position %d opened has none", at)
		}
	}

	return nil
}

// rebind binds the keys to the new incarnation: from here on there is no way back to the data from before.
func (r *restoring) rebind() error {
	return r.keys.Rebind(vault.Log{ID: r.id, Incarnation: r.Incarnation})
}

// goOn opens the data, destroys again what was destroyed since, and writes into its log what follows from that.
func (r *restoring) goOn() error {
	b, err := Open(Config{
		Dir: r.dir, KMS: r.keys, Development: r.Development, SegmentSize: restoredSegment, still: true,
	})
	if err != nil {
		return err
	}
	if b.ClockErr() != nil { // since the copy's last event the clock has run on
		err = b.ConfirmClock(context.Background(), proposals.Operator{Console: true})
	}
	if err == nil {
		err = r.forgetAgain(b)
	}
	if err == nil {
		err = b.note(context.Background(), b.log, access.Operations, oplog.NoteRestore{Restored: oplog.Restored{
			Incarnation: r.Incarnation, Position: uint64(r.Position),
		}})
	}
	if err == nil {
		err = r.propose(b)
	}

	return errors.Join(err, b.Close())
}

// propose proposes to go on with the log, as whoever is at the console.
func (r *restoring) propose(b *Backbone) error {
	ctx := context.Background()
	m, err := b.Mandates.OpenAtConsole(ctx, r.why.Reason, r.why.CaseNumber)
	if err != nil {
		return err
	}

	by := proposals.Operator{Console: true}
	by.Mandate = m.ID
	_, err = b.Proposals.Propose(ctx, by, oplog.GoOnRestored, domain.MailboxID{}, r.why.Reason)

	return err
}

// forgetAgain destroys again what was destroyed since. Mailboxes that were shredded are shredded in the log, too; the
// leaves of a lost history are passed over, so that nothing is sealed by a key that is destroyed.
func (r *restoring) forgetAgain(b *Backbone) error {
	leaves, owners, err := b.vault.Restored()
	if err != nil {
		return err
	}
	r.Forgotten = len(leaves) + len(owners)

	for _, o := range owners {
		err := b.People.Shred(context.Background(), domain.MailboxID(o), 0)
		if _, refused := domain.Refused(err); err != nil && !refused { // a copy that was handed over has no mailbox
			return err
		}
	}

	last := map[vault.Owner]uint32{}
	for _, l := range leaves {
		last[l.Owner] = max(last[l.Owner], l.Leaf)
	}
	for o, leaf := range last {
		if err := b.pass(o, leaf); err != nil {
			return err
		}
	}

	return nil
}

// pass passes over the leaves of an owner up to one.
func (b *Backbone) pass(o vault.Owner, leaf uint32) error {
	m := core.Machine{Kind: access.Operations, Thing: b.core.NewID()}
	stream := eventstore.Stream{Kind: streams.Intake, ID: o}
	if version, _ := b.store.Head(stream); version > 0 {
		_, _, err := b.Intake.Pass(context.Background(), stream, m, intake.PassLeaves{Leaf: leaf})
		return err
	}

	_, err := b.core.ByMachine(context.Background(), m, domain.MailboxID(o), mailbox.PassLeaves{Leaf: leaf})
	if _, refused := domain.Refused(err); refused || errors.Is(err, core.ErrNotFound) {
		return nil // a mailbox of the lost history alone, or one that is shredded
	}

	return err
}
