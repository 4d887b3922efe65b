package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore/filestore"
)

// A thief has every file of the data directory, files copied from it before, and every epoch key that is left. It looks
// for wrapped nodes at every byte of every file, in use or in free pages, and knows the formats: it is written from
// their description, not with the vault's code.
type thief struct {
	files [][]byte
	wraps []cipher.AEAD
}

func gcm(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newThief(t *testing.T, data string, copies ...[]byte) *thief {
	t.Helper()
	th := &thief{files: copies}
	err := filepath.WalkDir(data, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var b []byte
			b, err = os.ReadFile(name)
			th.files = append(th.files, b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := filepath.Glob(data + ".keys/epoch/*")
	for _, name := range keys {
		if b, err := os.ReadFile(name); err == nil && len(b) == 32 {
			th.wraps = append(th.wraps, gcm(t, b))
		}
	}
	if len(th.wraps) == 0 {
		t.Fatal("the thief has no key at all")
	}
	return th
}

// leafKeys gives every key of an owner's leaf that can be made of what the thief has.
func (th *thief) leafKeys(owner [16]byte, leaf uint32) (out [][]byte) {
	for _, file := range th.files {
		for at := 0; ; {
			i := bytes.Index(file[at:], owner[:])
			if i < 0 || at+i+21+60 > len(file) {
				break
			}
			row, sealed := file[at+i:at+i+21], file[at+i+21:at+i+81]
			at += i + 1
			first, height := binary.BigEndian.Uint32(row[16:]), uint(row[20])
			if height > 32 || leaf < first || uint64(leaf) >= uint64(first)+1<<height {
				continue
			}
			for _, wrap := range th.wraps {
				node, err := wrap.Open(nil, sealed[:12], sealed[12:], row)
				if err != nil {
					continue
				}
				for h := height; h > 0; h-- {
					sum := sha256.Sum256(append(append([]byte{1}, node...), byte(leaf>>(h-1)&1)))
					node = sum[:]
				}
				out = append(out, node)
			}
		}
	}
	return out
}

// opens reports whether a sealed field can be opened.
func (th *thief) opens(t *testing.T, owner [16]byte, leaf uint32, eventType, field string, sealed []byte) bool {
	bound := append([]byte{}, owner[:]...)
	bound = binary.BigEndian.AppendUint32(bound, leaf)
	bound = append(append(append(bound, eventType...), 0), field...)
	for _, key := range th.leafKeys(owner, leaf) {
		sub := sha256.Sum256(append([]byte{2}, key...))
		if _, err := gcm(t, sub[:]).Open(nil, sealed[:12], sealed[12:], bound); err == nil {
			return true
		}
	}
	return false
}

// reads gives the messages of which the thief can open the outline, where the title is, or the document's key, in the
// mailbox's stream or at intake.
func (th *thief) reads(t *testing.T, data string) map[domain.MessageID]bool {
	t.Helper()
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[domain.MessageID]bool{}
	for rec, err := range b.ReadAll(0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case intake.MemoReceived:
			out[e.Message] = out[e.Message] ||
				th.opens(t, rec.Stream.ID, e.Leaf, rec.Type, "documentKey", e.DocumentKey)
		case mailbox.MessageDelivered:
			if l := e.Letter; l != nil {
				out[e.Message] = out[e.Message] ||
					th.opens(t, rec.Stream.ID, l.Leaf, rec.Type, "documentKey", l.DocumentKey) ||
					th.opens(t, rec.Stream.ID, l.Leaf, rec.Type, "outline", l.Outline)
			}
		}
	}
	return out
}

// readsSent gives, for each message that was sent, whether the thief can open its writer's copy, its drafts or its
// words, and whether it can open the copy that was handed over.
func (th *thief) readsSent(t *testing.T, data string) (own, theirs map[domain.MessageID]bool) {
	t.Helper()
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	own, theirs = map[domain.MessageID]bool{}, map[domain.MessageID]bool{}
	for rec, err := range b.ReadAll(0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case mailbox.DraftSaved:
			own[e.Message] = own[e.Message] || th.opens(t, rec.Stream.ID, e.Leaf, rec.Type, "content", e.Content)
		case mailbox.MessageSent:
			l := e.Letter
			for field, sealed := range map[string]domain.Sealed{
				"documentKey": l.DocumentKey, "outline": l.Outline, "words": l.Words,
			} {
				own[e.Message] = own[e.Message] || th.opens(t, rec.Stream.ID, l.Leaf, rec.Type, field, sealed)
			}
			theirs[e.Message] = th.opens(t, e.Handover.Root, 0, rec.Type, "handoverKey", e.Handover.Key)
		}
	}
	return own, theirs
}
