package mailboxes

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/engine"
)

// What a platform's servers may hold a copy of: see copyrows.go for the rows. Kept for it are, of each mailbox, what a
// folder's row says, the sum over its rows by audience, and where it is visible; and beyond all mailboxes
//
//	0xFF t platform            Sum of all that is visible there
//	0xFF h platform position   that Sum as it was at a position, a multiple of MarkEvery
//	0xFF l                     the last such position, divided by MarkEvery
//	0xFF v platform 0 mailbox  its scopes: 1 public, 2 private, 3 both
//
// A parked mailbox is in no sum of its platforms.

// Positions at which sums are kept, besides the last one.
const (
	MarkEvery = 1000       // positions between two
	MarksFor  = 10_000_000 // positions back
)

const (
	kindTotal   = 't'
	kindMark    = 'h'
	kindMarked  = 'l'
	kindHolders = 'v'
	beyond      = 0xFF // begins the keys of no mailbox

	publicBit, privateBit = 1, 2
)

var markedKey = engine.Key(byte(beyond), kindMarked)

func totalKey(platform string) []byte { return engine.Key(byte(beyond), kindTotal, platform) }

func marksOf(platform string) []byte { return engine.Key(byte(beyond), kindMark, platform, byte(0)) }

func markKey(platform string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(marksOf(platform), position)
}

func holdersOf(platform string) []byte {
	return engine.Key(byte(beyond), kindHolders, platform, byte(0))
}

// A copying is what an event changes of the rows that platforms hold.
type copying struct {
	sums   map[string]Sum // by audience: what is added, modulo 2^256
	counts map[mailbox.Place]mailbox.Count
}

// copied reports whether a message is a row of copies: it is there, and it is no draft.
func copied(m mailbox.Message) bool {
	return m.Stage == mailbox.Here && m.Draft == nil && !mailbox.ForAuthor(m.Audience)
}

// copyMessage takes a message from what it was to what it is.
func (c *change) copyMessage(id domain.MessageID, before, now mailbox.Message) {
	if copied(before) {
		c.sum(before.Audience, messageRow(nil, c.id, id, before), true)
	}

	if copied(now) {
		c.sum(now.Audience, messageRow(nil, c.id, id, now), false)
	}

	mailbox.Counted(before, now, func(p mailbox.Place, more mailbox.Count) {
		if mailbox.ForAuthor(p.Audience) {
			return
		}

		if c.copies.counts == nil {
			c.copies.counts = map[mailbox.Place]mailbox.Count{}
		}
		n := c.copies.counts[p]
		c.copies.counts[p] = mailbox.Count{Total: n.Total + more.Total, Unread: n.Unread + more.Unread}
	})
}

// sum adds a row to the sum of an audience, or takes it away.
func (c *change) sum(audience string, row []byte, away bool) {
	if c.copies.sums == nil {
		c.copies.sums = map[string]Sum{}
	}
	one := Sum{Rows: 1, Hash: sha256.Sum256(row)}
	if away {
		one = one.negative()
	}
	c.copies.sums[audience] = c.copies.sums[audience].plus(one)
}

// copyFolders puts what folders' rows say: of those whose counts have moved, and of those that the event is about.
func (c *change) copyFolders() {
	if _, ok := c.event.(mailbox.Opened); ok {
		for _, f := range mailbox.SystemFolders {
			c.copyFolder(mailbox.Place{Folder: f}, func(*FolderCopy) {})
		}
	}

	for p, more := range c.copies.counts {
		if more == (mailbox.Count{}) {
			continue
		}
		c.copyFolder(p, func(f *FolderCopy) {
			f.Total, f.Unread = f.Total+uint32(more.Total), f.Unread+uint32(more.Unread)
		})
	}

	for id, now := range c.state.Folders() {
		if now.Version == 0 {
			c.uncopyFolder(id)
			continue
		}

		was := folderCopyOf(c.v.Get(folderCopyKey(c.id, id, "")))
		if was.Version == now.Version {
			continue
		}
		c.copyFolder(mailbox.Place{Folder: id}, func(f *FolderCopy) { f.Parent, f.Version = now.Parent, now.Version })
	}
}

// copyFolder changes a folder's row for an audience.
func (c *change) copyFolder(p mailbox.Place, fn func(*FolderCopy)) {
	k := folderCopyKey(c.id, p.Folder, p.Audience)
	stored := c.v.Get(k)
	row := folderCopyOf(stored)
	if stored != nil {
		c.sum(p.Audience, folderRow(nil, c.id, p, row), true)
	}

	fn(&row)
	row.Position = uint64(c.rec.Position)
	c.sum(p.Audience, folderRow(nil, c.id, p, row), false)
	c.v.Put(k, row.bytes())
}

