package mailboxes_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// A folderCopy is what the model knows of a folder's row, for one audience.
type folderCopy struct {
	position      eventstore.Position
	total, unread int
	parent        domain.FolderID
	version       uint32
}

type place = mailbox.Place

// copied brings the rows that platforms hold in line with a mailbox's state: a folder's row was changed by the event if
// it says something else than before, or the event is the first that it is there with.
func (m model) copied(rec eventstore.Event, s mailbox.State) {
	id := domain.MailboxID(rec.Stream.ID)
	now := map[place]folderCopy{}
	if s.Shown.Opened.Owner != "" {
		for _, f := range mailbox.SystemFolders {
			now[place{Folder: f}] = folderCopy{}
		}
	}

	for f, row := range s.Folders() {
		if row.Version > 0 {
			now[place{Folder: f}] = folderCopy{parent: row.Parent, version: row.Version}
		}
	}

	for p := range m.copies[id] { // a private row stays as long as its folder, with nothing in it
		_, there := now[place{Folder: p.Folder}]
		switch {
		case p.Audience == "":
		case there:
			now[p] = folderCopy{}
		default:
			m.rows[key(id, 'q', p.Folder[:], []byte(p.Audience))] = []byte{}
		}
	}

	for _, row := range s.Messages() {
		if row.Stage != mailbox.Here || row.Draft != nil {
			continue
		}
		p := place{Folder: row.Folder, Audience: row.Audience}
		f := now[p]
		f.total++
		if !row.Read {
			f.unread++
		}
		now[p] = f
	}

	for p, f := range now {
		before, there := m.copies[id][p]
		f.position = before.position
		if !there || f != before {
			f.position = rec.Position
		}
		now[p] = f
	}
	m.copies[id] = now
}

// copyRows gives the rows of a mailbox that platforms may hold, by audience, as the description has them.
func (m model) copyRows(id domain.MailboxID, s mailbox.State) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	scope := func(audience string) string {
		if audience == "" {
			return "PUBLIC"
		}
		return "PRIVATE"
	}

	for p, f := range m.copies[id] {
		shown := mailbox.ShownFolder(id, p.Folder).String()
		row := map[string]any{
			"key": "folder/" + id.String() + "/" + shown, "kind": "folder", "mailboxId": id, "id": shown,
			"folderType": mailbox.FolderType(p.Folder), "position": f.position, "scope": scope(p.Audience),
			"total": f.total, "unread": f.unread,
		}
		switch {
		case p.Audience != "":
			row["key"] = row["key"].(string) + "/private"
		case f.version > 0:
			row["version"] = f.version
			if f.parent != (domain.FolderID{}) {
				row["parentFolderId"] = mailbox.ShownFolder(id, f.parent)
			}
		}
		out[p.Audience] = append(out[p.Audience], row)
	}

	const stamp = "2006-01-02T15:04:05.000Z"
	for msg, r := range s.Messages() {
		if r.Stage != mailbox.Here || r.Draft != nil {
			continue
		}

		row := map[string]any{
			"key": "message/" + id.String() + "/" + msg.String(), "kind": "message", "mailboxId": id, "id": msg,
			"version": r.Version, "folderId": mailbox.ShownFolder(id, r.Folder), "read": r.Read, "flag": r.Flag,
			"receivedDateTime": r.Shown.Received.UTC().Format(stamp), "lastUpdated": r.Shown.Last.UTC().Format(stamp),
			"size": r.Shown.Size, "position": r.Shown.Changed, "scope": scope(r.Audience), "messageState": "RECEIVED",
		}
		if r.Out != nil {
			row["messageState"] = "SENT"
		}
		if r.Shown.Kind != "" {
			row["messageType"] = r.Shown.Kind
		}
		if r.Sender != (domain.OrganisationID{}) {
			row["organisationId"] = r.Sender
		}
		out[r.Audience] = append(out[r.Audience], row)
	}

	return out
}

// A total is a sum over rows.
type total struct {
	hash *big.Int
	rows uint64
}

func (t total) bytes() []byte {
	b := make([]byte, 32)
	new(big.Int).Mod(t.hash, new(big.Int).Lsh(big.NewInt(1), 256)).FillBytes(b)

	return binary.BigEndian.AppendUint64(b, t.rows)
}

