package messages

import (
	"errors"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/projections/mailboxes"
)

// listedAtOnce is how many messages of a list are held at once: what they show is read from the view together, so that
// no view is open while an answer is written to somebody slow.
const listedAtOnce = 32

// Each calls fn for messages of a mailbox that List or Rows gave, one after another, with what a list shows of them.
// One that was purged since is left out. No more than 32 of them are held at a time, whatever fn does with them; before
// the next it is asked again whether who reads them may: core.ErrForbidden once their access has ended.
func (m *Messages) Each(p access.Principal, box domain.MailboxID, msgs []Message, fn func(Message) error) error {
	for first := true; len(msgs) > 0; first = false {
		if !first {
			if _, err := m.core.May(p, box, access.List); err != nil {
				return err
			}
		}

		n := min(len(msgs), listedAtOnce)
		some, err := m.listed(box, msgs[:n])
		if err != nil {
			return err
		}

		for _, msg := range some {
			if err := fn(msg); err != nil {
				return err
			}
		}
		msgs = msgs[n:]
	}

	return nil
}

func (m *Messages) listed(box domain.MailboxID, msgs []Message) (out []Message, err error) {
	s, err := mailboxes.At(m.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	answers, err := m.answersTo(s, box)
	if err != nil {
		return nil, err
	}

	lister := m.content.Lister(box)
	out = make([]Message, 0, len(msgs))
	for _, msg := range msgs {
		msg.Opened, err = m.listing(s, lister, msg)
		if errors.Is(err, vault.ErrForgotten) {
			continue
		}

		if err != nil {
			return nil, err
		}
		msg.Answerable = answers.take(msg)
		out = append(out, msg)
	}

	return out, nil
}

func (m *Messages) listing(s *mailboxes.Snapshot, l *content.Lister, msg Message) (content.Opened, error) {
	letter := func() (row mailboxes.LetterRow, err error) {
		row, ok, err := s.Letter(msg.Mailbox, msg.ID)
		if err == nil && !ok {
			err = vault.ErrForgotten
		}

		return row, err
	}

	return l.Open(msg.Row, s.Listing(msg.Mailbox, msg.ID), letter)
}