// uncopyFolder takes a folder's rows away, for every audience.
func (c *change) uncopyFolder(id domain.FolderID) {
	prefix := folderCopyKey(c.id, id, "")
	var keys [][]byte
	c.v.Scan(prefix, func(k, stored []byte) bool {
		p := mailbox.Place{Folder: id, Audience: string(k[len(prefix):])}
		c.sum(p.Audience, folderRow(nil, c.id, p, folderCopyOf(stored)), true)
		keys = append(keys, slices.Clone(k))

		return true
	})

	for _, k := range keys {
		c.v.Delete(k)
		if audience := k[len(prefix):]; len(audience) > 0 {
			c.v.Put(key(c.id, kindGoneCopy, id[:], audience), nil)
		}
	}
}

// addUp brings the sums in line: of the mailbox, and of the platforms where it is visible.
func (c *change) addUp() {
	at := visibleIn(c.v.Get(key(c.id, kindVisible)))
	for audience, more := range c.copies.sums {
		if more == (Sum{}) {
			continue
		}
		addTo(c.v, key(c.id, kindSum, []byte(audience)), more)

		for platform, bits := range at {
			if audience == "" && bits&publicBit > 0 || audience == platform && bits&privateBit > 0 {
				addTo(c.v, totalKey(platform), more)
			}
		}
	}

	switch e := c.event.(type) {
	case mailbox.MailboxVisible:
		if e.Again {
			engine.Told(c.v, c.id)
		}
		c.show(at, e.Platform, e.Scope, true)
	case mailbox.MailboxHidden:
		c.show(at, e.Platform, e.Scope, false)
	}
}

// show makes the mailbox visible on a platform, or hides it.
func (c *change) show(at map[string]byte, platform string, scope mailbox.Scope, on bool) {
	bit, audience := byte(publicBit), ""
	if scope == mailbox.Private {
		bit, audience = privateBit, platform
	}

	if on == (at[platform]&bit > 0) {
		return
	}
	at[platform] ^= bit

	// Before its first row a platform had none: the marks until then say so.
	if b := c.v.Get(markedKey); c.v.Get(totalKey(platform)) == nil && len(b) == positionKeyBytes {
		k := markKey(platform, binary.BigEndian.Uint64(b)*MarkEvery)
		c.v.Put(k, make([]byte, sumBytes))
	}

	more := sumOf(c.v.Get(key(c.id, kindSum, []byte(audience))))
	if !on {
		more = more.negative()
	}
	addTo(c.v, totalKey(platform), more)

	holder := append(holdersOf(platform), c.id[:]...)
	if at[platform] == 0 {
		delete(at, platform)
		c.v.Delete(holder)
	} else {
		c.v.Put(holder, []byte{at[platform]})
	}
	c.v.Put(key(c.id, kindVisible), visibleBytes(at))
}

// visibleIn reads where a mailbox is visible: of each platform its scopes (1), the length of its name (1), its name.
func visibleIn(row []byte) map[string]byte {
	out := map[string]byte{}
	for len(row) > 2 {
		end := 2 + int(row[1])
		out[string(row[2:end])] = row[0]
		row = row[end:]
	}

	return out
}

func visibleBytes(at map[string]byte) (row []byte) {
	for _, platform := range slices.Sorted(maps.Keys(at)) {
		row = append(row, at[platform], byte(len(platform)))
		row = append(row, platform...)
	}

	return row
}

// mark keeps the platforms' sums as they were before the event, if a multiple of MarkEvery lies between it and the last
// one. It lies before the event and behind what came before, so that sum holds for every such multiple in between.
func (c *change) mark() {
	now, last := uint64(c.rec.Position-1)/MarkEvery, uint64(0)
	if b := c.v.Get(markedKey); len(b) == positionKeyBytes {
		last = binary.BigEndian.Uint64(b)
	}
	if now <= last {
		return
	}

	c.v.Put(markedKey, binary.BigEndian.AppendUint64(nil, now))
	total := engine.Key(byte(beyond), kindTotal)
	marks, old := map[string][]byte{}, [][]byte{}
	c.v.Scan(total, func(k, row []byte) bool {
		marks[string(k[len(total):])] = slices.Clone(row)
		return true
	})

	for platform, row := range marks {
		c.v.Put(markKey(platform, now*MarkEvery), row)
		c.v.Scan(marksOf(platform), func(k, _ []byte) bool {
			gone := arrivalOf(k)+MarksFor < now*MarkEvery
			if gone {
				old = append(old, slices.Clone(k))
			}

			return gone
		})
	}

	for _, k := range old {
		c.v.Delete(k)
	}
}

// Park takes what the view has of a mailbox out of the sums of its platforms.
func (Projection) Park(v engine.View, id [16]byte) {
	for platform, bits := range visibleIn(v.Get(key(id, kindVisible))) {
		if bits&publicBit > 0 {
			addTo(v, totalKey(platform), sumOf(v.Get(key(id, kindSum))).negative())
		}

		if bits&privateBit > 0 {
			addTo(v, totalKey(platform), sumOf(v.Get(key(id, kindSum, []byte(platform)))).negative())
		}
	}
}
