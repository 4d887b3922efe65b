package reactions

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/projections/engine"
	"digitalpost/projections/outbox"
)

const (
	memoWithin = 5 * time.Minute // in which a recipient system takes one MeMo
	bringAgain = 60_000          // that wait when an address is set; an event has at most 65,536 effects of a kind
)

// Memos brings recipient systems what people write to them, if they want it brought. It can be fetched all the same.
type Memos struct {
	b    *backbone.Backbone
	hook *webhook
}

// NewMemos makes the source.
func NewMemos(b *backbone.Backbone, o Outward) *Memos {
	s := &Memos{b: b, hook: newWebhook(o)}
	s.hook.client.Timeout = memoWithin

	return s
}

// Kind is memo.
func (*Memos) Kind() string { return "memo" }

// Plan gives the bringing of what was sent to a system that wants it brought; and, when it says so, of what waits.
func (s *Memos) Plan(_ context.Context, h *engine.Entry) ([]Effect, error) {
	sent, set := (mailbox.MessageSent{}).EventType(), (organisation.SystemEndpointSet{}).EventType()
	if h.Type != sent && h.Type != set {
		return nil, nil
	}

	switch says, _ := h.Says(); e := says.(type) {
	case mailbox.MessageSent:
		sys, ok, err := s.system(e.To.System)
		if err != nil || !ok {
			return nil, err
		}

		return []Effect{bringing(sys, h.Stream.ID, e.Message)}, nil
	case organisation.SystemEndpointSet:
		sys, ok, err := s.system(e.System)
		if err != nil || !ok || !e.Memos {
			return nil, err
		}

		waiting, err := s.b.Handover.AllWaiting(sys, bringAgain)
		out := make([]Effect, 0, len(waiting))
		for _, r := range waiting {
			out = append(out, bringing(sys, r.Mailbox, r.Message))
		}

		return out, err
	}

	return nil, nil
}

func bringing(sys organisations.System, box domain.MailboxID, m domain.MessageID) Effect {
	return Effect{Receiver: sys.ID.String(), Order: box, Thing: m, Key: domain.UUID(m).String()}
}

// system gives a recipient system that wants to be brought what people write; false for one that does not.
func (s *Memos) system(id domain.SystemID) (sys organisations.System, ok bool, err error) {
	if id == (domain.SystemID{}) {
		return sys, false, nil
	}

	sys, err = s.b.Organisations.System(id)
	if errors.Is(err, core.ErrNotFound) {
		return sys, false, nil // withdrawn since
	}

	return sys, err == nil && sys.Memos.URL != "", err
}

// Do brings a MeMo, and takes the receipt that comes back with the answer, if one does.
func (s *Memos) Do(ctx context.Context, e Effect) error {
	r, waits, err := s.b.Handover.Brought(e.Thing)
	if err == nil && !waits {
		err = errNotWanted
	}

	if err != nil {
		return err
	}

	sys, ok, err := s.system(r.To.System)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNotWanted
	case sys.Memos.Stopped:
		return whileStopped()
	}

	answer, err := s.bring(ctx, sys, r, e.Key)
	var status statusError
	if errors.As(err, &status) && refuses(int(status)) {
		err = &RefusedError{Err: err}
	}

	if err != nil {
		return core.IgnoreGone(err) // it was fetched and ended meanwhile
	}

	if err := s.answered(ctx, sys, r, answer); err != nil {
		return err
	}

	// It is in the system's hands now. Its receipt may still come.
	return core.IgnoreGone(s.b.Handover.Take(ctx, sys, r.UUID))
}

