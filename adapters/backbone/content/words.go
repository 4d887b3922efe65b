package content

import (
	"strings"

	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
)

// Words are what a search looks in, of one message, folded. They are sealed with the message, small enough to be opened
// by the million.
type Words struct {
	Label, Sender, SenderID string
	Rest                    string // identifiers, contact points, names of documents and files, parted by wordsPart
	Note                    string
}

const (
	wordsPart = "\x1f"
	maxWords  = 1 << 10 // bytes; a message that has more is opened by a search

	// WordsField and ListingField name sealed fields of a letter.
	WordsField   = "words"
	ListingField = "listing"
)

// WordsOf gives what a search looks in, of a MeMo; false if that is too much to be kept apart.
func WordsOf(m *memo.Message) (Words, bool) {
	h := m.Header()
	w := Words{
		Label: text.Fold(h.Get("label")), Sender: text.Fold(h.Get("Sender", "label")),
		SenderID: h.Get("Sender", "senderID"),
	}

	var rest []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" {
				rest = append(rest, text.Fold(t))
			}
		}
	}

	add(h.Get("messageID"), h.Get("messageCode"), h.Get("Recipient", "label"),
		h.Get("Sender", "ContactPoint", "label"), h.Get("Recipient", "ContactPoint", "label"),
		h.Get("Sender", "Representative", "label"), h.Get("ContentData", "CaseID", "caseID"))

	for _, d := range m.Documents() {
		add(d.Get("label"))
		for _, f := range d.All("File") {
			add(f.Get("filename"))
		}
	}
	w.Rest = strings.Join(rest, wordsPart)

	return w, len(w.text()) <= maxWords && !strings.Contains(w.Label+w.Sender+w.SenderID, wordsPart)
}

// Texts gives them one by one.
func (w Words) Texts() []string {
	return append([]string{w.Label, w.Sender, w.SenderID, w.Note}, strings.Split(w.Rest, wordsPart)...)
}

func (w Words) text() string {
	return strings.Join([]string{w.Label, w.Sender, w.SenderID, w.Rest}, wordsPart)
}

// ReadWords reads them as they were unsealed. A note is no part of them.
func ReadWords(s string) (w Words) {
	w.Label, s, _ = strings.Cut(s, wordsPart)
	w.Sender, s, _ = strings.Cut(s, wordsPart)
	w.SenderID, w.Rest, _ = strings.Cut(s, wordsPart)

	return w
}
