package main_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
)

const errorPath = "docs/errors.md"

// A code is what the page of errors says of one.
type code struct {
	name     string
	statuses []int    // sorted; one, as a rule
	texts    []string // those that stand in the code, sorted
}

// Every reason to refuse that is declared anywhere stands on the page of errors, and so has a text.
func TestReasonsAreOnThePage(t *testing.T) {
	page, err := os.ReadFile(errorPath)
	if err != nil {
		t.Fatal(err)
	}

	found := 0
	for path, f := range parse(t).code() {
		for name, value := range stringsOf(f) {
			if value.typed != "Reason" || value.text == "" {
				continue
			}
			found++
			if !bytes.Contains(page, []byte("| `"+value.text+"` |")) {
				t.Errorf("%s: %s, %s, is not on the page: give it a text in adapters/problem", path, name, value.text)
			}
		}
	}
	if found < 50 {
		t.Errorf("%d reasons were found: they are constants of type domain.Reason", found)
	}
}

// A scan collects the codes that adapters answer with, other than for a domain.Reason.
type scan struct {
	constants map[string]string // strings, by package and name
	in        string            // the package that is looked at
	codes     map[string]*code
}

func (s *scan) add(name string, status int, text string) {
	if name == "" || status == 0 {
		return // found out when it runs
	}
	c := s.codes[name]
	if c == nil {
		c = &code{name: name}
		s.codes[name] = c
	}
	if !slices.Contains(c.statuses, status) {
		c.statuses = append(c.statuses, status)
		slices.Sort(c.statuses)
	}
	if !slices.Contains(c.texts, text) && strings.Trim(text, "… ") != "" {
		c.texts = append(c.texts, text)
		slices.Sort(c.texts)
	}
}

// code gives a code that is a literal or a constant; empty for one that is found out when it runs.
func (s *scan) code(e ast.Expr) string {
	if text, whole := literal(e); whole {
		return text
	}
	in := s.in
	if x, ok := e.(*ast.SelectorExpr); ok {
		in = lastName(x.X)
	}
	return s.constants[in+"."+lastName(e)]
}

// status gives the HTTP status that an expression stands for, by number or by name; 0 if it is neither.
func status(e ast.Expr) int {
	if lit, ok := e.(*ast.BasicLit); ok {
		n, _ := strconv.Atoi(lit.Value)
		return n
	}
	for n := 400; n < 600; n++ {
		if "Status"+strings.Map(letters, http.StatusText(n)) == lastName(e) {
			return n
		}
	}
	return 0
}

func letters(r rune) rune {
	if strings.ContainsRune(" -'", r) {
		return -1
	}
	return r
}

// look takes the codes of calls of New, later and BadField, and of literals of errors and of rules that fields broke.
func (s *scan) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch name := lastName(n.Fun); {
		case name == "New" && len(n.Args) == 3:
			text, _ := literal(n.Args[2])
			s.add(s.code(n.Args[1]), status(n.Args[0]), text)
		case name == "later" && len(n.Args) == 4:
			text, _ := literal(n.Args[3])
			s.add(s.code(n.Args[2]), status(n.Args[0]), text)
		case name == "BadField" && len(n.Args) == 3:
			s.add(s.code(n.Args[1]), http.StatusBadRequest, "")
		}
	case *ast.CompositeLit:
		fields := map[string]ast.Expr{}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				fields[lastName(kv.Key)] = kv.Value
			}
		}
		text, _ := literal(fields["Message"])
		switch { // an element of a list has no type of its own
		case fields["Code"] != nil && fields["Status"] != nil:
			s.add(s.code(fields["Code"]), status(fields["Status"]), text)
		case fields["Code"] != nil && fields["Rule"] != nil:
			s.add(s.code(fields["Code"]), http.StatusBadRequest, "")
		}
	}
	return true
}

// scanned gives the codes that stand in the adapters and in the program.
func scanned(t *testing.T) map[string]*code {
	s := scan{constants: map[string]string{}, codes: map[string]*code{}}
	files := parse(t).code()
	maps.DeleteFunc(files, func(path string, _ *ast.File) bool {
		return !strings.HasPrefix(path, "adapters/") && !strings.HasPrefix(path, "cmd/")
	})

	for path, f := range files {
		for name, c := range stringsOf(f) {
			s.constants[pkg(path)+"."+name] = c.text
			if pkg(path) == "memo" && strings.HasPrefix(name, "Code") {
				s.add(c.text, http.StatusBadRequest, "")
			}
		}
	}
	for path, f := range files {
		s.in = pkg(path)
		ast.Inspect(f, s.look)
	}
	return s.codes
}

