package content

import (
	"errors"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// An Answer is a business receipt's words: the recipient's own code and text.
type Answer struct {
	Code string `cbor:"1,keyasint,omitempty"`
	Text string `cbor:"2,keyasint,omitempty"`
}

// SealAnswer gives a Seal of a receipt's words; of nothing, if there are none, or the message's key is gone.
func (c *Content) SealAnswer(box domain.MailboxID, words Answer) domain.Seal {
	return func(leaf uint32) (domain.Sealed, error) {
		if words == (Answer{}) {
			return nil, nil
		}

		raw, err := cbor.Marshal(words)
		if err != nil {
			return nil, err
		}

		k, err := c.core.Key(box, leaf)
		if errors.Is(err, vault.ErrForgotten) {
			return nil, nil // whoever wrote it has purged the message: the status stands without words
		}

		if err != nil {
			return nil, err
		}

		return k.Seal(mailbox.ReceiptReceived{}.EventType(), "text", raw), nil
	}
}
