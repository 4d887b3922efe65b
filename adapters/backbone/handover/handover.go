// Package handover is the recipient's side of what people send: a recipient system (modtagersystem) lists what waits
// for it, fetches it, answers it and ends it.
package handover

import (
	"context"
	"errors"
	"io"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/outbox"
)

// Handover hands messages over. It may be used by many goroutines at once.
type Handover struct {
	core    *core.Core
	content *content.Content
}

// New makes one.
func New(c *core.Core, w *content.Content) *Handover { return &Handover{c, w} }

// Waiting gives the UUIDs of what waits for a recipient system, oldest first, size of them from page on, and how many
// there are.
func (h *Handover) Waiting(sys organisations.System, page, size int) (out []domain.UUID, total int, err error) {
	s, err := outbox.At(h.core.Views)
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()

	rows, total, err := s.Waiting(sys.ID, page, size)
	for _, r := range rows {
		out = append(out, r.UUID)
	}

	return out, total, err
}

// find finds what was sent to a recipient system, by its UUID; core.ErrNotFound if there is nothing.
func (h *Handover) find(sys organisations.System, uuid domain.UUID) (outbox.Row, error) {
	s, err := outbox.At(h.core.Views)
	if err != nil {
		return outbox.Row{}, err
	}
	defer s.Close()

	r, ok, err := s.To(sys.ID, uuid)
	if err == nil && !ok {
		err = core.ErrNotFound
	}

	return r, err
}

// Run executes a command on a message that was sent, for its recipient's side: the system that takes it over, or the
// backbone itself.
func (h *Handover) Run(ctx context.Context, r outbox.Row, what string, cmd mailbox.Command) (core.Done, error) {
	m := core.Machine{
		Kind: access.System, ID: r.To.System, Once: what, Thing: r.Message, Causation: r.Position,
	}
	if r.To.System == (domain.SystemID{}) {
		m.Kind = access.Backbone
	}

	done, err := h.core.ByMachine(ctx, m, r.Mailbox, cmd)
	if core.IsReason(err, mailbox.NoSuchMessage) {
		err = core.ErrNotFound
	}

	return done, err
}

// Fetch gives a recipient system a MeMo that waits for it, in the version that it takes in. That it was handed over is
// recorded before a byte is given. It may be fetched again until the system ends it. The caller closes what it gets.
func (h *Handover) Fetch(ctx context.Context, sys organisations.System, uuid domain.UUID) (io.ReadCloser, error) {
	r, err := h.find(sys, uuid)
	if err == nil && r.Taken {
		err = core.ErrNotFound
	}

	if err != nil {
		return nil, err
	}

	if _, err := h.Run(ctx, r, "hand over", mailbox.HandOver{Message: r.Message, System: sys.ID}); err != nil {
		return nil, err
	}

	d, err := h.content.OpenHandover(r)
	if errors.Is(err, vault.ErrForgotten) {
		return nil, core.ErrNotFound // it was ended meanwhile
	}

	if err != nil {
		return nil, err
	}

	whole := io.NewSectionReader(d, 0, r.Handover.Length)
	if sys.Receives != memo.V11 { // 1.2, as it was written
		return struct {
			io.Reader
			io.Closer
		}{whole, d}, nil
	}

	m, err := memo.Read(whole)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	helped(m)

	pr, pw := io.Pipe()
	go func() {
		err := m.Write(pw, memo.V11, func(n *memo.Node) (io.Reader, error) {
			return m.Content(d, r.Handover.Length, *n.File), nil
		})
		pw.CloseWithError(errors.Join(err, d.Close()))
	}()

	return pr, nil
}

// helped says who helped the writer where 1.1 has a place for it: it has no Representative.
func helped(m *memo.Message) {
	sender := m.Header().Child("Sender")
	r := sender.Child("Representative")
	if r == nil || sender.Child("AttentionData") != nil {
		return
	}

	person := memo.Group("AttentionPerson",
		memo.Text("personID", r.Get("representativeID")), memo.Text("label", r.Get("label")))
	sender.Set("AttentionData", memo.Group("AttentionData", person))
}

// Take ends what waits for a recipient system: its copy is forgotten when this returns. Another's, or what is gone, is
// core.ErrNotFound.
func (h *Handover) Take(ctx context.Context, sys organisations.System, uuid domain.UUID) error {
	r, err := h.find(sys, uuid)
	if err != nil {
		return err
	}
	_, err = h.Run(ctx, r, "take", mailbox.Take{Message: r.Message, System: sys.ID})

	return err
}

// Received refuses with core.ErrNotFound what was never sent to a recipient system. That it has fetched it is known.
func (h *Handover) Received(sys organisations.System, uuid domain.UUID) error {
	_, err := h.find(sys, uuid)
	return err
}

// Acknowledge records a recipient system's business receipt for what was sent to it. Who sent it sees it.
func (h *Handover) Acknowledge(
	ctx context.Context, sys organisations.System, uuid domain.UUID, status string, words content.Answer,
) error {
	r, err := h.find(sys, uuid)
	if err != nil {
		return err
	}
	_, err = h.Run(ctx, r, "receipt", h.Receipt(r, status, words))

	return err
}

// Receipt gives the command that gives a message its business receipt.
func (h *Handover) Receipt(r outbox.Row, status string, words content.Answer) mailbox.Command {
	return mailbox.GiveReceipt{
		Message: r.Message, System: r.To.System, Status: status, Seal: h.content.SealAnswer(r.Mailbox, words),
	}
}

// Brought gives what was sent, if it still waits for a recipient system that has not answered for it, and to be brought
// to it; false if not.
func (h *Handover) Brought(m domain.MessageID) (r outbox.Row, waits bool, err error) {
	s, err := outbox.At(h.core.Views)
	if err != nil {
		return r, false, err
	}
	defer s.Close()

	r, ok, err := s.Message(m)
	if err != nil || !ok || r.Taken || r.To.System == (domain.SystemID{}) {
		return r, false, err
	}

	boxes, err := mailboxes.At(h.core.Views)
	if err != nil {
		return r, false, err
	}
	defer boxes.Close()

	row, ok, err := boxes.Row(r.Mailbox, m)

	return r, ok && row.Out != nil && row.Out.Receipt == "", err
}

// AllWaiting gives the messages that wait for a recipient system, oldest first, at most so many.
func (h *Handover) AllWaiting(sys organisations.System, most int) (out []outbox.Row, err error) {
	s, err := outbox.At(h.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	out, _, err = s.Waiting(sys.ID, 0, most)

	return out, err
}
