package backbonetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"

	"digitalpost/adapters/backbone/core"
	backboneintake "digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/intake"
)

// A Letter is what a test says of a MeMo; what it leaves out is made up.
type Letter struct {
	UUID  domain.UUID // zero: a new one
	Label string
	Text  string
	Due   string // 2006-01-02; empty: at once
	Reply bool   // that an answer is asked for
	CVR   bool   // that the recipient's number is a company's
	SMS   string // the text of a NemSMS, which it is then
}

// Memo writes a valid MeMo 1.2 from a system to a number.
func Memo(from organisations.System, to string, l Letter) string {
	element := func(name, text string) string {
		if text == "" {
			return ""
		}

		var escaped bytes.Buffer
		_ = xml.EscapeText(&escaped, []byte(text)) // a buffer takes all

		return fmt.Sprintf("<memo:%s>%s</memo:%s>", name, &escaped, name)
	}

	reply, kind := "", "CPR"
	if l.Reply {
		reply = "true"
	}
	if l.CVR {
		kind = "CVR"
	}
	if l.Label == "" {
		l.Label = "Besked"
	}

	message, notification, body := "DIGITALPOST", "", `<memo:MessageBody>`+
		element("createdDateTime", "2026-01-02T03:04:05Z")+
		`<memo:MainDocument><memo:File>`+element("encodingFormat", "text/plain")+
		element("filename", "besked.txt")+element("language", "da")+
		element("content", base64.StdEncoding.EncodeToString([]byte("Text: "+l.Text)))+
		`</memo:File></memo:MainDocument></memo:MessageBody>`
	if l.SMS != "" {
		message, notification, body = "NEMSMS", l.SMS, ""
	}

	return `<?xml version="1.0" encoding="UTF-8"?>` +
		`<memo:Message xmlns:memo="https://DigitalPost.dk/MeMo-1" memoVersion="1.2"><memo:MessageHeader>` +
		element("messageType", message) + element("messageUUID", l.UUID.String()) +
		element("label", l.Label) + element("notification", notification) + element("reply", reply) +
		element("doNotDeliverUntilDate", l.Due) +
		`<memo:Sender>` + element("senderID", from.Organisation.CVR) + element("idType", "CVR") +
		element("label", from.Organisation.Name) + `</memo:Sender>` +
		`<memo:Recipient>` + element("recipientID", to) + element("idType", kind) + `</memo:Recipient>` +
		`</memo:MessageHeader>` + body + `</memo:Message>`
}

// Submit sends a MeMo to a number, and gives the message that it is for its recipient. That it was taken in does not
// say that it was delivered.
func (b *Backbone) Submit(from organisations.System, to string, l Letter) domain.MessageID {
	b.tb.Helper()

	if l.UUID == (domain.UUID{}) {
		l.UUID = core.NewUUID()
	}
	_, err := b.Intake.Submit(context.Background(), from, backboneintake.Submission{
		UUID: l.UUID, MeMo: strings.NewReader(Memo(from, to, l)),
	})
	b.must(err)

	return intake.MessageOf(from.ID, l.UUID)
}

// Outcome gives the final receipt of a system's message.
func (b *Backbone) Outcome(from organisations.System, m domain.MessageID) backboneintake.Receipt {
	b.tb.Helper()

	r, err := b.Intake.Receipt(from, intake.FinalOf(m))
	b.must(err)

	return r
}
