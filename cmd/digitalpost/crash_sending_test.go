package main

import (
	"testing"

	"digitalpost/adapters/server/servertest"
)

// A mortal is a server that is killed again and again, on the same data.
type mortal struct {
	*servertest.World
	t   *testing.T
	now *child
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	data := t.TempDir() + "/var"
	c := spawn(t, data)
	return &mortal{World: servertest.At(t, data, c.url), t: t, now: c}
}

// again starts the server, with an environment that may have it die, and reports whether it serves.
func (m *mortal) again(env ...string) bool {
	m.t.Helper()
	m.now = spawn(m.t, m.Data, env...)
	m.URL = m.now.url
	m.Sender = m.System(0)
	return m.URL != ""
}

// me is the first person in the app, at the server as it runs now.
func (m *mortal) me() *servertest.Client {
	m.t.Helper()
	return m.User(0, "app")
}

// commented counts the messages of a person that are forwarded with a comment.
func (m *mortal) commented(person int, comment string) (n int) {
	m.t.Helper()
	for _, x := range m.User(person, "app").Ask(200, "GET", m.Messages(person), "").List("messages") {
		if x.Text("forwardData", "comment") == comment {
			n++
		}
	}
	return n
}

// Killed between a message's sending and its delivery, or between that and its receipt, it is delivered once, and its
// sender's repeat gets the same answer.
func TestKilledWhileSending(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.Send("Sendes videre")
	_, letter := m.me().Find("Sendes videre")
	path := m.Messages(0) + letter.ID + "/forward"
	draft := m.me().Draft(m.Messages(0), "Til kommunen", m.Point("Borgerservice").Text("id"), "hej")
	m.now.kill()
	for _, step := range []string{"message sent", "forwarded"} {
		body := `{"recipientId":"` + m.People[1].CPR + `","recipientIdType":"CPR","comment":"` + step + `"}`
		key := []string{"Idempotency-Key", step}
		m.again(crashAt(step))
		if status := m.me().Code("POST", path, body, key...); status != 0 {
			t.Errorf("%s: %d, want no answer", step, status)
		}
		died(t, m.now, step)

		m.again()
		me := m.me()
		sent := me.Ask(200, "POST", path, body, key...)
		servertest.Soon(func() bool {
			sent = me.Ask(200, "GET", m.Messages(0)+sent.Text("id"), "")
			return sent.Text("receipt", "receiptStatus") == "COMPLETED"
		})
		delivered, mine := m.commented(1, step), m.commented(0, step)
		if delivered != 1 || mine != 1 || sent.Text("receipt", "receiptStatus") != "COMPLETED" {
			t.Errorf("killed at %q: %d delivered, %d in SENT, receipt %v; want one of each",
				step, delivered, mine, sent.At("receipt"))
		}
		m.now.kill()
	}

	m.again(crashAt("message sent"))
	m.me().Status("POST", draft+"/send", "", "Idempotency-Key", "til kommunen")
	died(t, m.now, "message sent")
	m.again()
	sent := m.me().Ask(200, "POST", draft+"/send", "", "Idempotency-Key", "til kommunen").Text("messageUUID")
	list := m.Sender.Ask(200, "GET", "/apis/v1/memos/", "")
	if list.Text("totalElements") != "1" || list.Text("content", 0) != sent {
		t.Errorf("memos/ = %v, want %s alone", list, sent)
	}
}

// Killed while a recipient system's copy is forgotten, it is forgotten all the same.
func TestKilledWhileACopyIsForgotten(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	point := m.Point("Borgerservice").Text("id")
	for _, step := range []string{"purge in the log", "leaf forgotten"} {
		draft := m.me().Draft(m.Messages(0), step, point, "hej")
		memo := "/apis/v1/memos/" + m.me().Ask(200, "POST", draft+"/send", "").Text("messageUUID")
		m.now.kill()
		if m.again(crashAt(step)) { // it may die before it serves: forgetting is caught up first
			m.Sender.Status("GET", memo, "")
			m.Sender.Status("DELETE", memo, "")
		}
		died(t, m.now, step)

		if !m.again() {
			t.Fatal("the server does not start")
		}
		m.Sender.Status("GET", memo, "")
		m.Sender.Status("DELETE", memo, "") // it may have died before
		m.Sender.Ask(404, "GET", memo, "")
		m.now.kill()
		isSound(t, m.Data)
		m.again()
	}
}
