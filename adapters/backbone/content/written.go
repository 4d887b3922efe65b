package content

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// Written is a MeMo on its way out: the mailbox's own copy, the one that is handed over, and what is sealed of both.
// The zero one is none.
type Written struct {
	Letter   mailbox.Letter
	Sealable Sealable
	Handover mailbox.Handover // the zero one: there is no such copy
}

// There reports whether anything was written.
func (w Written) There() bool { return w.Sealable.DocumentKey != nil }

// An Order says what is to be written.
type Order struct {
	Memo *memo.Message
	// Files gives the content of a file's content element; a closer is not closed.
	Files    func(*memo.Node) (io.Reader, error)
	Most     int64 // bytes that the MeMo may have
	HandOver bool  // that a second copy is to wait for whoever takes the message over
}

// Write writes a MeMo, reads it back with the same reader that judges what comes in, and keeps it; twice, if it is to
// be handed over, so that each copy can be forgotten without the other. Nothing of it is in the log yet: see Discard.
func (c *Content) Write(o Order) (out Written, err error) {
	own := c.core.Documents.Create()
	copies, copied := io.Writer(own), (*documents.Writer)(nil)
	if o.HandOver {
		copied = c.core.Documents.Create()
		copies = io.MultiWriter(own, copied)
	}
	abort := func(err error) (Written, error) {
		if copied != nil {
			err = errors.Join(err, copied.Abort())
		}

		return Written{}, errors.Join(err, own.Abort())
	}

	salt := make([]byte, 32)
	rand.Read(salt)
	sum := sha256.New()
	sum.Write(salt)

	read, err := c.readBack(o, io.MultiWriter(copies, sum), own)
	if err != nil {
		return abort(err)
	}

	outline, err := cbor.Marshal(read)
	if err != nil {
		return abort(err)
	}

	length := own.Length()
	if len(outline) > InlineOutline {
		if _, err := own.Write(outline); err != nil {
			return abort(err)
		}
		outline = nil
	}

	return c.keep(own, copied, read, Sealable{Salt: salt, Outline: outline}, length, sum)
}

// readBack writes the MeMo and judges it.
func (c *Content) readBack(o Order, to io.Writer, own *documents.Writer) (*memo.Message, error) {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(o.Memo.Write(pw, memo.V12, o.Files))
	}()

	read, err := memo.Read(io.TeeReader(memo.Limit(pr), to))
	pr.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // the writer is let go
	<-done

	if errors.Is(err, memo.ErrTooLarge) || err == nil && own.Length() > o.Most {
		return nil, domain.Refuse(mailbox.TooLargeForPoint)
	}

	if form := (*memo.FormError)(nil); errors.As(err, &form) { // a fault of ours, not of who asked
		first := form.Errors[0]
		return nil, fmt.Errorf("what was written is no MeMo: %s: %s", first.Path, first.Rule)
	}

	if err != nil {
		return nil, err
	}

	number := read.Header().Get("Sender", "senderID")
	v := read.Judge(memo.Sender{CVR: number}, c.core.Now())
	if v != nil && v.Rule.Code != "recipient.id.type.not.allowed" {
		return nil, domain.Refuse(domain.Reason(v.Rule.Code))
	}

	return read, nil
}

// keep makes the copies durable.
func (c *Content) keep(
	own, copied *documents.Writer, read *memo.Message, s Sealable, length int64, sum hash.Hash,
) (out Written, err error) {
	ref, err := own.Commit()
	if err != nil {
		if copied != nil {
			err = errors.Join(err, copied.Abort())
		}

		return out, err
	}

	s.DocumentKey = ref.Key
	s.Memo = read
	out = Written{Sealable: s, Letter: mailbox.Letter{
		UUID: read.UUID(), Kind: read.Kind(), Document: ref.ID, Length: length, Kept: ref.Length,
		SealedHash: ref.SealedHash, Hash: sum.Sum(nil),
	}}

	if copied != nil {
		out.Handover, err = c.keepForHandover(copied)
	}

	return out, err
}

// keepForHandover keeps a copy under a root of its own.
func (c *Content) keepForHandover(w *documents.Writer) (mailbox.Handover, error) {
	ref, err := w.Commit()
	if err != nil {
		return mailbox.Handover{}, err
	}

	root := vault.Owner(c.core.NewID())
	if err := c.core.Vault.EnterRoot(root); err != nil {
		return mailbox.Handover{}, err
	}

	k, err := c.core.Key(root, 0)
	if err != nil {
		return mailbox.Handover{}, errors.Join(err, c.core.Vault.Discard(root))
	}

	return mailbox.Handover{
		Root: domain.UUID(root), Document: ref.ID, Length: ref.Length, SealedHash: ref.SealedHash,
		Key: k.Seal(mailbox.MessageSent{}.EventType(), "handoverKey", ref.Key),
	}, nil
}

// Discard gives back what was written for nothing, where that is certain, and the error of the command that was to name
// it: see core.Unused.
func (c *Content) Discard(err error, certain bool, w Written) error {
	if !w.There() {
		return err
	}

	if w.Handover.Root == (domain.UUID{}) {
		return c.core.Unused(err, certain, w.Letter.Document)
	}

	certain = certain || core.NeverAppended(err)
	if err = c.core.Unused(err, certain, w.Letter.Document, w.Handover.Document); certain {
		err = errors.Join(err, c.core.Vault.Discard(vault.Owner(w.Handover.Root)))
	}

	return err
}

// SealFor gives the letter for a message of a mailbox, sealed under a leaf for an event of a type.
func (c *Content) SealFor(
	w Written, box domain.MailboxID, m domain.MessageID, leaf uint32, eventType string,
) (mailbox.Letter, error) {
	l := w.Letter
	l.Message = m

	return c.Seal(box, leaf, eventType, l, w.Sealable)
}
