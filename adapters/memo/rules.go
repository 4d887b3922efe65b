package memo

import (
	"strings"
	"time"
	_ "time/tzdata" // Copenhagen's days are needed on machines without a zone database too
)

// A Rule is a business rule for MeMo: its code, where it is looked at, and whether the code is an official one.
type Rule struct {
	Code     string
	Status   string // of the receipt: INVALID or NOT_ALLOWED
	Official bool   // false: a code of our own making
	Text     string
}

// Statuses of a negative receipt.
const (
	Invalid    = "INVALID"
	NotAllowed = "NOT_ALLOWED"
)

// Rules are all of them, in one place.
var Rules = []Rule{
	{"sender.id.not.allowed", NotAllowed, false, "senderID is not the CVR number of the system's organisation"},
	{"sender.not.allowed", NotAllowed, false,
		"a company's system that is registered with no platform may not send to this recipient"},
	{"mandatory.not.allowed", NotAllowed, false, "mandatory needs the organisation's right to send mandatory post"},
	{"legal.notification.not.allowed", NotAllowed, false,
		"legalNotification needs the organisation's right to send legal notifications"},
	{"legal.notification.not.served", NotAllowed, false,
		"legal notifications can't be served here yet: serve it by other means"},
	{"sender.id.format.not.allowed", Invalid, false, "senderID must have 8 or 10 digits"},
	{"do.not.deliver.until.date.too.late", Invalid, true, "doNotDeliverUntilDate lies more than a year ahead"},
	{"contact.point.id.format.not.allowed", Invalid, true, "the recipient's contactPointID must be a UUID"},
	{"file.empty.not.allowed", Invalid, true, "a file must not be empty"},
	{"file.extension.not.allowed", Invalid, true, "the file name's extension is not accepted"},
	{"file.name.not.allowed", Invalid, false, "the file name has a character that is not allowed"},
	{"entry.point.url.not.https", Invalid, false, "the entry point's url must be https"},
	{"document.too.many", Invalid, false, "at most 10 additional documents are allowed"},
	{"nemsms.body.not.allowed", Invalid, false, "a NEMSMS has no MessageBody"},
	{"empty.notification.not.allowed", Invalid, true, "a NEMSMS needs its text in notification"},
	{"nemsms.text.too.long", Invalid, false,
		"a NEMSMS has at most 160 characters of GSM 03.38, or 70 of UCS-2 where one is none of these"},
	{"nemsms.not.sent", Invalid, false, "no gateway took the text message over"},
	{"recipient.nemsms.not.registered", Invalid, false, "the recipient is not registered for NemSMS"},
	{"recipient.id.type.not.allowed", Invalid, false, "the recipient's idType must be CPR or CVR"},
	{"recipient.not.found", Invalid, false, "nobody with the recipient's number has a mailbox"},
	{"recipient.is.closed", Invalid, true, "the recipient's mailbox is closed"},
	{"recipient.is.exempt", Invalid, false, "the recipient is exempt from Digital Post"},
	{"recipient.sender.declined", Invalid, false,
		"the recipient does not take this company's post through its platform"},
	{"recipient.consent.missing", Invalid, false,
		"the recipient has not consented to this company's post, which claims no contract or employment"},
	{"message.recalled", Invalid, false, "the sender recalled the message before its date"},
}

// RuleOf returns the rule of a code; ok is false for an unknown one.
func RuleOf(code string) (r Rule, ok bool) {
	for _, r := range Rules {
		if r.Code == code {
			return r, true
		}
	}
	return Rule{}, false
}

// A Violation is a business rule that a MeMo breaks, and the element.
type Violation struct {
	Rule Rule
	Path string
}

func broken(code, path string) *Violation {
	r, ok := RuleOf(code)
	if !ok {
		panic("memo: no rule has code " + code)
	}
	return &Violation{r, path}
}

// A Sender is what the rules ask of the system that sends.
type Sender struct {
	CVR              string
	MandatoryAllowed bool
	LegalAllowed     bool
}

// Extensions that a file's name may have (a list of ours until the official one is known). A name without one is
// accepted.
var Extensions = strings.Fields(`pdf txt html htm xml json csv doc docx xls xlsx ppt pptx odt ods odp rtf
	jpg jpeg png gif tif tiff bmp mp3 mp4 wav avi zip ics gml msg eml`)

// maxAhead is how far a date may lie ahead: the horizon of doNotDeliverUntilDate, a policy of ours.
const maxAhead = 366 * 24 * time.Hour

