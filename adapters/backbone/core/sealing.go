package core

import (
	"errors"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/eventstore"
)

func asError[T error](err error, to *T) bool { return errors.As(err, to) }

// Key gives the key of a leaf of an owner's: a mailbox, an intake stream, an organisation, or a copy with a root of its
// own. vault.ErrForgotten if it was destroyed.
func (c *Core) Key(owner [16]byte, leaf uint32) (vault.Key, error) {
	return c.Vault.Key(vault.Owner(owner), leaf)
}

// Sealing gives a Seal of words for a field of an event's, under a leaf of an owner's.
func (c *Core) Sealing(owner [16]byte, e domain.Named, field string, words []byte) domain.Seal {
	return func(leaf uint32) (domain.Sealed, error) {
		k, err := c.Key(owner, leaf)
		if err != nil {
			return nil, err
		}

		return k.Seal(e.EventType(), field, words), nil
	}
}

// Opened gives the words of a sealed field; nil where there is none.
func (c *Core) Opened(owner [16]byte, leaf uint32, eventType, field string, sealed domain.Sealed) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}

	k, err := c.Key(owner, leaf)
	if err != nil {
		return nil, err
	}

	return k.Open(eventType, field, sealed)
}

// never are the errors that say, beside a rule's no, that nothing of a command is in the log.
var never = []error{
	ErrNotFound, ErrForbidden, ErrParked, ErrKeyReused,
	eventstore.ErrConflict, eventstore.ErrDiskFull, eventstore.ErrClock,
}

// NeverAppended reports whether a command's error says that nothing of it is in the log.
func NeverAppended(err error) bool {
	if IsRefused(err) {
		return true
	}

	for _, x := range never {
		if errors.Is(err, x) {
			return true
		}
	}

	return false
}

// Unused frees documents that a command was to name and did not, and gives its error back. Where it is not certain that
// no event names them, the sweep will find out.
func (c *Core) Unused(err error, certain bool, docs ...domain.DocumentID) error {
	if !certain && !NeverAppended(err) {
		return err
	}

	for _, d := range docs {
		err = errors.Join(err, c.Documents.Free(d))
	}

	return err
}
