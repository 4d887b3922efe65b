package memo_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"digitalpost/adapters/memo"
)

func read(t *testing.T, xml string) *memo.Message {
	t.Helper()
	m, err := memo.Read(strings.NewReader(xml))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// files returns the content elements in document order.
func files(m *memo.Message) (out []memo.Extent) {
	for _, d := range m.Documents() {
		for _, f := range d.All("File") {
			out = append(out, *f.Child("content").File)
		}
	}
	return out
}

func TestHostileInputIsRefused(t *testing.T) {
	deep := strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300)
	instead := func(of, by string) string { return strings.Replace(full12, of, by, 1) }
	const body, technical = "<memo:MessageBody>", "<memo:TechnicalDocument>"
	additional := "<memo:AdditionalDocument>" + file + "</memo:AdditionalDocument>"
	for name, xml := range map[string]string{
		"nothing":           "",
		"DOCTYPE":           instead("<memo:Message ", "<!DOCTYPE m [<!ENTITY a 'b'>]><memo:Message "),
		"entity":            instead("Kommunen", "&a;"),
		"unknown encoding":  instead("UTF-8", "KLINGON"),
		"wrong bytes":       instead("Kommunen", "K\xe6"),
		"not ASCII":         instead("UTF-8", "US-ASCII"),
		"NUL":               instead("Kommunen", "K\x00"),
		"deep":              instead(body, deep+body),
		"huge attribute":    instead(body, `<memo:MessageBody x="`+strings.Repeat("x", 200_000)+`">`),
		"many attributes":   instead(body, `<memo:MessageBody`+manyAttributes()+`>`),
		"huge name":         "<" + strings.Repeat("x", 200_000) + "/>",
		"huge text":         instead("Kommunen", strings.Repeat(" ", 100_000)),
		"trailing text":     full12 + "x",
		"trailing element":  full12 + "<a/>",
		"trailing NUL":      full12 + "\x00",
		"cut":               full12[:len(full12)/2],
		"other root":        `<a xmlns="https://DigitalPost.dk/MeMo-1"/>`,
		"MeMo 1.0":          instead(`memoVersion="1.2"`, `memoVersion="1.0"`),
		"million documents": instead(technical, strings.Repeat(additional, 10_000)+technical),
	} {
		_, err := memo.Read(strings.NewReader(xml))
		form, ok := err.(*memo.FormError)
		if !ok || len(form.Errors) == 0 || form.Errors[0].Code == "" || form.Errors[0].Rule == "" {
			t.Errorf("%s: error = %v, want a *FormError with code and rule", name, err)
		}
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, ` a%d="x"`, i)
	}
	return b.String()
}

func TestErrorsNameTheElementAndTheRule(t *testing.T) {
	xml := strings.Replace(full12, "<memo:label>Kommunen</memo:label>", "", 1)
	xml = strings.Replace(xml, "<memo:language>da<", "<memo:language>dan<", 1)
	_, err := memo.Read(strings.NewReader(xml))
	want := []memo.FieldError{
		{Path: "Message/MessageHeader/Sender/label", Code: memo.CodeMissing, Rule: "is required here"},
		{Path: "Message/MessageHeader/Sender/AttentionData", Code: memo.CodeUnexpected, Rule: "is not allowed here"},
	}
	form, _ := err.(*memo.FormError)
	if form == nil || !strings.Contains(fmt.Sprint(form.Errors), "File/language") ||
		!strings.Contains(fmt.Sprint(form.Errors), want[1].Path) {
		t.Fatalf("errors = %+v", err)
	}
}

func TestQuirksOfRealSenders(t *testing.T) {
	other := strings.NewReplacer("xmlns:memo", "xmlns:m", "<memo:", "<m:", "</memo:", "</m:",
		"<memo:idType>CPR", "<memo:idType>cpr")
	m := read(t, other.Replace(full12))
	if m.UUID().String() != "8c2ea15d-61fb-4ba9-9366-42f8b194c114" || m.Version != 12 ||
		m.Header().Get("Sender", "label") != "Kommunen" {
		t.Fatalf("read %v", m.Header())
	}
	for _, enc := range []struct {
		name string
		make func(string) (string, error)
	}{
		{"ISO-8859-1", charmap.ISO8859_1.NewEncoder().String},
		{"windows-1252", charmap.Windows1252.NewEncoder().String},
		{"UTF-16", unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String},
	} {
		raw, err := enc.make(strings.Replace(full12, "UTF-8", enc.name, 1))
		if err != nil {
			t.Fatal(err)
		}
		m := read(t, raw)
		if got := m.Header().Get("label"); got != "Pladsanvisning æøå" {
			t.Errorf("%s: label = %q", enc.name, got)
		}
		got, err := io.ReadAll(m.Content(strings.NewReader(raw), int64(len(raw)), files(m)[1]))
		if err != nil || string(got) != "This is a test" {
			t.Errorf("%s: content = %q, %v", enc.name, got, err)
		}
	}
}

func TestContentIsReadByRangeHoweverItIsWritten(t *testing.T) {
	body := make([]byte, 200_001)
	for i := range body {
		body[i] = byte(i * i >> 3)
	}
	dense := base64.StdEncoding.EncodeToString(body)
	var lines strings.Builder
	for i := 0; i < len(dense); i += 76 {
		lines.WriteString(dense[i:min(i+76, len(dense))] + "\r\n")
	}
	for name, text := range map[string]string{
		"dense":     dense,
		"lines":     lines.String(),
		"indented":  "\n\t" + dense + "\n\t",
		"cdata":     dense[:1000] + "<![CDATA[" + dense[1000:] + "]]>",
		"comment":   dense[:999] + "<!-- c -->" + dense[999:],
		"reference": fmt.Sprintf("&#%d;", dense[0]) + dense[1:],
	} {
		raw := strings.Replace(full12, "VGhpcyBpcyBhIHRlc3Q=", text, 1)
		m := read(t, raw)
		x := files(m)[0]
		if x.Size != int64(len(body)) {
			t.Fatalf("%s: size %d, want %d", name, x.Size, len(body))
		}
		c := m.Content(strings.NewReader(raw), int64(len(raw)), x)
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%s: does not read back: %v", name, err)
		}
		for range 30 {
			at := rand.Int64N(x.Size)
			p := make([]byte, 1+rand.Int64N(min(5000, x.Size-at)))
			c.Seek(at, io.SeekStart)
			if _, err := io.ReadFull(c, p); err != nil || !bytes.Equal(p, body[at:at+int64(len(p))]) {
				t.Fatalf("%s: range %d+%d: %v", name, at, len(p), err)
			}
		}
	}
}

func TestALargeDocumentIsNotHeld(t *testing.T) {
	head, tail, _ := strings.Cut(full12, "VGhpcyBpcyBhIHRlc3Q=")
	large := io.MultiReader(strings.NewReader(head), io.LimitReader(as{}, 80_000_000), strings.NewReader(tail))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := memo.Read(large)
	runtime.ReadMemStats(&after)
	if err != nil || files(m)[0].Size != 60_000_000 {
		t.Fatalf("Read = %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("reading 80 MB allocated %d bytes", n)
	}
}

type as struct{}

func (as) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(full12))
	f.Add([]byte(full11))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := memo.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, x := range files(m) {
			got, err := io.ReadAll(m.Content(bytes.NewReader(b), int64(len(b)), x))
			if err != nil || int64(len(got)) != x.Size {
				t.Fatalf("a valid file has %d bytes, want %d: %v", len(got), x.Size, err)
			}
		}
	})
}
