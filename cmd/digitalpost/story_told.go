package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// left is what the server's outbox shows of what has left.
type left struct {
	Items []struct{ Kind, ID, To, Subject, Text string }
}

// Contact details of the story, which are nobody's.
const (
	storyMail   = "mette@example.org"
	storyMobile = "20304050"
)

// waits waits until something has left for somebody beyond so many things, and gives the newest, and how many there are
// then.
func (t *teller) waits(to string, beyond int) (text string, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	for t.err == nil {
		var out left
		if _, t.err = t.sender.do("GET", "/dev/outbox/", nil, nil, &out); t.err != nil {
			break
		}

		text, n = "", 0
		for _, x := range out.Items { // the newest first
			if x.To == to {
				if n++; n == 1 {
					text = x.Text
				}
			}
		}

		if n > beyond {
			return strings.TrimSpace(text), n
		}

		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.err = fmt.Errorf("nothing has left for %s", to)
		}
	}

	return "", n
}

var sixDigits = regexp.MustCompile(`[0-9]{6}`)

// subscribed is a contact detail in a person's own access.
type subscribed struct{ ID, ConfirmationTime string }

// wantsToBeTold has the person give an e-mail address and a mobile number, and confirm both by the codes that come.
func (t *teller) wantsToBeTold(who string) {
	t.say("\n0. %s wants to be told of new post, and confirms an e-mail address and a mobile number", who)
	const platform = "lifeindenmark"
	var boxes struct {
		Mailboxes []struct {
			ID     string
			Access struct{ ID string }
		}
	}
	if t.err == nil {
		_, t.err = t.at[platform].do("GET", "/apis/v1/mailboxes/", nil, nil, &boxes)
	}

	if t.err == nil && len(boxes.Mailboxes) == 0 {
		t.err = errors.New("there is no mailbox")
	}

	if t.err != nil {
		return
	}
	t.box = boxes.Mailboxes[0].ID
	access := "/accesses/" + boxes.Mailboxes[0].Access.ID

	_, mails := t.waits(storyMail, -1)
	_, texts := t.waits("+45"+storyMobile, -1)
	var set struct {
		SMS    subscribed   `json:"smsNotificationSubscription"`
		EMails []subscribed `json:"emailNotificationSubscriptions"`
	}
	t.ask(platform, "PUT", access, "application/json", `{"smsNotificationSubscription":{"mobileNumber":"`+storyMobile+
		`"},"emailNotificationSubscriptions":[{"email":"`+storyMail+`"}]}`, &set)

	confirm := func(s subscribed, to string, beyond int) {
		if t.err != nil || s.ConfirmationTime != "" {
			return
		}
		text, _ := t.waits(to, beyond)
		t.ask(platform, "PUT", access+"/subscriptions/"+s.ID+"/verification", "application/json",
			`{"pin":"`+sixDigits.FindString(text)+`"}`, nil)
	}
	confirm(set.SMS, "+45"+storyMobile, texts)
	for _, s := range set.EMails {
		confirm(s, storyMail, mails)
	}
	_, t.texts = t.waits("+45"+storyMobile, -1)
}

// isTold tells what the person's telephone says of new post.
func (t *teller) isTold() {
	text, _ := t.waits("+45"+storyMobile, t.texts)
	t.say("   her telephone says: %s", text)
}

// wantsReceipts has the sender told of its receipts at a webhook of the outbox's, if there is one.
func (t *teller) wantsReceipts(webhooks string) {
	if t.err == nil && webhooks != "" {
		header := map[string]string{"Content-Type": "application/json"}
		_, t.err = t.sender.do("PUT", "/apis/v1/receipts/endpoint", header,
			strings.NewReader(`{"url":"`+webhooks+`receipts"}`), nil)
	}
	_, t.receipts = t.waits("receipts", -1)
}