// Judge looks at the business rules that need no mailbox, senders' rights first. It gives the first that is broken, nil
// if none is.
func (m *Message) Judge(s Sender, now time.Time) *Violation {
	h := m.Header()
	const header = "Message/MessageHeader/"
	sender := h.Get("Sender", "senderID")
	switch {
	case strings.Trim(sender, "0123456789") != "" || len(sender) != 8 && len(sender) != 10:
		return broken("sender.id.format.not.allowed", header+"Sender/senderID")
	case sender != s.CVR:
		return broken("sender.id.not.allowed", header+"Sender/senderID")
	case h.Get("mandatory") == "true" && !s.MandatoryAllowed:
		return broken("mandatory.not.allowed", header+"mandatory")
	case h.Get("legalNotification") == "true" && !s.LegalAllowed:
		return broken("legal.notification.not.allowed", header+"legalNotification")
	case h.Get("legalNotification") == "true":
		return broken("legal.notification.not.served", header+"legalNotification")
	}

	if due, ok := m.Due(); ok && due.Sub(now) > maxAhead {
		return broken("do.not.deliver.until.date.too.late", header+"doNotDeliverUntilDate")
	}
	if cp := h.Child("Recipient").Child("ContactPoint"); cp != nil && !looksUUID(cp.Get("contactPointID")) {
		return broken("contact.point.id.format.not.allowed", header+"Recipient/ContactPoint/contactPointID")
	}

	if h.Get("messageType") == "NEMSMS" {
		switch {
		case m.Root.Child("MessageBody") != nil:
			return broken("nemsms.body.not.allowed", "Message/MessageBody")
		case strings.TrimSpace(h.Get("notification")) == "":
			return broken("empty.notification.not.allowed", header+"notification")
		}
		if !FitsSMS(h.Get("notification")) {
			return broken("nemsms.text.too.long", header+"notification")
		}
		return nil
	}

	if len(m.Root.Child("MessageBody").All("AdditionalDocument")) > 10 {
		return broken("document.too.many", "Message/MessageBody/AdditionalDocument")
	}
	for _, d := range m.Documents() {
		if v := judgeDocument(d); v != nil {
			return v
		}
	}
	if t := strings.ToUpper(h.Get("Recipient", "idType")); t != "CPR" && t != "CVR" {
		return broken("recipient.id.type.not.allowed", header+"Recipient/idType")
	}
	return nil
}

// Broken returns the violation of a rule about the recipient.
func Broken(code string) *Violation {
	return broken(code, "Message/MessageHeader/Recipient/recipientID")
}

func judgeDocument(d *Node) *Violation {
	path := "Message/MessageBody/" + d.Name
	for _, f := range d.All("File") {
		if f.Child("content").File.Size == 0 {
			return broken("file.empty.not.allowed", path+"/File/content")
		}
		if code := JudgeFilename(f.Get("filename")); code != "" {
			return broken(code, path+"/File/filename")
		}
	}

	for _, a := range d.All("Action") {
		if e := a.Child("EntryPoint"); e != nil && !strings.HasPrefix(strings.ToLower(e.Get("url")), "https://") {
			return broken("entry.point.url.not.https", path+"/Action/EntryPoint/url")
		}
	}

	return nil
}

// JudgeFilename returns the code of the rule that a file's name breaks; empty for none.
func JudgeFilename(name string) string {
	switch ext := extension(name); {
	case strings.ContainsFunc(name, forbidden):
		return "file.name.not.allowed"
	case ext != "" && !contains(Extensions, ext):
		return "file.extension.not.allowed"
	}
	return ""
}

func extension(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return ""
	}
	return strings.ToLower(name[i+1:])
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// forbidden reports whether a file's name may not have the character.
func forbidden(r rune) bool {
	return strings.ContainsRune("<>:\"/\\|?*\r\n\u00a0\u2028\u205f\u2060\u3000", r) || r >= 0x2000 && r <= 0x200a
}

// looksUUID reports whether s has the shape of a UUID, of whatever version.
func looksUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		strings.Trim(strings.ReplaceAll(s, "-", ""), "0123456789abcdefABCDEF") == ""
}

// Copenhagen is where the days of Digital Post begin and end.
var Copenhagen = func() *time.Location {
	l, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err) // the zone database is in the binary
	}
	return l
}()

// Due returns the moment before which the message must not be delivered: 00:00 in Copenhagen on doNotDeliverUntilDate,
// whose time zone, if it has one, does not count. A date that has passed means now.
func (m *Message) Due() (time.Time, bool) {
	s := m.Header().Get("doNotDeliverUntilDate")
	if len(s) < 10 {
		return time.Time{}, false
	}

	var date string
	if i := strings.IndexByte(s[1:], '-') + 1; len(s) >= i+6 {
		date = s[:i+6]
	}

	t, err := time.ParseInLocation("2006-01-02", date, Copenhagen)
	if err != nil { // years of five digits lie ahead, those before Christ behind
		if strings.HasPrefix(s, "-") {
			return time.Time{}, true
		}
		return time.Date(9999, 1, 1, 0, 0, 0, 0, Copenhagen), true
	}

	return t, true
}
