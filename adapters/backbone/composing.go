package backbone

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// composed is a MeMo on its way out: the mailbox's own copy, the one that is handed over, and what both say.
type composed struct {
	letter   mailbox.Letter
	key      []byte // of the mailbox's copy
	outline  []byte // empty: behind the MeMo
	salt     []byte
	words    Words
	whole    bool // words is all that a search looks in
	handover mailbox.Handover
}

// discard gives back what was composed for nothing, where that is certain: see unused.
func (b *Backbone) discard(err error, certain bool, c composed) error {
	if c.key == nil {
		return err
	}
	if c.handover.Root == (domain.UUID{}) {
		return b.unused(err, certain, c.letter.Document)
	}
	certain = certain || neverAppended(err)
	if err = b.unused(err, certain, c.letter.Document, c.handover.Document); certain {
		err = errors.Join(err, b.vault.Discard(vault.Owner(c.handover.Root)))
	}
	return err
}

// compose writes a MeMo, reads it back with the same reader that judges what comes in, and keeps it; twice, if it is to be handed over, so that each copy can be
// forgotten without the other.
func (b *Backbone) compose(m *memo.Message, content func(*memo.Node) (io.Reader, error), most int64, handOver bool) (out composed, err error) {
	own := b.docs.Create()
	copies, copied := io.Writer(own), (*documents.Writer)(nil)
	if handOver {
		copied = b.docs.Create()
		copies = io.MultiWriter(own, copied)
	}
	abort := func(err error) (composed, error) {
		if copied != nil {
			err = errors.Join(err, copied.Abort())
		}
		return out, errors.Join(err, own.Abort())
	}
	out.salt = make([]byte, 32)
	rand.Read(out.salt)
	sum := sha256.New()
	sum.Write(out.salt)
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(m.Write(pw, memo.V12, content))
	}()
	read, err := memo.Read(io.TeeReader(memo.Limit(pr), io.MultiWriter(copies, sum)))
	pr.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // the writer is let go
	<-done
	if errors.Is(err, memo.ErrTooLarge) || err == nil && own.Length() > most {
		err = domain.Refuse(TooLargeForPoint)
	}
	if form := (*memo.FormError)(nil); errors.As(err, &form) {
		err = fmt.Errorf("what was written is no MeMo: %s: %s", form.Errors[0].Path, form.Errors[0].Rule) // a fault of ours, not of who asked
	}
	if err != nil {
		return abort(err)
	}
	number := read.Header().Get("Sender", "senderID")
	if v := read.Judge(memo.Sender{CVR: number}, b.now()); v != nil && v.Rule.Code != "recipient.id.type.not.allowed" {
		return abort(domain.Refuse(domain.Reason(v.Rule.Code)))
	}
	if out.outline, err = cbor.Marshal(read); err != nil {
		return abort(err)
	}
	length := own.Length()
	if len(out.outline) > inlineOutline {
		if _, err := own.Write(out.outline); err != nil {
			return abort(err)
		}
		out.outline = nil
	}
	mine, err := own.Commit()
	if err != nil {
		if copied != nil {
			err = errors.Join(err, copied.Abort())
		}
		return out, err
	}
	out.key = mine.Key
	out.words, out.whole = wordsOf(read)
	out.letter = mailbox.Letter{UUID: read.UUID(), Kind: read.Kind(), Document: mine.ID, Length: length, Kept: mine.Length, SealedHash: mine.SealedHash, Hash: sum.Sum(nil)}
	if copied == nil {
		return out, nil
	}
	out.handover, err = b.keepForHandover(copied)
	return out, err
}

// keepForHandover keeps a copy under a root of its own.
func (b *Backbone) keepForHandover(w *documents.Writer) (mailbox.Handover, error) {
	ref, err := w.Commit()
	if err != nil {
		return mailbox.Handover{}, err
	}
	root := vault.Owner(b.newID())
	if err := b.vault.EnterRoot(root); err != nil {
		return mailbox.Handover{}, err
	}
	k, err := b.vault.Key(root, 0)
	if err != nil {
		return mailbox.Handover{}, errors.Join(err, b.vault.Discard(root))
	}
	return mailbox.Handover{Root: domain.UUID(root), Document: ref.ID, Length: ref.Length, SealedHash: ref.SealedHash,
		Key: k.Seal(mailbox.MessageSent{}.EventType(), "handoverKey", ref.Key)}, nil
}

// sealFor gives the letter for a message, sealed under its leaf.
func (b *Backbone) sealFor(c composed, box domain.MailboxID, m domain.MessageID, leaf uint32, eventType string) (mailbox.Letter, error) {
	l := c.letter
	k, err := b.vault.Key(vault.Owner(box), leaf)
	if err != nil {
		return l, err
	}
	l.Message, l.Leaf = m, leaf
	l.DocumentKey, l.Salt = k.Seal(eventType, "documentKey", c.key), k.Seal(eventType, "salt", c.salt)
	if c.outline != nil {
		l.Outline = k.Seal(eventType, "outline", c.outline)
	}
	l.Words = sealWords(k, eventType, c.words, c.whole)
	return l, nil
}
