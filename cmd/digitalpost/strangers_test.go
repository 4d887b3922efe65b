package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// With 400 descriptors, and 600 connections from nine addresses that announce a body and send nothing, a normal client
// is served, the log goes on, and the process lives.
func TestFewDescriptorsAreEnough(t *testing.T) {
	t.Parallel()

	begun := time.Now()
	if err := besideStrangers(t); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 60*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Without the limit of connections, the same strangers keep a normal client out: the control of the test above.
func TestFewDescriptorsAreNotEnoughWithoutLimits(t *testing.T) {
	t.Parallel()

	if err := besideStrangers(t, "--max-connections=100000", "--max-per-address=100000", "--stall=1h"); err == nil {
		t.Error("a normal client was served beside strangers who may hold everything")
	}
}

// besideStrangers serves with 400 descriptors, lets strangers hold connections, and sends and reads a message within
// 10 s.
func besideStrangers(t *testing.T, flags ...string) error {
	t.Helper()
	data := t.TempDir() + "/var"
	c := spawnWith(t, "ulimit -n 400", data, flags)
	w := servertest.At(t, data, c.url)
	me := w.User(0, "app")
	key := w.Sender.NewRequest("GET", "/", nil).Header.Get("Authorization")
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	for i := range 600 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%9))}, Timeout: time.Second}
		s, err := d.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			break // the server takes no more
		}
		t.Cleanup(func() { s.Close() })
		fmt.Fprintf(s, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\nContent-Type: application/xml\r\n"+
			"Content-Length: 1000000\r\n\r\n", servertest.PostPath(servertest.NewUUID()), key)
	}

	served := make(chan error, 1)
	go func() {
		id := servertest.NewUUID()
		if _, err := w.Sender.Post(id, strings.NewReader(w.Letter(id, "Brev", "Hej"))); err != nil {
			served <- err
			return
		}
		_, _, err := me.Shown("Brev")
		served <- err
	}()

	select {
	case err := <-served:
		return err
	case <-time.After(10 * time.Second):
		return fmt.Errorf("a normal client is not served within 10 s")
	}
}
