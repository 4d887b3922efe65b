package memo

// Bounds of what a list keeps of a MeMo, in bytes.
const (
	MaxListing    = 3900 // as it is packed and encoded, before it is sealed
	listedLabel   = 1024 // of the message's label: all that the format allows
	listedShort   = 40   // of a text that is kept where header and parties are too long
	perElement    = 4    // what an element adds to its text
	listedOverall = MaxListing - 200
)

// listed are the elements of the header and of the parties that a list keeps.
var listed = map[string][]string{
	"MessageHeader": {
		"messageType", "messageUUID", "messageID", "messageCode", "label", "notification", "additionalNotification",
		"reply", "replyByDateTime", "doNotDeliverUntilDate", "mandatory", "legalNotification", "postType", "Sender",
		"Recipient", "ForwardData",
	},
	"Sender":         {"senderID", "idType", "idTypeLabel", "label", "ContactPoint", "Representative"},
	"Recipient":      {"recipientID", "idType", "idTypeLabel", "label", "ContactPoint"},
	"ContactPoint":   {"contactGroup", "contactPointID", "label"},
	"Representative": {"representativeID", "idType", "idTypeLabel", "label"},
	"ForwardData": {
		"messageUUID", "originalMessageDateTime", "originalSender", "originalContentResponsible",
		"originalRepresentative", "contactPointID", "comment",
	},
	"ReplyData": {
		"messageID", "messageUUID", "replyUUID", "senderID", "recipientID", "caseID", "contactPointID",
		"generatingSystemID", "comment",
	},

	"MainDocument":       {"mainDocumentID", "label"},
	"AdditionalDocument": {"additionalDocumentID", "label"},
	"TechnicalDocument":  {"technicalDocumentID", "label"},
	"File":               {"encodingFormat", "filename", "language", "content"},

	"Action":     {"label", "actionCode", "startDateTime", "endDateTime", "EntryPoint", "Reservation"},
	"EntryPoint": {"url"},
	"Reservation": {
		"description", "reservationUUID", "abstract", "location", "startDateTime", "endDateTime", "organizerMail",
		"organizerName",
	},
}

// Listing gives what a list shows of a MeMo: the header with who wrote and to whom; documents and files as far as they
// fit, with their names, formats and sizes; then, as far as they fit, the messages that it answers, and what the
// documents ask to be done. What is there is whole: what does not fit is left out. Its label is always there. Encoded
// as Packed it has at most MaxListing bytes, whatever the MeMo is.
func (m *Message) Listing() *Message {
	l := &listingOf{left: listedOverall, text: listedOverall}
	out := l.message(m)
	if l.left < 0 { // header and parties alone are too long
		l = &listingOf{left: listedOverall, text: listedShort}
		out = l.message(m)
	}

	return out
}

func (l *listingOf) message(m *Message) *Message {
	root := &Node{Name: "Message"}
	if h := m.Header(); h != nil {
		root.Children = append(root.Children, l.copy(h))
	}

	body := m.Root.Child("MessageBody")
	if body == nil {
		l.some(root.Child("MessageHeader"), m.Header().All("ReplyData"))
		return &Message{Version: m.Version, Root: root}
	}

	out := &Node{Name: "MessageBody"}
	root.Children = append(root.Children, out)
	if at := body.Child("createdDateTime"); at != nil && len(at.Text) <= l.text {
		out.Children = append(out.Children, l.copy(at))
	}
	l.documents(out, m.Documents())
	l.some(root.Child("MessageHeader"), m.Header().All("ReplyData"))
	for i, kept := range (&Message{Root: root}).Documents() {
		l.some(kept, m.Documents()[i].All("Action"))
	}

	return &Message{Version: m.Version, Root: root}
}

// listingOf counts what there is room for.
type listingOf struct {
	left int
	text int // bytes of a text that is kept
}

// copy copies an element with what a list keeps of it. A text that is too long is left out with its element, and so is
// what holds such an element and is nothing without it.
func (l *listingOf) copy(n *Node) *Node {
	out := &Node{Name: n.Name, Text: n.Text, Key: n.Key}
	if n.File != nil {
		out.File = &Extent{Size: n.File.Size}
	}
	l.left -= len(out.Text) + perElement

	for _, name := range listed[n.Name] {
		c := n.Child(name)
		most := l.text
		if n.Name == "MessageHeader" && name == "label" {
			most = listedLabel
		}
		if c == nil || len(c.Text) > most {
			continue
		}
		out.Children = append(out.Children, l.copy(c))
	}

	return out
}

// some copies elements as long as there is room, in their order.
func (l *listingOf) some(to *Node, all []*Node) {
	for _, n := range all {
		before := l.left
		if c := l.copy(n); l.left >= 0 && to != nil && len(to.Children) < 255 {
			to.Children = append(to.Children, c)
			continue
		}
		l.left = before

		return
	}
}

// documents copies documents and their files as long as there is room, in their order.
func (l *listingOf) documents(to *Node, all []*Node) {
	for _, d := range all {
		before := l.left
		doc := l.copy(d)
		if l.left < 0 || len(to.Children) == 255 {
			l.left = before
			return
		}
		to.Children = append(to.Children, doc)

		for _, f := range d.All("File") {
			before := l.left
			file := l.copy(f)
			if l.left -= sizeRoom; l.left < 0 || len(doc.Children) == 255 {
				l.left = before
				return
			}
			doc.Children = append(doc.Children, file)
		}
	}
}

// sizeRoom is what a file's size takes at most.
const sizeRoom = 9
