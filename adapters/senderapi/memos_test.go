package senderapi_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// post wants a status and a word of the answer to a MeMo.
func post(c *servertest.Client, status int, word, uuid, memo string) {
	c.Want(status, word, "POST", servertest.PostPath(uuid), memo, servertest.AsXML...)
}

// inForm gives a MeMo as the part of a form, and the header of a request whose body the form is.
func inForm(memo string) (body string, header []string) {
	return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m.xml\"\r\n" +
			"Content-Type: application/xml\r\n\r\n" + memo + "\r\n--b--\r\n",
		[]string{"Content-Type", "multipart/form-data; boundary=b"}
}

// A MeMo is taken in once, as a body or as a part; one that is not as it must be is refused, and its UUID stays free.
func TestSending(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	uuid := servertest.NewUUID()
	memo := w.Letter(uuid, "Brev", "Hej")
	path := servertest.PostPath(uuid)
	post(w.Nobody(), 401, "unauthorized", uuid, memo)
	w.Sender.Want(415, "media.type", "POST", path, memo, "Content-Type", "application/x-lzma")
	w.Sender.Want(400, "memo-message-uuid", "POST", "/apis/v1/memos/", memo, servertest.AsXML...)
	post(w.Sender, 400, "messageUUID", servertest.NewUUID(), memo)
	post(w.Sender, 400, "memo.not.well.formed", uuid, memo[:200])
	post(w.Sender, 400, "MessageHeader/Sender/label", uuid,
		strings.Replace(memo, "<memo:label>Eksempel Kommune</memo:label>", "", 1))
	post(w.Sender, 201, "RECEIVED", uuid, memo)

	first := w.Sender.Body("POST", servertest.PostPath(strings.ToUpper(uuid)), memo, servertest.AsXML...)
	again := w.Sender.Body("POST", "/apis/v1/memos?memo-message-uuid="+uuid, memo, servertest.AsXML...)
	if first != again {
		t.Errorf("the same MeMo again: %s, then %s", first, again)
	}
	post(w.Sender, 400, "message.uuid.reused", uuid, w.Letter(uuid, "Andet", "Hej"))
	form, multipart := inForm(memo)
	if again = w.Sender.Body("POST", path, form, multipart...); again != first {
		t.Errorf("the same MeMo as a part: %s", again)
	}
	lzma := strings.Replace(form, "application/xml", "application/x-lzma", 1)
	w.Sender.Want(415, "lzma", "POST", path, lzma, multipart...)
	w.Sender.Want(400, "file", "POST", path, strings.Replace(form, `name="file"`, `name="other"`, 1), multipart...)

	w.Sender.Want(201, "valid", "POST", "/apis/v1/validations/", memo, servertest.AsXML...)
	w.Sender.Want(400, "fieldErrors", "POST", "/apis/v1/validations/", memo[:100], servertest.AsXML...)
}

// A receipt is its own sender's, and is there until it is deleted; the UUID stays taken.
func TestReceipts(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	uuid, first := w.Send("Brev")
	list := w.Sender.Ask(200, "GET", "/apis/v1/receipts-bulk/", "").List("receipts")
	if len(list) != 1 || list[0].Text("receiptStatus") != "COMPLETED" ||
		list[0].Text("transmissionId") != first.TransmissionID {
		t.Fatalf("receipts = %+v, want one COMPLETED of the same transmission", list)
	}
	path := "/apis/v1/receipts/" + list[0].Text("id")
	w.System(1).Want(404, "not.found", "GET", path, "")
	w.Sender.Want(200, "COMPLETED", "GET", path, "")
	w.Sender.Want(200, "COMPLETED", "GET", path+"?delete=true", "")
	w.Sender.Want(404, "not.found", "GET", path, "")
	post(w.Sender, 400, "message.uuid.reused", uuid, w.Letter(uuid, "Andet", "Hej"))

	w.Send("Endnu et")
	next := w.Sender.Ask(200, "GET", "/apis/v1/receipts/", "").Text("content", 0)
	w.Sender.Want(204, "", "DELETE", "/apis/v1/receipts/"+next, "")
	w.Sender.Want(404, "", "GET", "/apis/v1/receipts/"+next, "")
}

// point addresses a MeMo to a contact point of the recipient's.
const point = "</memo:idType><memo:ContactPoint><memo:contactPointID>x</memo:contactPointID></memo:ContactPoint>" +
	"</memo:Recipient>"

