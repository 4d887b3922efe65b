package viewapi

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// received is a message in an inbox, of a MeMo in testdata.
func received(t *testing.T, name string) messages.Message {
	t.Helper()
	f, err := os.Open("../../testdata/memo/" + name + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := memo.Read(f)
	if err != nil {
		t.Fatal(err)
	}

	msg := messages.Message{
		ID: domain.MessageID{1}, Mailbox: domain.MailboxID{2}, Opened: content.Opened{Memo: m, Note: "Husk det"},
	}
	msg.Row = mailbox.Message{Version: 3, Folder: mailbox.Inbox}
	msg.Row.Shown.Received = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	msg.Row.Shown.Last = msg.Row.Shown.Received.Add(time.Hour)
	msg.Row.Sender, msg.Answerable = domain.OrganisationID{4}, true
	return msg
}

// A MeMo with all that a MeMo can have is shown as the golden answer has it. UPDATE_GOLDEN writes it.
func TestFullMeMoIsShown(t *testing.T) {
	for _, name := range []string{"full-1.1", "full-1.2"} {
		got, err := json.MarshalIndent(messageOf(received(t, name)), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')

		path := "testdata/" + name + ".json"
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs (%v); make golden writes it anew. Now:\n%s", path, err, got)
		}
	}
}

// What was sent has a receipt, RECEIVED until its recipient has answered; a draft has none, and was not sent.
func TestWhatBecameOfAMessageIsShown(t *testing.T) {
	draft := received(t, "full-1.2")
	draft.Row.Draft = &mailbox.Draft{}
	m := messageOf(draft)
	if m.MessageState != "DRAFT" || m.SendDateTime != "" || m.Receipt != nil || m.LateReply != nil {
		t.Errorf("a draft is %s, sent %q, receipt %v", m.MessageState, m.SendDateTime, m.Receipt)
	}
	if v := m.Documents[0].Version; v != 3 {
		t.Errorf("a draft's document is at version %d, want 3, the draft's", v)
	}

	sent := received(t, "full-1.2")
	sent.Row.Out = &mailbox.Outgoing{}
	m = messageOf(sent)
	if m.MessageState != "SENT" || m.ErrorMessage || *m.LateReply || m.Receipt.ReceiptStatus != "RECEIVED" {
		t.Errorf("what was sent is %s, error %v, receipt %+v", m.MessageState, m.ErrorMessage, m.Receipt)
	}

	sent.Row.Out = &mailbox.Outgoing{Receipt: "INVALID", Late: true}
	sent.Answer = content.Answer{Code: "a.code", Text: "a text"}
	m = messageOf(sent)
	if !m.ErrorMessage || !*m.LateReply || m.Receipt.ReceiptStatus != "INVALID" || m.Receipt.ErrorCode != "a.code" {
		t.Errorf("what was refused has error %v, receipt %+v", m.ErrorMessage, m.Receipt)
	}
}
