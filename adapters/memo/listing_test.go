package memo_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
)

var text = memo.Text

// packed packs a listing, and gives what is read of it again and how many bytes it has.
func packed(t *testing.T, m *memo.Message) (*memo.Message, int) {
	t.Helper()

	p, err := m.Listing().Pack()
	if err != nil {
		t.Fatal(err)
	}
	b, err := cbor.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}

	var q memo.Packed
	if err := cbor.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	out, err := q.Message()
	if err != nil {
		t.Fatal(err)
	}

	return out, len(b)
}

// hostile is a MeMo with so many documents and files, and texts of so many characters.
func hostile(words string, documents, files int) *memo.Message {
	names := []string{
		"messageType", "messageUUID", "messageID", "messageCode", "label", "notification", "additionalNotification",
		"reply", "replyByDateTime", "doNotDeliverUntilDate", "mandatory", "legalNotification", "postType",
	}
	head := memo.Group("MessageHeader")
	for _, n := range names {
		head.Children = append(head.Children, text(n, words))
	}
	point := func() *memo.Node {
		return memo.Group("ContactPoint", text("contactGroup", words), text("contactPointID",
			words), text("label", words))
	}
	for _, party := range []string{"Sender", "Recipient"} {
		head.Children = append(head.Children, memo.Group(party, text("senderID", words), text("recipientID", words),
			text("idType", words), text("idTypeLabel", words), text("label", words), point(),
			memo.Group("Representative",
				text("representativeID", words), text("idType", words), text("label", words))))
	}
	head.Children = append(head.Children, memo.Group("ForwardData", text("comment",
		words), text("originalSender", words)))
	for range 50 {
		head.Children = append(head.Children, memo.Group("ReplyData", text("messageUUID",
			words), text("comment", words)))
	}

	body := memo.Group("MessageBody", text("createdDateTime", words))
	for i := range documents {
		name := "AdditionalDocument"
		if i == 0 {
			name = "MainDocument"
		}
		d := memo.Group(name, text("label", words))
		for j := range files {
			content := &memo.Node{Name: "content", File: &memo.Extent{Size: 1 << 40}}
			d.Children = append(d.Children, memo.Group("File", text("encodingFormat", words),
				text("filename", fmt.Sprint(i, " ", j, words[:min(len(words), 200)])),
				text("language", words), content))
		}
		body.Children = append(body.Children, d)
	}

	return &memo.Message{Version: memo.V12, Root: memo.Group("Message", head, body)}
}

// maxLabel is how many bytes the label of a MeMo that is of the format has at most: 256 characters.
const maxLabel = 1024

// whole reports texts of a listing that are no texts of the MeMo.
func whole(t *testing.T, kept, of *memo.Node) {
	t.Helper()
	texts := map[string]bool{}
	var walk func(*memo.Node, func(*memo.Node))
	walk = func(n *memo.Node, fn func(*memo.Node)) {
		fn(n)
		for _, c := range n.Children {
			walk(c, fn)
		}
	}
	walk(of, func(n *memo.Node) { texts[n.Text] = true })
	walk(kept, func(n *memo.Node) {
		if !texts[n.Text] {
			t.Errorf("%s is cut to %d bytes", n.Name, len(n.Text))
		}
	})
}

// What a list keeps of a MeMo is bounded, whatever its sender puts into it, is whole, and is read again as it was.
func TestListingsAreBounded(t *testing.T) {
	for _, text := range []string{
		"", "a", "æ", strings.Repeat("x", 39), strings.Repeat("x", 41),
		strings.Repeat("ø", 500), strings.Repeat("x", 1<<14),
	} {
		for _, n := range [][2]int{{0, 0}, {1, 1}, {1, 1000}, {300, 1}, {50, 50}} {
			m := hostile(text, n[0], n[1])
			got, size := packed(t, m)
			if size > memo.MaxListing {
				t.Errorf("texts of %d bytes, %d documents of %d files: %d bytes", len(text), n[0], n[1], size)
			}
			if !reflect.DeepEqual(got, m.Listing()) {
				t.Errorf("texts of %d bytes, %d documents of %d files: read again it is another", len(text), n[0], n[1])
			}
			if label := got.Header().Get("label"); len(text) <= maxLabel && label != text {
				t.Errorf("the label of %d bytes is kept in %d", len(text), len(label))
			}
			whole(t, got.Root, m.Root)
		}
	}
}

// An everyday MeMo is kept with all its documents and files.
func TestListingsKeepWhatIsEveryday(t *testing.T) {
	got, size := packed(t, hostile("Brev om noget", 4, 2))
	if size > memo.MaxListing || len(got.Documents()) != 4 || len(got.Documents()[3].All("File")) != 2 {
		t.Errorf("%d bytes, %d documents", size, len(got.Documents()))
	}
	f := got.Documents()[1].All("File")[1]
	if f.Get("filename") != "1 1Brev om noget" || f.Child("content").File.Size != 1<<40 {
		t.Errorf("a file is %+v", f)
	}
}

// Bytes that are no packed outline are an error.
func TestPackedOutlinesThatAreNone(t *testing.T) {
	good, err := hostile("x", 1, 1).Listing().Pack()
	if err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*memo.Packed){
		"no elements":             func(p *memo.Packed) { *p = memo.Packed{} },
		"a text too few":          func(p *memo.Packed) { p.Texts = p.Texts[1:] },
		"a name that there isn't": func(p *memo.Packed) { p.Names[0] = 255 },
		"more children than are":  func(p *memo.Packed) { p.Children[0] = 255 },
		"a second root":           func(p *memo.Packed) { p.Children[0] = 0 },
		"too deep": func(p *memo.Packed) {
			for i := range p.Children {
				p.Children[i] = 1
			}
		},
	} {
		p := good
		p.Names = append([]byte{}, good.Names...)
		p.Children = append([]byte{}, good.Children...)
		spoil(&p)
		if m, err := p.Message(); err == nil {
			t.Errorf("%s: %+v, want an error", what, m)
		}
	}

	other := &memo.Message{Root: memo.Group("Message", memo.Group("ContentData", text("caseID", "1")))}
	if _, err := other.Pack(); err == nil {
		t.Error("an element that is not packed was")
	}
}
