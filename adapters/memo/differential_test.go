package memo_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
)

const shared = "../../../shared/memo"

// full11 and full12 use every element and attribute of their version.
var full11, full12 = testFile("full-1.1.xml"), testFile("full-1.2.xml")

func testFile(name string) string {
	b, err := os.ReadFile("../../testdata/memo/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

const file = `<memo:File><memo:encodingFormat>application/pdf</memo:encodingFormat>` +
	`<memo:filename>a.pdf</memo:filename><memo:language>da</memo:language>` +
	`<memo:content>VGhpcyBpcyBhIHRlc3Q=</memo:content></memo:File>`

// texts are put in the place of an element's text, whatever its type.
var texts = []string{
	"", " ", "\n\t", "x", " x ", "true", " true ", "TRUE", "1", "0", " 0", "2", "false", "da", "DA", " da", "d", "dan",
	"d1", "da-DK", "x-", "12", "é",

	"2026-02-29", "2024-02-29", "2026-08-30", " 2026-08-30 ", "2026-08-30Z", "2026-08-30+02:00", "2026-08-30-14:00",
	"2026-08-30+14:01", "2026-08-30+15:00", "2026-8-30", "02026-08-30", "12026-08-30", "0000-01-01", "-2026-01-01",
	"2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "2026-08-30T",

	"2026-01-01T00:00:00Z", " 2026-01-01T00:00:00Z ", "2026-01-01T24:00:00Z", "2026-01-01T24:00:01Z",
	"2026-01-01T23:59:60Z", "2026-01-01T23:59:59.Z", "2026-01-01T23:59:59.123456789Z", "2026-01-01T00:00:00",
	"2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00+00:00", "2026-01-01T0:00:00Z", "2026-01-01t00:00:00z",
	"2026-01-01 00:00:00Z", "2026-01-01T00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00.0Z",
	"2026-01-01T24:00:00.5Z", "-0001-01-01T00:00:00Z", "2026-01-01T00:00:00ZZ",

	"VGhp", "VGhpcw==", "VGhpcw=", "VGhpcw", "VGhpcx==", "VGhpc3M=", "VGhpc3N=", "VG hp\ncw = =", "=", "====",
	"VGhp====", "VGhpcw==VGhp", "VGh*", "A", "AA", "AAA", "AAAA", "AA==AA==", "&#86;Ghp", "<![CDATA[VGhp]]>",
	"VG<!-- c -->hp", "VG<?pi x?>hp",

	"https://a.dk", "http://a b", "a:b", ":b", "1:b", "a/1:b", "//host", "//host:80/x", "//host:x", "//host:", "//u@h",
	"//u@h@h", "%41", "%4", "%zz", "a#b#c", "a?b?c", "[x]", "//[::1]/", "//[::1", "//[::1]x", "a[b]", "#[x]", "?[x]",
	"æøå", "a|b", "a\\b", "a^b", "{x}", "mailto:x@y.dk", "https://", "http:///x", "urn:x:y", "#", "?", "//", "///",
	"//:80", "//a//b", "/a//b", "a:", "a:/b", "a://b", "a+b-c.d:e", "//user:pw@h:1/p?q#f", "http://h?q", "http://h#f",

	"1234567890", "9999999999", "10000000000", "9999999999999", "10000000000000", "-5", "+5", "--5", "+-5", " 5 ",
	"007", "00000000000000000000000005", "5.0", "1e3", "-99999999999999999999", "9223372036854775807",
	"-9223372036854775808", "-9223372036854775809",

	"8c2ea15d-61fb-4ba9-9366-42f8b194c114", "8c2ea15d-61fb-3ba9-9366-42f8b194c114",
	"8c2ea15d-61fb-4ba9-7366-42f8b194c114", "8c2ea15d-61fb-4ba9-B366-42f8b194c114",
	" 8c2ea15d-61fb-4ba9-9366-42f8b194c114", "8c2ea15d61fb4ba9936642f8b194c114", "gc2ea15d-61fb-4ba9-9366-42f8b194c114",

	"NEMSMS", "DIGITALPOST ", "digitalpost", "AB12345", "AB123456", "ÆØÅ1234", "<memo:label>x</memo:label>",
	"<!-- c -->", "<?pi?>", "&amp;&lt;&gt;&quot;&apos;", "&#x41;", "&#0;", "&nbsp;", "&", "a&#13;b", "]]>",
	"<![CDATA[]]>", "<![CDATA[x<y]]>", "\x01", "\xff", "\u00a0", "a\u2028b", "\U0001F600",
}

func init() {
	for _, n := range []int{7, 8, 149, 150, 151, 160, 161, 255, 256, 257, 512, 513} {
		for _, x := range []string{"x", "æ", "😀"} {
			texts = append(texts, strings.Repeat(x, n))
		}
		texts = append(texts, strings.Repeat(" ", n)+"x")
	}
	longest, longer := "https://a.dk/"+strings.Repeat("x", 243), "https://a.dk/"+strings.Repeat("x", 244)
	texts = append(texts, longest, longer, " "+longest+" ")
}

type mutant struct{ name, xml string }

var leaf = regexp.MustCompile(`<([a-z]+:[A-Za-z]+)>([^<]*)</([a-z]+:[A-Za-z]+)>`)
var startTag = regexp.MustCompile(`<([a-z]+):([A-Za-z]+)>`)

// attributes are put into each start tag.
var attributes = []string{
	`x="1"`, `xsi:nil="true"`, `xsi:nil="false"`, `xml:lang="da"`, `xsi:schemaLocation="a b"`,
	`xsi:type="dt:memoTextType"`, `xsi:type="xs:string"`, `xsi:type="xs:boolean"`, `xsi:type="xs:base64Binary"`,
	`xsi:foo="1"`, `memo:x="1"`, `xmlns:q="urn:q"`, `xmlns:q=""`, `u:x="1"`,
}

// judged are the names of elements into which every text is put; into others, some are.
const judged = "messageType messageUUID label notification reply replyByDateTime doNotDeliverUntilDate mandatory " +
	"language content url productionUnitNumber globalLocationNumber licenseNumber comment"

// versions are put in the place of the message's.
var versions = []string{
	``, `memoVersion="x"`, `memoVersion=""`, `memoVersion=" 1.2 " x="1"`,
	`memoVersion="1.2" memoSchVersion="1.1.0" `, `memoVersion="1.1"`,
	`memoVersion="1.1" memoSchVersion=""`, `memoVersion="1.1" memoVersion="1.1"`,
}

// A mutator changes a message.
type mutator struct {
	full string
	rng  *rand.Rand
	out  []mutant
}

func (u *mutator) add(name, xml string) { u.out = append(u.out, mutant{name, xml}) }

// mutants changes a message in every place in every way that is cheap, and n times more at random.
func mutants(full string, rng *rand.Rand, n int) []mutant {
	u := &mutator{full: full, rng: rng}
	u.add("unchanged", full)
	for _, at := range startTag.FindAllStringIndex(full, -1) {
		if whole, ok := u.element(at[0]); ok {
			u.changeElement(at[0], whole)
		}
	}

	leaves := leaf.FindAllStringSubmatchIndex(full, -1)
	seen := map[string]bool{}
	for _, at := range leaves { // every text in one element of each name
		name := full[at[2]:at[3]]
		if seen[name] {
			continue
		}
		seen[name] = true
		small := !strings.Contains(judged, name[strings.Index(name, ":")+1:])
		for i, t := range texts {
			if !small || i%9 == len(name)%9 {
				u.add(fmt.Sprintf("text %.40q in %s", t, name), full[:at[4]]+t+full[at[5]:])
			}
		}
	}

	version := regexp.MustCompile(`memoVersion="1.[12]"`)
	for _, v := range versions {
		u.add("version "+v, version.ReplaceAllString(full, v))
	}

	for range n {
		at := leaves[rng.IntN(len(leaves))]
		t := texts[rng.IntN(len(texts))]
		u.add(fmt.Sprintf("text %.40q in %s", t, full[at[2]:at[3]]), full[:at[4]]+t+full[at[5]:])
	}
	return u.out
}

// element returns the whole element that begins at a byte.
func (u *mutator) element(at int) (string, bool) {
	m := startTag.FindStringSubmatch(u.full[at:])
	tag := regexp.MustCompile(`<(/?)` + m[1] + ":" + m[2] + `>`)
	depth := 0
	for _, t := range tag.FindAllStringSubmatchIndex(u.full[at:], -1) {
		if u.full[at+t[2]:at+t[3]] == "/" {
			depth--
		} else {
			depth++
		}
		if depth == 0 {
			return u.full[at : at+t[1]], true
		}
	}
	return "", false
}

// changeElement changes the element that begins at a byte, and what stands beside it.
func (u *mutator) changeElement(at int, whole string) {
	m := startTag.FindStringSubmatch(whole)
	name, before, after := m[1]+":"+m[2], u.full[:at], u.full[at+len(whole):]
	inner := whole[len(name)+2 : len(whole)-len(name)-3]
	put := func(what, xml string) { u.add(what+" "+name, before+xml+after) }

	put("removed", "")
	put("doubled", whole+whole)
	put("many", strings.Repeat(whole, 11))
	put("renamed", "<"+name+"x>"+inner+"</"+name+"x>")
	other := map[string]string{"memo": "grd", "grd": "memo"}[m[1]]
	if other == "" {
		other = "memo"
	}
	put("other namespace", "<"+other+":"+m[2]+">"+inner+"</"+other+":"+m[2]+">")
	put("no namespace", "<"+m[2]+">"+inner+"</"+m[2]+">")
	put("default namespace", "<"+m[2]+` xmlns="https://DigitalPost.dk/MeMo-1">`+inner+"</"+m[2]+">")
	put("empty", "<"+name+"/>")
	put("blank", "<"+name+"> </"+name+">")

	put("text before", "x"+whole)
	put("cdata before", "<![CDATA[ ]]>"+whole)
	put("empty cdata before", "<![CDATA[]]>"+whole)
	put("reference before", "&#32;&#x41;"[:5+u.rng.IntN(2)*6]+whole)
	put("comment before", "<!-- x -->"+whole)
	for _, a := range attributes {
		if u.rng.IntN(4) == 0 {
			put("attribute "+a, "<"+name+" "+a+">"+inner+"</"+name+">")
		}
	}

	if next := startTag.FindStringIndex(after); next != nil && strings.TrimSpace(after[:next[0]]) == "" {
		if sibling, ok := u.element(at + len(whole) + next[0]); ok {
			u.add("swapped "+name, before+sibling+whole+after[next[0]+len(sibling):])
		}
	}
}

func TestVerdictIsTheSchemas(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not installed (Debian: libxml2-utils)")
	}
	if _, err := os.Stat(schemaOf(memo.V12)); err != nil {
		t.Skip("the official schemas are not here: " + shared)
	}
	compared := 0
	for version, full := range map[int]string{11: full11, 12: full12} {
		rng := rand.New(rand.NewPCG(uint64(version), 1))
		all := mutants(full, rng, 100)
		samples, _ := filepath.Glob(fmt.Sprintf("%s/samples-1.%d/*.xml", shared, version-10))
		if len(samples) == 0 {
			t.Fatal("no samples")
		}
		for _, s := range samples {
			b, err := os.ReadFile(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, mutant{"sample " + filepath.Base(s), string(b)})
		}
		verdicts := xmllint(t, schemaOf(version), all)
		valid, wrong := 0, 0
		for i, m := range all {
			_, err := memo.Read(strings.NewReader(m.xml))
			ours := err == nil
			other := fmt.Sprintf(`memoVersion="1.%d"`, 23-version-10)
			if stricter(err) || strings.HasPrefix(m.name, "version") && strings.Contains(m.xml, other) {
				continue // another version's schema is its judge
			}
			compared++
			if verdicts[i] {
				valid++
			}
			if ours != verdicts[i] {
				if wrong++; wrong < 40 {
					t.Errorf("1.%d, %s: valid %v (%v), the schema says %v", version-10, m.name, ours, err, verdicts[i])
				}
			}
		}
		t.Logf("1.%d: %d compared, %d of them valid, %d unlike", version-10, len(all), valid, wrong)
	}
	if compared < 5000 {
		t.Errorf("%d mutants were compared, want 5,000", compared)
	}
}

// schemaOf returns the file of a version's official schema.
func schemaOf(version int) string {
	if version == memo.V11 {
		return shared + "/xsd-1.2/MeMo_core.xsd"
	}
	return shared + "/xsd-1.2/Version1.2/MeMo_core.xsd"
}

// stricter reports whether a refusal is one of those that go beyond the schema.
func stricter(err error) bool {
	form, ok := err.(*memo.FormError)
	return ok && form.Errors[0].Code == memo.CodeVersion
}

// xmllint returns the schema's verdict on each.
func xmllint(t *testing.T, schema string, all []mutant) []bool {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for i, m := range all {
		name := filepath.Join(dir, fmt.Sprintf("%05d.xml", i))
		if err := os.WriteFile(name, []byte(m.xml), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	verdicts := make([]bool, len(all))
	outs := make(chan []byte)
	for half := range 2 { // two at a time
		go func() {
			for at := 500 * half; at < len(names); at += 1000 {
				args := append([]string{"--noout", "--nonet", "--schema", schema}, names[at:min(at+500, len(names))]...)
				out, _ := exec.Command("xmllint", args...).CombinedOutput() // it exits non-zero where one is not valid
				outs <- out
			}
		}()
	}
	for range (len(names) + 499) / 500 {
		out := <-outs
		for _, m := range regexp.MustCompile(`(?m)(\d{5})\.xml validates$`).FindAllSubmatch(out, -1) {
			var i int
			fmt.Sscanf(string(m[1]), "%d", &i)
			verdicts[i] = true
		}
	}
	return verdicts
}
