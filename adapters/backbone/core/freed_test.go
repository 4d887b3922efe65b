package core

import (
	"slices"
	"testing"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
)

// The first shard's id is all zeros: that a leaf is another stream's is said, not read from its id.
func TestLeavesOfTheFirstShardAreForgotten(t *testing.T) {
	mailbox, shard, root := [16]byte{1}, [16]byte{}, domain.UUID{9}

	var f freed
	f.add(mailbox, domain.Freed{
		Leaves: []domain.Leaf{
			{Leaf: 3}, {Leaf: 7, Other: true, Of: shard}, {Leaf: 8, Other: true, Of: [16]byte{15: 2}},
		},
		Roots: []domain.UUID{root}, Documents: []domain.DocumentID{{4}},
	}, nil)

	want := []vault.Leaf{
		{Owner: mailbox, Leaf: 3}, {Owner: shard, Leaf: 7}, {Owner: vault.Owner{15: 2}, Leaf: 8},
	}
	if !slices.Equal(f.leaves, want) {
		t.Errorf("leaves that are forgotten: %v, want %v", f.leaves, want)
	}

	if !slices.Equal(f.roots, []vault.Owner{vault.Owner(root)}) {
		t.Errorf("roots that are shredded: %v, want %v", f.roots, root)
	}

	if !slices.Equal(f.docs, []domain.DocumentID{{4}}) {
		t.Errorf("documents that are freed: %v", f.docs)
	}
}
