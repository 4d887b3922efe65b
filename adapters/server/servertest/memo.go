package servertest

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"time"

	"digitalpost/domain"
)

// NewUUID makes a random UUID, of version 4.
func NewUUID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return domain.UUID(id).String()
}

// memoOfText is a MeMo with one file of text: UUID, label, CVR number, sender, CPR number, time and content.
const memoOfText = `<?xml version="1.0" encoding="UTF-8"?>
<memo:Message xmlns:memo="https://DigitalPost.dk/MeMo-1" memoVersion="1.2">` +
	`<memo:MessageHeader><memo:messageType>DIGITALPOST</memo:messageType>` +
	`<memo:messageUUID>%s</memo:messageUUID><memo:label>%s</memo:label>` +
	`<memo:Sender><memo:senderID>%s</memo:senderID><memo:idType>CVR</memo:idType>` +
	`<memo:label>%s</memo:label></memo:Sender>` +
	`<memo:Recipient><memo:recipientID>%s</memo:recipientID><memo:idType>CPR</memo:idType></memo:Recipient>` +
	`</memo:MessageHeader><memo:MessageBody><memo:createdDateTime>%s</memo:createdDateTime>` +
	`<memo:MainDocument><memo:File><memo:encodingFormat>text/plain</memo:encodingFormat>` +
	`<memo:filename>besked.txt</memo:filename><memo:language>da</memo:language>` +
	`<memo:content>%s</memo:content></memo:File></memo:MainDocument></memo:MessageBody></memo:Message>`

// MeMo makes a valid MeMo 1.2 of a text, in besked.txt, from an authority to a citizen.
func MeMo(uuid, cvr, sender, cpr, label, text string) string {
	now := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	content := base64.StdEncoding.EncodeToString([]byte(text))
	return fmt.Sprintf(memoOfText, uuid, escaped(label), cvr, escaped(sender), escaped(cpr), now, content)
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes all
	return b.String()
}

// InHeader puts XML into a MeMo's header, where what comes before its sender belongs.
func InHeader(memo, more string) string {
	return strings.Replace(memo, "<memo:Sender>", more+"<memo:Sender>", 1)
}

// Dated makes a MeMo one that is delivered on a date.
func Dated(memo, date string) string {
	return InHeader(memo, "<memo:doNotDeliverUntilDate>"+date+"</memo:doNotDeliverUntilDate>")
}

// Replyable makes a MeMo one that can be answered.
func Replyable(memo string) string { return InHeader(memo, "<memo:reply>true</memo:reply>") }

// ToCompany addresses a MeMo to a company.
func ToCompany(memo, cvr string) string {
	to := "<memo:recipientID>" + cvr + "</memo:recipientID><memo:idType>CVR</memo:idType></memo:Recipient>"
	return recipient.ReplaceAllString(memo, "<memo:Recipient>"+to)
}

var recipient = regexp.MustCompile(`<memo:Recipient>.*</memo:Recipient>`)
