package vault_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"digitalpost/adapters/vault"
)

// ownerN is one of many owners.
func ownerN(kind byte, n int) (o vault.Owner) {
	o[0] = kind
	binary.BigEndian.PutUint64(o[8:], uint64(n))
	return o
}

// sealedBy seals something by a leaf, to be opened later.
func sealedBy(t *testing.T, v *vault.Vault, o vault.Owner, leaf uint32) []byte {
	t.Helper()
	k, err := v.Key(o, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return k.Seal("x", "y", o[:])
}

// A made owner is one with whom something was done while the keys were rolled.
type made struct {
	owner     vault.Owner
	number    string
	sealed    []byte
	forgotten bool // leaf 7
	shredded  bool
}

func changeOne(t *testing.T, v *vault.Vault, w, n int) made {
	o, number := ownerN(byte(2+w), n), fmt.Sprint(w, n)
	got, err := v.Enter(vault.Citizen, number, o)
	if err != nil || got != o {
		t.Errorf("Enter = %x, %v", got, err)
	}

	m := made{owner: o, number: number, sealed: sealedBy(t, v, o, 5)}
	switch n % 4 {
	case 1:
		err, m.forgotten = v.Forget(uint64(n), []vault.Leaf{{Owner: o, Leaf: 7}}, nil), true
	case 2:
		err, m.shredded = v.Forget(uint64(n), nil, []vault.Owner{o}), true
	case 3:
		err, m.shredded = v.Discard(o), true
	}
	if err != nil {
		t.Error(err)
	}

	return m
}

// opens reports whether what was sealed by an owner's leaf 5 opens.
func opens(v *vault.Vault, o vault.Owner, sealed []byte) bool {
	k, err := v.Key(o, 5)
	if err != nil {
		return false
	}
	plain, err := k.Open("x", "y", sealed)

	return err == nil && bytes.Equal(plain, o[:])
}

func (m made) check(t *testing.T, v *vault.Vault) {
	t.Helper()
	if id, ok, err := v.Find(vault.Citizen, m.number); err != nil || !ok || id != m.owner {
		t.Errorf("the number of %x: %x, %v, %v", m.owner, id, ok, err)
	}
	if opens(v, m.owner, m.sealed) == m.shredded {
		t.Errorf("%x opens: %v, shredded: %v", m.owner, !m.shredded, m.shredded)
	}
	_, err := v.Key(m.owner, 7)
	if gone := errors.Is(err, vault.ErrForgotten); gone != (m.forgotten || m.shredded) {
		t.Errorf("leaf 7 of %x: %v, forgotten: %v", m.owner, err, m.forgotten)
	}
}

// A roll goes on beside everybody else: what is entered, forgotten and given back meanwhile is so in the new epoch, and
// every other key is the same.
func TestRollBesideOthers(t *testing.T) {
	_, v, _ := begin(t)

	const many, writers, rounds = 25_000, 4, 150
	var all []vault.Owner
	for n := range many {
		all = append(all, ownerN(1, n))
	}
	if err := v.EnterRoot(all...); err != nil {
		t.Fatal(err)
	}
	before := map[int][]byte{}
	for n := 0; n < many; n += 97 {
		before[n] = sealedBy(t, v, all[n], 5)
	}

	mine := make([][]made, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range rounds {
				mine[w] = append(mine[w], changeOne(t, v, w, n))
			}
		})
	}
	rolls := 0
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for going := true; going; rolls++ {
		select {
		case <-done:
			going = false
		default:
		}
		if _, err := v.Roll(); err != nil {
			t.Fatal(err)
		}
	}
	if rolls < 2 {
		t.Fatalf("%d rolls: the test tries nothing", rolls)
	}

	for n, sealed := range before {
		if !opens(v, all[n], sealed) {
			t.Errorf("owner %d has another key, or none", n)
		}
	}
	for _, some := range mine {
		for _, m := range some {
			m.check(t, v)
		}
	}
	if _, _, err := v.Check(); err != nil {
		t.Error(err)
	}
}
