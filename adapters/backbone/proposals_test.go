package backbone_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/server"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/oplog"
)

// A kill between the approval of a measure and the measure leaves it approved: it is carried out at the next start.
func TestKilledAfterApproval(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	console := proposals.Operator{Console: true}
	b.EndAt("measure approved", func(ctx context.Context) {
		b.Proposals.Propose(ctx, console, oplog.ShredMailbox, box, "why")
	})
	if done := b.Box(box, 0, mailbox.Shredded{}.EventType()); len(done) != 0 {
		t.Fatal("the mailbox was shredded before the kill: the test tries nothing")
	}
	b.Restart()
	b.Until(func() bool {
		left, err := b.Proposals.List(context.Background(), console)
		return err == nil && len(left) == 0
	})

	if done := b.Box(box, 0, mailbox.Shredded{}.EventType()); len(done) != 1 || done[0].Meta.Causation == 0 {
		t.Errorf("after the restart: %+v, want that the mailbox is shredded, by the approval", done)
	}

	b.Restart()
	if done := b.Box(box, 0, mailbox.Shredded{}.EventType()); len(done) != 1 {
		t.Errorf("after another restart: %d times", len(done))
	}
}

// official is an operator, under a mandate of their own.
func official(t *testing.T, b *backbone.Backbone) proposals.Operator {
	t.Helper()

	p := access.Principal{
		Person: core.NewUUID(), Professional: true, Authority: domain.OrganisationID{5},
		Privileges: []access.Privilege{{Right: access.Operator}},
	}
	m, err := b.Mandates.Open(context.Background(), p, "Drift", "1")
	if err != nil {
		t.Fatal(err)
	}
	p.Mandate = m.ID

	return proposals.Operator{Principal: p}
}

// A restored log of real people answers nothing, and does nothing by itself, before an operator has approved of what
// whoever is at the console has done.
func TestRestoreWaitsForASecondOperator(t *testing.T) {
	t.Parallel()

	ctx, dir := context.Background(), t.TempDir()
	data, copied, anew := filepath.Join(dir, "var"), filepath.Join(dir, "copy"), filepath.Join(dir, "anew")
	keys := vault.KeyFolder(filepath.Join(dir, "keys"))
	open := func(data string) *backbone.Backbone {
		t.Helper()
		b, err := backbone.Open(backbone.Config{Dir: data, KMS: keys, SegmentSize: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	b := open(data)
	who := people.Person{Kind: mailbox.Citizen, Number: backbonetest.Mette, Name: "Mette"}
	if _, _, err := b.People.Register(ctx, who); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Backup(copied); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	if _, err := backbone.Restore(copied, anew, keys, backbone.Why{}); err == nil {
		t.Fatal("a log of real people was restored without a reason")
	}
	why := backbone.Why{Reason: "Disken er gået i stykker", CaseNumber: "2026-2"}
	if _, err := backbone.Restore(copied, anew, keys, why); err != nil {
		t.Fatal(err)
	}

	b = open(anew)
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	srv := server.New(server.Config{
		Backbone: b, Tokens: nil, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	status := func(path string) int {
		w := httptest.NewRecorder()
		srv.Handler.ServeHTTP(w, httptest.NewRequest("GET", path, strings.NewReader("")))
		return w.Code
	}
	if !b.Held() || b.Ready() || status("/apis/v1/receipts/") != http.StatusServiceUnavailable {
		t.Errorf("before the approval: held %v, ready %v", b.Held(), b.Ready())
	}
	if got := status("/apis/v1/operations/proposals/"); got != http.StatusUnauthorized {
		t.Errorf("proposals before the approval: %d, want that a token is asked for", got)
	}

	console := proposals.Operator{Console: true}
	all, err := b.Proposals.List(ctx, console)
	if err != nil || len(all) != 1 || all[0].Measure != oplog.GoOnRestored || all[0].Reason != why.Reason {
		t.Fatalf("what is proposed: %+v, %v", all, err)
	}
	m, err := b.Mandates.OpenAtConsole(ctx, "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	console.Mandate = m.ID
	if err := b.Proposals.Approve(ctx, console, all[0].ID); !core.IsReason(err, oplog.ProposalOwn) {
		t.Errorf("approved by who has restored it: %v, want %s", err, oplog.ProposalOwn)
	}
	if err := b.Proposals.Approve(ctx, official(t, b), all[0].ID); err != nil || b.Held() {
		t.Errorf("approved by another: %v, held %v", err, b.Held())
	}
	for !b.Ready() { // its views have caught up soon
		time.Sleep(time.Millisecond)
	}
	if got := status("/apis/v1/receipts/"); got != http.StatusUnauthorized {
		t.Errorf("receipts after the approval: %d", got)
	}
}
