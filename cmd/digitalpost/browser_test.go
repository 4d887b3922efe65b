package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// hostile are files that run script if they are let, by the format that they say they have.
var hostile = map[string]string{
	"text/html": `<html><body><script>fetch("/ran?"+location.pathname)</script>` +
		`<img src=x onerror='fetch("/ran?img")'></body></html>`,
	"image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload='fetch("/ran?svg")'>` +
		`<script>fetch("/ran?svg-script")</script></svg>`,
	"text/plain": `<html><script>fetch("/ran?sniffed")</script></html>`,
}

// protections are the headers without which the files would run.
var protections = []string{
	"Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Resource-Policy",
}

// A browsed is a platform: its own pages, and the backbone's answers under the same origin, opened in a real browser.
type browsed struct {
	t         *testing.T
	chromium  string
	url       string
	paths     []string    // of the hostile files
	protected atomic.Bool // whether the backbone's headers are left as they are

	asked chan struct{} // the browser has asked for a file
	mu    sync.Mutex
	ran   []string // what script has asked for
}

// Hostile HTML, and a file that says that it is a picture and isn't, are opened in a real browser within the platform's
// own origin: in the window itself, in frames and as objects. Their script never runs. The control serves the same
// without our headers: it does.
func TestHostilePostDoesNotRunInABrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: hostile post is not tried in a real browser")
	}
	w := start(t)
	for format, content := range hostile {
		uuid, s := servertest.NewUUID(), w.SenderSystems[0]
		xml := servertest.MeMo(uuid, s.CVR, "Afsender", w.People[0].CPR, format, content)
		xml = strings.Replace(xml, "text/plain", format, 1)
		if _, err := w.Sender.Post(uuid, strings.NewReader(xml)); err != nil {
			t.Fatal(err)
		}
	}
	me := w.User(0, "app")
	v := me.See()
	if len(v.Messages) == 0 {
		t.Fatal("no message was delivered")
	}
	t.Logf("%d of %d hostile files were delivered", len(v.Messages), len(hostile))

	b := &browsed{t: t, chromium: chromium, asked: make(chan struct{}, 100)}
	for _, m := range v.Messages {
		b.paths = append(b.paths, w.Messages(0)+m.ID+m.Content())
	}
	platform := httptest.NewServer(b.serve(w.URL, me.Token))
	defer platform.Close()
	b.url = platform.URL
	b.protected.Store(true)
	if got := b.all(); len(got) > 0 {
		t.Errorf("script of a message ran in the platform's origin: %v", got)
	}
	b.protected.Store(false)
	if got := b.all(); len(got) == 0 {
		t.Error("negative control: without our headers no script ran either, so the browser tells nothing")
	}
}

// serve is the platform's server.
func (b *browsed) serve(backbone, token string) http.Handler {
	to, err := url.Parse(backbone)
	if err != nil {
		b.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer "+token)
			r.Out.Header.Del("Origin")
		},
		ModifyResponse: func(r *http.Response) error {
			for _, h := range protections {
				if !b.protected.Load() {
					r.Header.Del(h)
				}
			}
			return nil
		},
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/ran":
			b.mu.Lock()
			b.ran = append(b.ran, r.URL.RawQuery)
			b.mu.Unlock()
		case r.URL.Path == "/":
			for _, p := range b.paths {
				const frames = `<iframe src=%[1]q></iframe><object data=%[1]q></object><embed src=%[1]q><img src=%[1]q>`
				fmt.Fprintf(rw, frames, p)
			}
		default:
			select {
			case b.asked <- struct{}{}:
			default:
			}
			proxy.ServeHTTP(rw, r)
		}
	})
}

// browse opens a page. One is dumped when it has loaded; a download never loads, so the browser is ended a while after
// it has asked for it: that script does not run can't be waited for.
func (b *browsed) browse(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+b.t.TempDir(), "--dump-dom", b.url+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if path != "/" {
		go func() {
			select {
			case <-b.asked:
				time.Sleep(1500 * time.Millisecond)
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	out, _ := cmd.CombinedOutput() // its exit code says nothing
	if path == "/" && !strings.Contains(string(out), "<iframe") {
		b.t.Fatalf("the browser shows no page: %.500s", out)
	}
	for len(b.asked) > 0 {
		<-b.asked
	}
}

// all opens the page and each file, and gives what script has asked for.
func (b *browsed) all() []string {
	b.t.Helper()
	for _, p := range append([]string{"/"}, b.paths...) {
		b.browse(p)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.ran
	b.ran = nil
	return got
}
