package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server"
	"digitalpost/adapters/server/servertest"
)

// dial connects to a world's server from an address of loopback.
func dial(t testing.TB, w *servertest.World, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })

	return c
}

// announce sends the header of a request that has a body of so many bytes, and none of them.
func announce(t testing.TB, c net.Conn, path string, length int, header string) {
	t.Helper()
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n%s"+
		"Content-Length: %d\r\n\r\n", path, header, length)
	if err != nil {
		t.Fatal(err)
	}
}

// Who holds connections and sends nothing takes nobody else's: neither from many addresses nor from one that others
// share; and is let go.
func TestStrangersHoldNothing(t *testing.T) {
	t.Parallel()
	w := servertest.StartWith(t, servertest.Config{
		Limits: server.Limits{Connections: 40, PerAddress: 20, Stall: 2 * time.Second},
	})

	var held []net.Conn
	for i := range 120 {
		c := dial(t, w, fmt.Sprintf("127.0.0.%d", 2+i%9))
		held = append(held, c)
		if i%3 > 0 {
			announce(t, c, "/apis/v1/memos/", 1_000_000, []string{"", "Authorization: Basic eDp5\r\n"}[i%2])
		}
	}
	for i := range 60 { // of the address that the normal client has
		c := dial(t, w, "127.0.0.1")
		if held = append(held, c); i%2 == 0 {
			announce(t, c, "/apis/v1/memos/", 10, "")
		}
	}

	begun := time.Now()
	w.Send("Brev")
	w.User(0, "app").Find("Brev")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("a normal client waited for %v", took)
	}

	open := 0
	for _, c := range held {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			open++
		}
	}
	if open > 40 {
		t.Errorf("%d connections are open, at most 40 may be", open)
	}
}

// What the header decides is answered before the body comes, and does not wait for it.
func TestHeadersDecideBeforeBodies(t *testing.T) {
	t.Parallel()
	w := servertest.StartWith(t, servertest.Config{Limits: server.Limits{Stall: time.Hour}, NotDescribed: true})

	for status, length := range map[string]int{"401": 1000, "413": 200 << 20} {
		c := dial(t, w, "127.0.0.1")
		header := ""
		if status == "413" {
			r := w.Sender.NewRequest("POST", "/", nil)
			header = "Authorization: " + r.Header.Get("Authorization") + "\r\n"
		}

		announce(t, c, servertest.PostPath(servertest.NewUUID()), length, header)
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s is not answered before the body: %v", status, err)
			continue
		}
		if r.Status[:3] != status || !r.Close {
			t.Errorf("%s, and the connection stays: %v; want %s, and it is closed", r.Status, !r.Close, status)
		}
	}
}

// A whole MeMo may come slowly, as long as something comes.
func TestSlowSenderGetsThrough(t *testing.T) {
	t.Parallel()
	w := servertest.StartWith(t, servertest.Config{Limits: server.Limits{Stall: time.Second}})
	id := servertest.NewUUID()
	in, out := io.Pipe()
	go func() {
		letter := w.Letter(id, "Langsomt", "Hej")
		for len(letter) > 0 {
			n := min(len(letter), 60)
			io.WriteString(out, letter[:n])
			letter = letter[n:]
			time.Sleep(100 * time.Millisecond) // slower than the stall in all, and never as slow as that
		}
		out.Close()
	}()
	begun := time.Now()
	r, err := w.Sender.Do("POST", servertest.PostPath(id), in, nil, servertest.AsXML...)
	if err != nil || r.StatusCode != 201 {
		t.Fatalf("%v, %v", r, err)
	}
	if time.Since(begun) < time.Second {
		t.Error("it was not slow")
	}
	w.User(0, "app").Find("Langsomt")
}

// Who takes nothing of an answer is let go.
func TestSlowReaderIsLetGo(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	w := servertest.StartWith(t, servertest.Config{
		SendBuffer: 4096, Limits: server.Limits{Stall: 500 * time.Millisecond},
	})
	id := servertest.NewUUID()
	letter := servertest.MeMo(id, w.SenderSystems[0].CVR, w.SenderSystems[0].Organisation, w.People[0].CPR, "Brev",
		strings.Repeat("stort ", size/6+1))
	if _, err := w.Sender.Post(id, strings.NewReader(letter)); err != nil {
		t.Fatal(err)
	}
	me := w.User(0, "app")
	_, m := me.Find("Brev")

	c := dial(t, w, "127.0.0.1")
	c.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		w.Messages(0)+m.ID+m.Content(), me.Token)
	time.Sleep(3 * time.Second) // takes nothing
	n, err := io.Copy(io.Discard, c)
	if n >= size {
		t.Errorf("all %d bytes were kept for one who took none (%v)", n, err)
	}
}
