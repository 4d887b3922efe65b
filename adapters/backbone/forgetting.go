package backbone

import (
	"context"
	"sync"
	"time"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Forgetting follows the log: the event is the intent, and the keys are destroyed after it. The position up to which that is done stands in
// the key file, in the same transaction; on start it is caught up before anything is served. An answer that says that something is gone waits
// for it.
type forgetter struct {
	mu    sync.Mutex // guards what follows
	at    eventstore.Position
	moved chan struct{}
	urge  chan struct{}
	err   error
}

func (f *forgetter) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// lull is how long forgetting that nobody waits for may gather.
const lull = 100 * time.Millisecond

func (b *Backbone) catchUpForgetting(ctx context.Context) error {
	b.forget.moved, b.forget.urge = make(chan struct{}), make(chan struct{}, 1)
	applied, err := b.vault.Applied()
	if err != nil {
		return err
	}
	b.forget.at = eventstore.Position(applied)
	return b.forgetThrough(ctx, b.store.Last())
}

func (b *Backbone) runForgetting(ctx context.Context) {
	for {
		err := b.store.Wait(ctx, b.forget.at)
		if err == nil {
			select {
			case <-b.forget.urge:
			case <-time.After(lull):
			case <-ctx.Done():
				return
			}
			err = b.forgetThrough(ctx, b.store.Last())
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			b.forget.mu.Lock()
			b.forget.err = err
			b.forget.mu.Unlock()
			b.cfg.Log.Error("forgetting stopped", "error", err)
			return
		}
	}
}

// forgetThrough does all that the log asks for up to position last: keys first, in one transaction, then the space of documents.
func (b *Backbone) forgetThrough(ctx context.Context, last eventstore.Position) error {
	if err := b.views.Wait(ctx, last); err != nil {
		return err
	}
	receipts, err := b.snapshot(projections.Receipts{})
	if err != nil {
		return err
	}
	defer receipts.Close()
	var leaves []vault.Leaf
	var shred []vault.Owner
	var docs []domain.DocumentID
	document := func(m domain.MessageID) {
		if r, ok, _ := receipts.Intake(m); ok {
			docs = append(docs, r.Memo.Document)
		}
	}
	for rec, err := range b.store.ReadAll(ctx, b.forget.at) {
		if err != nil {
			return err
		}
		if rec.Position > last {
			break
		}
		if rec.Stream.Kind != "mailbox" && rec.Stream.Kind != "intake" {
			continue
		}
		e, err := projections.Decode(rec)
		if err != nil {
			continue // a parked stream's event asks for nothing that is known
		}
		owner := vault.Owner(rec.Stream.ID)
		taken := func(l *mailbox.Letter) {
			leaves = append(leaves, vault.Leaf{Owner: vault.Owner(intake.ShardID(l.Shard)), Leaf: l.IntakeLeaf})
		}
		switch e := e.(type) {
		case mailbox.MessageDelivered:
			if e.Letter != nil && e.Letter.System != (domain.SystemID{}) {
				taken(e.Letter)
			}
		case mailbox.MessageScheduled:
			taken(&e.Letter)
		case mailbox.MessageRecalled:
			leaves = append(leaves, vault.Leaf{Owner: owner, Leaf: e.Leaf})
			document(e.Message)
		case mailbox.MessageRefused:
			leaves = append(leaves, vault.Leaf{Owner: owner, Leaf: e.Leaf})
			document(e.Message)
		case mailbox.MessagePurged:
			leaves = append(leaves, vault.Leaf{Owner: owner, Leaf: e.Leaf})
			if docs = append(docs, e.Documents...); !e.Own {
				document(e.Message)
			}
		case mailbox.DraftSaved:
			docs = append(docs, e.Dropped...)
		case mailbox.MessageSent:
			docs = append(docs, e.Dropped...)
		case mailbox.MessageTaken:
			shred = append(shred, vault.Owner(e.Root))
			docs = append(docs, e.Copy)
		case mailbox.FolderDeleted:
			leaves = append(leaves, vault.Leaf{Owner: owner, Leaf: e.Leaf})
		case mailbox.Shredded:
			shred = append(shred, owner)
			mailboxes, err := b.snapshot(projections.Mailboxes{})
			if err != nil {
				return err
			}
			kept, err := mailboxes.Documents(rec.Stream.ID)
			mailboxes.Close()
			if err != nil {
				return err
			}
			docs = append(docs, kept...)
		case intake.MemoRefused:
			leaves = append(leaves, vault.Leaf{Owner: owner, Leaf: e.Leaf})
			docs = append(docs, e.Document)
		}
	}
	b.cfg.Fail("purge in the log")
	if err := b.vault.Forget(uint64(last), leaves, shred); err != nil {
		return err
	}
	b.cfg.Fail("leaf forgotten")
	for _, d := range docs {
		if err := b.docs.Free(d); err != nil {
			return err
		}
	}
	b.forget.mu.Lock()
	b.forget.at = last
	close(b.forget.moved)
	b.forget.moved = make(chan struct{})
	b.forget.mu.Unlock()
	return nil
}

// waitForgotten returns once all that the log asks for up to p is forgotten.
func (b *Backbone) waitForgotten(ctx context.Context, p eventstore.Position) error {
	for {
		b.forget.mu.Lock()
		at, moved, err := b.forget.at, b.forget.moved, b.forget.err
		b.forget.mu.Unlock()
		if at >= p || err != nil {
			return err
		}
		select {
		case b.forget.urge <- struct{}{}:
		default:
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// runSweep frees, once an hour, documents that no event names: what a crash between document and event left.
func (b *Backbone) runSweep(ctx context.Context) {
	for {
		freed, err := b.docs.Sweep(b.now(), func(d domain.DocumentID) (bool, error) {
			for _, view := range []projections.Projection{projections.Receipts{}, projections.Outbox{}} {
				s, err := b.snapshot(view)
				if err != nil {
					return true, err
				}
				named := s.Named(d)
				if s.Close(); named {
					return true, nil
				}
			}
			return false, nil
		})
		if err != nil {
			b.cfg.Log.Error("sweep of documents", "error", err)
		} else if freed > 0 {
			b.cfg.Log.Info("sweep of documents", "freed", freed)
		}
		select {
		case <-time.After(time.Hour):
		case <-ctx.Done():
			return
		}
	}
}
