package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// told are the platforms that the story shows, with their names.
var told = []struct{ id, name string }{
	{"lifeindenmark", "lifeindenmark.dk"}, {"app", "the app"}, {"eboks", "e-Boks"}, {"mitdk", "mit.dk"},
}

// A teller plays a message's way through the HTTP API, and tells it. After its first error it neither plays nor tells.
type teller struct {
	out    io.Writer
	err    error
	sender *client
	at     map[string]*client // one person, by platform
	box    string             // the person's mailbox
	m      shownMessage       // once it was shown

	texts, receipts int // that had left before the message was sent
}

// story plays a message's way, and tells it.
func story(out io.Writer, url, data string) error {
	t := &teller{out: out, sender: &client{url: url}, at: map[string]*client{}}
	d, err := t.sender.directory()
	if err != nil {
		return err
	}
	who, sys := d.People[0], d.SenderSystems[0]
	t.sender.basic = [2]string{sys.ID, sys.Key}
	for _, p := range told {
		t.at[p.id] = &client{url: url}
		if err := t.at[p.id].signIn(who.CPR, p.id); err != nil {
			return err
		}
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	copies, err := keepCopies(ctx, url)
	if err != nil {
		return err
	}

	t.wantsToBeTold(who.Name)
	t.wantsReceipts(d.Webhooks)
	if t.err != nil {
		return t.err
	}
	t.say("1. %s sends \"Tilbud om plads i daginstitution\" to %s", sys.Organisation, who.Name)
	uuid := newUUID4()
	r, err := t.sender.post(uuid, strings.NewReader(write(uuid, sys.CVR, sys.Organisation, who.CPR,
		"Tilbud om plads i daginstitution", "Kære forælder. Der er en plads fra 1. maj.")))
	if err != nil {
		return err
	}
	t.say("   technical receipt: %s", r.ReceiptStatus)
	t.show()
	t.isTold()
	t.isRead(who.Name)

	if t.err == nil {
		var final shownReceipt
		final, t.err = t.sender.final(r.TransmissionID)
		t.say("5. %s fetches its receipt: %s", sys.Organisation, final)
		t.waits("receipts", t.receipts)
		t.say("   and has been posted it, at its webhook")
	}
	t.writesBack(sys.Organisation)
	t.agree(ctx, copies)
	t.say("9. the log has it all; nobody's text is in it in the open:")
	if t.err == nil {
		t.err = (&replayCmd{Data: data, Mailbox: t.box, From: 1}).print(out)
	}

	t.say("\nIt stays up. Try, in another terminal:")
	t.say("  go run ./cmd/digitalpost send --url %s --to %s --text \"Hej\"", url, who.CPR)
	t.say("  go run ./cmd/digitalpost inbox --url %s --cpr %s --platform eboks", url, who.CPR)
	t.say("  go run ./cmd/digitalpost replay --data %s --mailbox %s --json", data, t.box)
	t.say("  open %s/dev/outbox/ to see what has left it: e-mails, text messages, webhooks", url)
	t.say("Ctrl-C ends it.")
	return t.err
}

// keepCopies begins a copy of what each platform of the story may hold, as a provider keeps it.
func keepCopies(ctx context.Context, url string) (copies []*ownCopy, err error) {
	for _, p := range told {
		cl := &client{url: url}
		if err := (&subscribeCmd{Platform: p.id}).signIn(cl); err != nil {
			return nil, err
		}

		k := &ownCopy{client: cl, platform: p.id}
		from, err := k.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		s := &subscriber{out: io.Discard, copy: k, left: -1}
		go s.sse(ctx, from)
		copies = append(copies, k)
	}

	return copies, nil
}

// agree tells what became of the platforms' copies.
func (t *teller) agree(ctx context.Context, copies []*ownCopy) {
	t.say("8. each platform's servers have kept a copy meanwhile, by snapshot and feed:")
	public := map[string]bool{}
	for i, k := range copies {
		if t.err != nil {
			return
		}

		var verdict string
		var rows int
		if verdict, rows, t.err = k.agree(ctx); t.err != nil {
			return
		}
		t.say("   %-17s %d rows, its digest is %s to the backbone's", told[i].name, rows, verdict)
		digest, _ := k.digest(t.box)
		public[digest] = true
	}

	if len(public) == 1 {
		t.say("   all %d copies of the public part of this mailbox agree, byte for byte", len(copies))
	}
}

func (t *teller) say(format string, args ...any) {
	if t.err == nil {
		fmt.Fprintf(t.out, format+"\n", args...)
	}
}

// look gives what a platform shows.
func (t *teller) look(platform string) (v shown) {
	if t.err == nil {
		v, t.err = t.at[platform].look()
	}
	return v
}

// show tells where the message lies on each platform. The first time, the message is the newest.
func (t *teller) show() {
	for _, p := range told {
		v := t.look(p.id)
		t.box = v.mailbox
		line := "not there"
		for _, x := range v.messages {
			if t.m.ID == "" {
				t.m = x
			}

			if x.ID != t.m.ID {
				continue
			}

			state := "unread"
			if x.Read {
				state = "read"
			}

			line = state + ", in " + v.folders[x.FolderID]
		}

		t.say("   %-17s shows it: %s", p.name, line)
	}
}

// ask sends a request of the person's about the mailbox.
func (t *teller) ask(platform, method, path, kind, body string, out any) {
	if t.err != nil {
		return
	}
	header := map[string]string{"Content-Type": kind}
	_, t.err = t.at[platform].do(method, "/apis/v1/mailboxes/"+t.box+path, header, strings.NewReader(body), out)
}

// isRead plays what a person does with a message that came: each act on another platform, and shown on all.
func (t *teller) isRead(who string) {
	if t.err != nil {
		return
	}
	message := "/messages/" + t.m.ID
	act := func(platform, method, suffix, body string) {
		t.ask(platform, method, message+suffix, "application/json", body, nil)
	}
	t.say("2. %s reads it on e-Boks", who)
	file := "/documents/" + t.m.Documents[0].ID + "/files/" + t.m.Documents[0].Files[0].ID + "/content"
	act("eboks", "GET", file, "")
	act("eboks", "PATCH", "", `{"read":true}`)
	t.show()

	folder := t.look("eboks").folder("Børn")
	if folder == "" {
		var made struct{ ID string }
		t.ask("mitdk", "POST", "/folders/", "application/json", `{"name":"Børn"}`, &made)
		folder = made.ID
	}
	t.say("3. and moves it into the folder Børn on mit.dk")
	act("mitdk", "PATCH", "", `{"folderId":"`+folder+`"}`)
	t.show()

	t.say("4. and deletes it in the app")
	act("app", "DELETE", "", "")
	t.show()
}

// writesBack plays a person's way to an authority: a draft with a file, sent, fetched and answered.
func (t *teller) writesBack(organisation string) {
	if t.err != nil {
		return
	}
	const platform = "lifeindenmark"
	me := t.at[platform]
	var found struct{ ContactPoints []struct{ ID, Name string } }
	_, err := me.do("GET", "/apis/v1/contact-points/?searchTerm=dagtilbud", nil, nil, &found)
	if err != nil || len(found.ContactPoints) == 0 {
		t.err = fmt.Errorf("no contact point is called Dagtilbud: %w", err)
		return
	}
	point := found.ContactPoints[0]
	t.say("6. and writes to %s of %s on lifeindenmark.dk", point.Name, organisation)
	type thing struct {
		ID, MessageUUID string
		Receipt         struct{ ReceiptStatus, ErrorMessage string }
	}
	ask := func(method, suffix, kind, body string) (x thing) {
		t.ask(platform, method, "/messages/"+suffix, kind, body, &x)
		return x
	}
	const json = "application/json"
	draft := ask("POST", "", json, `{"label":"Ja tak til pladsen",
		"recipient":{"contactPoint":{"contactPointId":"`+point.ID+`"}}}`)
	document := ask("POST", draft.ID+"/documents/", json, `{"documentType":"MAIN"}`)
	files := draft.ID + "/documents/" + document.ID + "/files/"
	file := ask("POST", files, json, `{"encodingFormat":"text/plain","filename":"svar.txt","language":"da"}`)
	ask("PUT", files+file.ID+"/content", "text/plain", "Vi tager imod pladsen.")
	sent := ask("POST", draft.ID+"/send", json, "")

	waited := t.takes("/apis/v1/memos/" + sent.MessageUUID)
	sent = ask("GET", sent.ID, "", "")
	t.say("7. %s fetches the MeMo (%d waited) and answers: %s, %s; it lies in SENT everywhere",
		organisation, waited, sent.Receipt.ReceiptStatus, sent.Receipt.ErrorMessage)
}

// takes has the authority's system fetch a MeMo, answer it and delete its copy. It gives how many waited.
func (t *teller) takes(memo string) int {
	var waiting struct{ Content []string }
	if t.err == nil {
		_, t.err = t.sender.do("GET", "/apis/v1/memos/", nil, nil, &waiting)
	}

	for _, step := range []struct{ method, path, body string }{
		{"GET", memo, ""},
		{"POST", memo + "/receipt", `{"receiptStatus":"COMPLETED","errorMessage":"Sag 2026-117"}`},
		{"DELETE", memo, ""},
	} {
		if t.err == nil {
			_, t.err = t.sender.do(step.method, step.path, nil, strings.NewReader(step.body), nil)
		}
	}

	return len(waiting.Content)
}