// sums are the rows about what platforms hold: of a mailbox, and of all that is visible on each.
func (m model) sums(totals map[string]total) {
	for id, s := range m.states {
		rows, visible := m.copyRows(id, s), []byte{}
		of := map[string]total{}
		for audience, all := range rows {
			t := total{new(big.Int), uint64(len(all))}
			for _, row := range all {
				b, err := json.Marshal(row) // names sorted, no spaces
				if err != nil {
					m.Fatal(err)
				}
				h := sha256.Sum256(b)
				t.hash.Add(t.hash, new(big.Int).SetBytes(h[:]))
			}
			of[audience] = t
			m.rows[key(id, 'y', []byte(audience))] = t.bytes()
		}

		for p, f := range m.copies[id] {
			row := binary.BigEndian.AppendUint64(nil, uint64(f.position))
			row = binary.BigEndian.AppendUint32(row, uint32(f.total))
			row = binary.BigEndian.AppendUint32(row, uint32(f.unread))
			row = binary.BigEndian.AppendUint32(row, f.version)
			m.rows[key(id, 'p', p.Folder[:], []byte(p.Audience))] = append(row, f.parent[:]...)
		}

		for _, name := range []string{"app", "eboks"} {
			on, bits := s.Visible[name], byte(0)
			add := func(audience string, bit byte) {
				bits |= bit
				t := of[audience]
				if t.hash == nil {
					t.hash = new(big.Int)
				}
				sum := totals[name]
				totals[name] = total{new(big.Int).Add(sum.hash, t.hash), sum.rows + t.rows}
			}
			if on.Public {
				add("", 1)
			}
			if on.Private {
				add(name, 2)
			}
			if bits > 0 {
				visible = append(append(visible, bits, byte(len(name))), name...)
				m.rows["\xffv"+name+"\x00"+string(id[:])] = []byte{bits}
			}
		}
		if len(visible) > 0 || m.everShown[id] {
			m.rows[key(id, 'z')] = visible
		}
	}
}

// The rows beyond all mailboxes, as they are after the last event: see copies.go for those at earlier positions.
func (m model) totals() {
	totals := map[string]total{"app": {new(big.Int), 0}, "eboks": {new(big.Int), 0}}
	m.sums(totals)
	for name, t := range totals {
		if m.ever[name] {
			m.rows["\xfft"+name] = t.bytes()
		}
	}
}

// What a digest says of a position that is a multiple of MarkEvery is what the platform's copy was there; so it is once
// more when the view is folded anew.
func TestSumsAtMarks(t *testing.T) {
	store := memstore.New(nil)
	viewtest.New(t, store, 31, 5000)
	f := viewtest.OpenFile(t, t.TempDir()+"/marks", store)
	defer f.Close()

	at := map[eventstore.Position]map[string]mailboxes.Sum{}
	for p := eventstore.Position(mailboxes.MarkEvery); p < store.Last(); p += mailboxes.MarkEvery {
		if err := f.Fold(t.Context(), store, mailboxes.Projection{}, p, 0); err != nil {
			t.Fatal(err)
		}
		at[p] = map[string]mailboxes.Sum{}
		s := snapshot(t, f)
		for _, name := range []string{"app", "eboks"} {
			at[p][name], _ = s.Copies().Total(name, p)
		}
		s.Close()
	}
	viewtest.Fold(t, f, store, mailboxes.Projection{})

	s := snapshot(t, f)
	defer s.Close()
	for p, sums := range at {
		for name, want := range sums {
			if got, ok := s.Copies().Total(name, p); !ok || got != want {
				t.Errorf("Total(%s, %d) = %+v, %v, want %+v as it was then", name, p, got, ok, want)
			}
		}
		if _, ok := s.Copies().Total("app", p+1); ok {
			t.Errorf("Total at %d is known, want none between multiples of %d", p+1, mailboxes.MarkEvery)
		}
	}

	if len(at) < 2 || at[mailboxes.MarkEvery]["eboks"].Rows == 0 {
		t.Errorf("%d marks, the first of e-Boks %+v: too few", len(at), at[mailboxes.MarkEvery]["eboks"])
	}
}

// A mailbox that is parked is in no sum of a platform, and is again once it was folded anew.
func TestAParkedMailboxIsInNoSum(t *testing.T) {
	store := memstore.New(nil)
	viewtest.New(t, store, 5, 400)
	id := viewtest.Boxes[0]
	viewtest.Append(t, store, viewtest.Stream(id), eventstore.Meta{},
		mailbox.MailboxVisible{Platform: "mitdk", Scope: mailbox.Public})
	viewtest.Append(t, store, viewtest.Stream(id), eventstore.Meta{},
		mailbox.MessageMarkedRead{Message: domain.MessageID{0xEE}})
	f := viewtest.Folded(t, store, mailboxes.Projection{})
	s := snapshot(t, f)
	defer s.Close()

	if sum, ok := s.Copies().Total("mitdk", store.Last()); !ok || sum != (mailboxes.Sum{}) {
		t.Errorf("Total of a platform where the one mailbox is parked = %+v, %v, want that of no rows", sum, ok)
	}
}

func snapshot(t *testing.T, f *engine.File) *mailboxes.Snapshot {
	t.Helper()

	s, err := mailboxes.Of(f)
	if err != nil {
		t.Fatal(err)
	}

	return s
}

// noMarks leaves out of the view's rows those of sums at earlier positions, of which the model knows nothing.
func noMarks(rows map[string][]byte) {
	for k := range rows {
		if strings.HasPrefix(k, "\xffh") || k == "\xffl" {
			delete(rows, k)
		}
	}
}