// refused is what is wrong with a MeMo, and makes it so, by the code of its final receipt.
var refused = map[string]func(string) string{
	"sender.id.not.allowed":               replacing("<memo:senderID>20000001", "<memo:senderID>20000002"),
	"sender.id.format.not.allowed":        replacing("<memo:senderID>20000001", "<memo:senderID>2000000"),
	"recipient.not.found":                 replacing("<memo:recipientID>6701901234", "<memo:recipientID>6701011111"),
	"file.extension.not.allowed":          replacing("besked.txt", "besked.exe"),
	"file.name.not.allowed":               replacing("besked.txt", "a:b.txt"),
	"contact.point.id.format.not.allowed": replacing("</memo:idType></memo:Recipient>", point),

	"file.empty.not.allowed": func(s string) string {
		return regexp.MustCompile(`<memo:content>.*</memo:content>`).ReplaceAllString(s, "<memo:content/>")
	},
	"recipient.nemsms.not.registered": func(s string) string {
		return sms(s, "<memo:notification>Hej</memo:notification>")
	},
	"nemsms.text.too.long": func(s string) string {
		return sms(s, "<memo:notification>–"+strings.Repeat("a", 70)+"</memo:notification>")
	},
	"empty.notification.not.allowed": func(s string) string { return sms(s, "") },
	"do.not.deliver.until.date.too.late": func(s string) string {
		return servertest.Dated(s, "2099-01-01")
	},
}

func replacing(old, by string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, by, 1) }
}

// sms makes a MeMo a text message.
func sms(s, notification string) string {
	s = strings.Replace(s, "DIGITALPOST</memo:messageType>", "NEMSMS</memo:messageType>", 1)
	s = servertest.InHeader(s, notification)
	return regexp.MustCompile(`(?s)<memo:MessageBody>.*</memo:MessageBody>`).ReplaceAllString(s, "")
}

// What a rule says no to after it was taken in gets a final receipt that says why.
func TestRefusedAfterItWasTakenIn(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	for code, change := range refused {
		uuid := servertest.NewUUID()
		letter := w.Letter(uuid, "Brev", "Hej")
		bad := change(letter)
		if bad == letter {
			t.Errorf("%s: the MeMo is not changed", code)
		}
		r, err := w.Sender.Post(uuid, strings.NewReader(bad))
		if err != nil || r.ReceiptStatus != "RECEIVED" {
			t.Errorf("%s: %v, %v", code, r, err)
			continue
		}
		final, err := w.Sender.Final(r.TransmissionID)
		no := final.ReceiptStatus == "INVALID" || final.ReceiptStatus == "NOT_ALLOWED"
		if err != nil || final.ErrorCode != code || !no {
			t.Errorf("final receipt %v, %v; want %s", final, err, code)
		}
	}

	uuid, other := servertest.NewUUID(), w.System(1)
	mandatory := servertest.InHeader(strings.Replace(w.Letter(uuid, "Brev", "Hej"), "20000001", "20000002", 1),
		"<memo:mandatory>true</memo:mandatory>")
	post(other, 201, "RECEIVED", uuid, mandatory)
	other.Want(200, "mandatory.not.allowed", "GET", "/apis/v1/receipts-bulk/", "")
}

// A scheduled message is recalled; a delivered one is not.
func TestRecalling(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	uuid := servertest.NewUUID()
	letter := servertest.Dated(w.Letter(uuid, "Senere", "Hej"), time.Now().AddDate(0, 0, 3).Format(time.DateOnly))
	r, err := w.Sender.Post(uuid, strings.NewReader(letter))
	if final, _ := w.Sender.Final(r.TransmissionID); err != nil || final.ReceiptStatus != servertest.Waiting {
		t.Errorf("a scheduled message has a final receipt: %v, %v", final, err)
	}
	w.System(1).Want(404, "", "DELETE", "/apis/v1/memos/"+uuid, "")
	w.Sender.Want(204, "", "DELETE", "/apis/v1/memos/"+uuid, "")
	if final, _ := w.Sender.Final(r.TransmissionID); final.ErrorCode != "message.recalled" {
		t.Errorf("recalled: %v", final)
	}
	uuid, _ = w.Send("Nu")
	w.Sender.Want(422, "message.already.delivered", "DELETE", "/apis/v1/memos/"+uuid, "")
}

// Sixteen at once with the same UUID and bytes get the same receipt and one message; one with other bytes is refused.
func TestSameUUIDAtOnce(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	uuid := servertest.NewUUID()
	memo := w.Letter(uuid, "Én gang", "Hej")
	answers := make(chan string, 16)
	for range cap(answers) {
		go func() {
			status, _, body := w.Sender.Status("POST", servertest.PostPath(uuid), memo, servertest.AsXML...)
			answers <- fmt.Sprint(status, body)
		}()
	}
	first := <-answers
	for range cap(answers) - 1 {
		if got := <-answers; got != first || !strings.HasPrefix(got, "201") {
			t.Errorf("one got %s, another %s", first, got)
		}
	}
	post(w.Sender, 400, "message.uuid.reused", uuid, w.Letter(uuid, "Andet", "Hej"))
	if n := len(w.User(0, "app").See().Messages); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}
