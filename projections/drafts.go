package projections

import "digitalpost/domain/mailbox"

// draft notes a draft as its author left it. Its place among the others is that of its beginning.
func (c *change) draft(e mailbox.DraftSaved) error {
	k := key(c.id, 'm', [16]byte(e.Message))
	_, there, err := row[MessageRow](c.v, k)
	if err != nil {
		return err
	}
	if !there {
		c.leaf = e.Leaf
		m := MessageRow{Position: c.rec.Position, Received: c.rec.Recorded,
			State: mailbox.Message{Leaf: e.Leaf, Folder: mailbox.Drafts, Platform: mailbox.AuthorOnly(e.Author), Read: true, Own: true}}
		if err := put(c.v, k, m); err != nil {
			return err
		}
	}
	return c.update(e.Message, func(m *MessageRow) {
		m.State.Stage, m.State.Draft = mailbox.Here, &mailbox.Draft{Content: e.Content, Parts: e.Parts}
	}, true)
}

// sent notes what was sent: a draft, or what is forwarded and begins as it.
func (c *change) sent(e mailbox.MessageSent) error {
	k := key(c.id, 'm', [16]byte(e.Message))
	_, there, err := row[MessageRow](c.v, k)
	if err != nil {
		return err
	}
	if !there {
		if err := put(c.v, k, MessageRow{}); err != nil {
			return err
		}
	}
	c.leaf = e.Letter.Leaf
	if err := put(c.v, key(c.id, 's', [16]byte(e.Message)), LetterRow{Letter: e.Letter, Sealed: c.rec.Type, At: c.rec.Recorded}); err != nil {
		return err
	}
	return c.update(e.Message, func(m *MessageRow) {
		m.State = m.State.Sent(e)
		m.State.Version-- // which update counts up
		m.Position, m.Received, m.Note = c.rec.Position, c.rec.Recorded, nil
	}, true)
}