// meant says what a code means whose text differs from answer to answer.
var meant = map[string]string{
	"memo.not.well.formed":       "it is no well-formed XML, or its encoding is not known",
	"memo.version.not.supported": "memoVersion is neither 1.1 nor 1.2",
	"memo.element.not.allowed":   "an element stands where it may not",
	"memo.element.missing":       "an element is missing",
	"memo.value.not.valid":       "an element's text is not of its type",
	"memo.attribute.not.valid":   "an attribute is missing, not allowed, or not of its type",
	"memo.too.many.elements":     "it has more elements, or more text beside its files, than is taken",
	"memo.message.uuid.mismatch": "messageUUID is not the parameter memo-message-uuid",
	"parameter.not.valid":        "a parameter breaks its rule",
	"parameter.not.allowed":      "there is no such parameter here",
	"parameter.missing":          "a parameter is required",
	"header.not.valid":           "a header breaks its rule",
	"body.not.valid":             "the body is not what is described, or broke off",
	"part.missing":               "a part of the multipart body is required",
	"field.not.valid":            "a field breaks its rule",
	"field.repeated":             "a field stands twice in an object",
	"issuer.not.answering":       "the issuer of people's tokens has not told its keys for a day",
	"field.not.allowed":          "this field can't be set here",
	"field.missing":              "a field is required",
	"cpr.not.valid":              "ten digits that begin with a date are required",
	"position.not.valid":         "a position that was told is required; 0 is before the first",
	"unauthorized":               "say who you are: with a token, or as a sender system with id, key and certificate",
}

// groups are the page's, in its order; a code goes to the longest prefix that it has, or to the last group.
var groups = []struct{ title, prefixes string }{
	{"A MeMo", "memo. message.uuid."},
	{"Any part of a request", "parameter. header. body. part. field. cpr. position. idempotency. media. method. path."},
	{"Who asks", "unauthorized forbidden client. certificate. loa. no. priv. organisation. too.many."},
	{"Mailboxes and messages", "mailbox. message. version. not.found person. system."},
	{"Folders", "folder."},
	{"Drafts, sending, answering",
		"draft. file. sender.closed contact.point. message.not.draft message.not.replyable receipt."},
	{"Forwarding", "forward."},
	{"Access for others", "access."},
	{"Exemption", "exemption. recipient."},
	{"Consent and settings", "consent. platform. sender. recipient.sender. message.is.private language."},
	{"Contact structure", "contact.group. contacts. contact.point.last contact.point.not.found system.not"},
	{"The server", "internal. storage. clock. busy closed cancelled leaf. mailbox.parked"},
}

// groupOf gives the title of a code's group.
func groupOf(code string) string {
	best, at := "", len(groups)-1
	for i, g := range groups {
		for _, p := range strings.Fields(g.prefixes) {
			if strings.HasPrefix(code, p) && len(p) > len(best) {
				best, at = p, i
			}
		}
	}
	return groups[at].title
}

// errorPage makes the page of errors.
func errorPage(t *testing.T) []byte {
	codes := scanned(t)
	for reason, text := range problem.Texts("en") {
		status := problem.Of(domain.Refuse(domain.Reason(reason))).Status
		codes[reason] = &code{reason, []int{status}, []string{text}}
	}

	var b bytes.Buffer
	b.WriteString(strings.ReplaceAll(errorsIntro, "~", "`"))
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| code | status | text |\n| --- | --- | --- |\n", g.title)
		for _, name := range slices.Sorted(maps.Keys(codes)) {
			if c := codes[name]; groupOf(name) == g.title {
				statuses := strings.Trim(fmt.Sprint(c.statuses), "[]")
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, statuses, c.text())
			}
		}
	}

	b.WriteString(strings.ReplaceAll(receiptsIntro, "~", "`"))
	for _, r := range memo.Rules {
		whose := "ours"
		if r.Official {
			whose = "official"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, r.Status, whose, cell(r.Text))
	}
	return b.Bytes()
}

// text gives what the page says of a code.
func (c code) text() string {
	if m, ok := meant[c.name]; ok {
		return cell(m)
	}
	if len(c.texts) == 0 {
		return "the field's own rule says it"
	}
	return cell(strings.Join(c.texts, "; or: "))
}

// cell makes a text fit into a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// What the page says before its tables; ~ stands for a backquote.
const (
	errorsIntro = `# Error codes

This page is made from the code: ~make golden~ writes it, and a test fails when it is stale.

An answer that is not 2xx is ~application/problem+json~ (RFC 9457). It has the members that clients of Digital Post
know: ~code~, ~message~ and ~fieldErrors~. A program looks at the code, a person at the text. ~fieldErrors~ names the
parts of the request that broke a rule, each with its rule. With 503 and 429 there may be a ~Retry-After~. A 500 is a
fault of the server; it is logged, and shown to nobody.

The texts are English. Those of reasons to refuse are served in Danish, too. Where a text has an ellipsis, a word is put
in. The development issuer's token answers have the codes of OAuth 2.0 (RFC 6749), which are not here.
`
	receiptsIntro = `
## Final receipts

A MeMo that was taken in gets one final receipt. COMPLETED has no code. The codes of the others are here. *Official*
codes are those that existing sender systems know; the others are of our own making.

When a person's draft breaks one of these rules, the answer is 422 with the same code. When a MeMo is only judged, at
~/apis/v1/validations/~, it is 400 with the same code.

| code | receipt | whose | text |
| --- | --- | --- | --- |
`
)

// The page of errors is what the code says; UPDATE_GOLDEN writes it.
func TestErrorPage(t *testing.T) {
	got := errorPage(t)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(errorPath, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(errorPath); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): make golden writes it anew", errorPath, err)
	}
	for name := range meant {
		if !bytes.Contains(got, []byte("| `"+name+"` |")) {
			t.Errorf("no answer has code %s any more, and meant explains it", name)
		}
	}
}