// answered takes a receipt that has come with the answer.
func (s *Memos) answered(ctx context.Context, sys organisations.System, r outbox.Row, answer []byte) error {
	var receipt struct {
		UUID   string  `json:"messageUUID"`
		Status string  `json:"receiptStatus"`
		Code   *string `json:"errorCode"`
		Text   *string `json:"errorMessage"`
	}
	if json.Unmarshal(answer, &receipt) != nil || receipt.UUID != "" && receipt.UUID != r.UUID.String() {
		return nil // the receipt is awaited
	}

	switch receipt.Status {
	case "COMPLETED", "INVALID", "NOT_ALLOWED":
		words := content.Answer{Code: cut(receipt.Code), Text: cut(receipt.Text)}
		err := s.b.Handover.Acknowledge(ctx, sys, r.UUID, receipt.Status, words)
		if core.IsReason(err, mailbox.ReceiptGiven) {
			return nil
		}

		return err
	}

	return nil
}

// cut gives at most 512 characters of a text; empty for none.
func cut(text *string) string {
	if text == nil {
		return ""
	}
	r := []rune(*text)

	return string(r[:min(len(r), 512)])
}

// bring posts a MeMo as part file of a multipart body, which is never whole in memory: it is written twice, once for
// its length and signature.
func (s *Memos) bring(ctx context.Context, sys organisations.System, r outbox.Row, key string) ([]byte, error) {
	if _, err := s.hook.check(sys.Memos.URL); err != nil {
		return nil, err
	}

	id, stamp := "msg_"+key, strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, s.b.Organisations.EndpointSecret(sys))
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	length := &counter{}
	kind, err := s.write(ctx, io.MultiWriter(mac, length), sys, r)
	if err != nil {
		return nil, err
	}

	pr, pw := io.Pipe()
	defer pr.Close()
	go func() {
		_, err := s.write(ctx, pw, sys, r)
		pw.CloseWithError(err)
	}()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sys.Memos.URL, pr)
	if err != nil {
		return nil, err
	}
	req.ContentLength = length.n
	for name, value := range map[string]string{
		"Content-Type": kind, "User-Agent": "digitalpost", "Idempotency-Key": key,
		"webhook-id": id, "webhook-timestamp": stamp,
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	} {
		req.Header.Set(name, value)
	}

	return s.hook.do(req)
}

// write writes the body, the same each time, and gives its type.
func (s *Memos) write(ctx context.Context, w io.Writer, sys organisations.System, r outbox.Row) (string, error) {
	in, err := s.b.Handover.Fetch(ctx, sys, r.UUID)
	if err != nil {
		return "", err
	}
	defer in.Close()

	body := multipart.NewWriter(w)
	sum := sha256.Sum256(r.Message[:])
	if err := body.SetBoundary(fmt.Sprintf("%x", sum[:16])); err != nil {
		return "", err
	}

	part, err := body.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + r.UUID.String() + `"`},
		"Content-Type":        {"application/xml"},
	})
	if err != nil {
		return "", err
	}

	if _, err := io.Copy(part, in); err != nil {
		return "", err
	}

	return body.FormDataContentType(), body.Close()
}

// A counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// Done switches a system off that took nothing for days. What waits is kept.
func (s *Memos) Done(ctx context.Context, e Effect, failed error) error {
	return endOf(ctx, s.b, e, failed, true)
}

// endOf switches a system's endpoint off if an effect was given up that it did not take for days, and nothing else: it
// waits from then on, until an address is set again.
func endOf(ctx context.Context, b *backbone.Backbone, e Effect, failed error, memos bool) error {
	var refused *RefusedError
	if failed == nil || e.Alive || errors.As(failed, &refused) {
		return nil
	}

	id, err := domain.ParseUUID(e.Receiver)
	if err != nil {
		return err
	}

	sys, err := b.Organisations.System(domain.SystemID(id))
	if err != nil {
		return core.IgnoreGone(err)
	}

	if err := b.Organisations.StopEndpoint(ctx, sys, memos); err != nil {
		return err
	}

	return errSwitchedOff
}

// errSwitchedOff keeps an effect where it is while its system is told nothing.
var errSwitchedOff = errors.New("the system's address is switched off")

// whileStopped has an effect wait for its system's address to be set again.
func whileStopped() error {
	return &LaterError{At: time.Now().Add(longestPause), Why: errSwitchedOff.Error()}
}
