package servertest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"digitalpost/adapters/development"
)

// A Reader is somebody who reads a mailbox on a platform, and is told of what comes into it.
type Reader struct {
	*Client
	Access string // the path of their own access
}

// Reads gives a person of the directory who reads a mailbox of the directory, their own or another's, on a platform.
func (w *World) Reads(i, box int, platform string) Reader {
	w.T.Helper()
	c := w.User(i, platform)
	for _, m := range c.Ask(200, "GET", "/apis/v1/mailboxes/", "").List("mailboxes") {
		if m.Text("id") == w.People[box].Mailbox {
			return Reader{c, w.Box(box) + "/accesses/" + m.Text("access", "id")}
		}
	}
	w.T.Fatalf("person %d may not read the mailbox of person %d", i, box)

	return Reader{}
}

// Left gives what has left the server for somebody, the oldest first, as its outbox shows it.
func (w *World) Left(to string) (out []development.OutboxItem) {
	w.T.Helper()
	var shown struct{ Items []development.OutboxItem }
	if _, err := w.Nobody().Do("GET", "/dev/outbox/", nil, &shown); err != nil {
		w.T.Fatal(err)
	}

	for _, x := range slices.Backward(shown.Items) {
		if x.To == to {
			out = append(out, x)
		}
	}

	return out
}

// Leaves waits until so many things have left for somebody, and gives them.
func (w *World) Leaves(to string, n int) []development.OutboxItem {
	w.T.Helper()
	Eventually(w.T, fmt.Sprintf("%d things have left for %s", n, to), func() bool { return len(w.Left(to)) >= n })

	return w.Left(to)
}

var aCode = regexp.MustCompile(`[0-9]{6}`)

// Code waits for the n-th thing that leaves for somebody, from 1, and gives the code in it.
func (w *World) Code(to string, n int) string {
	w.T.Helper()
	return CodeIn(w.Leaves(to, n)[n-1].Text)
}

// CodeIn gives the code in a text; empty if there is none.
func CodeIn(text string) string { return aCode.FindString(text) }

// Verification is the path by which one of their contact details is confirmed.
func (r Reader) Verification(id string) string {
	return r.Access + "/subscriptions/" + id + "/verification"
}

// ToldAt sets an e-mail address, if any, a mobile number, if any, and more fields of the access, if any; and confirms
// what is not confirmed.
func (r Reader) ToldAt(mail, mobile string, more ...string) Thing {
	w := r.w
	w.T.Helper()
	set := more
	if mail != "" {
		set = append(set, fmt.Sprintf(`"emailNotificationSubscriptions":[{"email":%q}]`, mail))
	}

	if mobile != "" {
		set = append(set, fmt.Sprintf(`"smsNotificationSubscription":{"mobileNumber":%q}`, mobile))
	}

	number := "+45" + mobile
	mails, texts := len(w.Left(mail)), len(w.Left(number))
	x := r.Ask(200, "PUT", r.Access, "{"+strings.Join(set, ",")+"}")
	if mail != "" && x.At("emailNotificationSubscriptions", 0, "confirmationTime") == nil {
		id := x.Text("emailNotificationSubscriptions", 0, "id")
		x = r.Ask(200, "PUT", r.Verification(id), fmt.Sprintf(`{"pin":%q}`, w.Code(mail, mails+1)))
	}

	if mobile != "" && x.At("smsNotificationSubscription", "confirmationTime") == nil {
		id := x.Text("smsNotificationSubscription", "id")
		x = r.Ask(200, "PUT", r.Verification(id), fmt.Sprintf(`{"pin":%q}`, w.Code(number, texts+1)))
	}

	return x
}
