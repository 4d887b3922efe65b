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
)

// Hostile HTML, and a file that says that it is a picture and isn't, are opened in a real browser within the platform's own origin: in the window itself, in frames
// and as objects. Their script never runs. The control serves the same without our headers: it does.
func TestHostilePostDoesNotRunInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: hostile post is not tried in a real browser")
	}
	w := start(t, t.TempDir()+"/var")
	s := w.d.SenderSystems[0]
	hostile := map[string]string{
		"text/html":     `<html><body><script>fetch("/ran?"+location.pathname)</script><img src=x onerror='fetch("/ran?img")'></body></html>`,
		"image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload='fetch("/ran?svg")'><script>fetch("/ran?svg-script")</script></svg>`,
		"text/plain":    `<html><script>fetch("/ran?sniffed")</script></html>`,
	}
	for format, content := range hostile {
		uuid := newUUID4()
		xml := write(uuid, s.CVR, "Afsender", w.d.People[0].CPR, format, content)
		xml = strings.Replace(xml, "text/plain", format, 1)
		if _, err := w.sender.post(uuid, strings.NewReader(xml)); err != nil {
			t.Fatal(err)
		}
	}
	me := w.person(w.d.People[0].CPR, "app")
	v, err := me.look()
	if err != nil || len(v.messages) == 0 {
		t.Fatalf("%d messages, %v", len(v.messages), err)
	}
	var paths []string
	for _, m := range v.messages {
		paths = append(paths, "/apis/v1/mailboxes/"+v.mailbox+"/messages/"+m.ID+"/documents/"+m.Documents[0].ID+"/files/"+m.Documents[0].Files[0].ID+"/content")
	}
	t.Logf("%d of %d hostile files were delivered", len(paths), len(hostile))

	// The platform: its pages, and the backbone's answers under the same origin.
	var mu sync.Mutex
	var ran []string
	asked := make(chan struct{}, 100)
	var protected atomic.Bool
	protected.Store(true)
	backbone, _ := url.Parse(w.url)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backbone)
			r.Out.Header.Set("Authorization", "Bearer "+me.token)
			r.Out.Header.Del("Origin")
		},
		ModifyResponse: func(r *http.Response) error {
			if !protected.Load() {
				for _, h := range []string{"Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Resource-Policy"} {
					r.Header.Del(h)
				}
			}
			return nil
		},
	}
	platform := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/ran":
			mu.Lock()
			ran = append(ran, r.URL.RawQuery)
			mu.Unlock()
		case r.URL.Path == "/":
			for _, p := range paths {
				fmt.Fprintf(rw, `<iframe src=%q></iframe><object data=%q></object><embed src=%q><img src=%q>`, p, p, p, p)
			}
		default:
			select {
			case asked <- struct{}{}:
			default:
			}
			proxy.ServeHTTP(rw, r)
		}
	}))
	defer platform.Close()
	browse := func(path string) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		// A page is dumped when it has loaded; a download never loads, so the browser is ended a while after it has asked for it.
		cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--dump-dom", platform.URL+path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		cmd.WaitDelay = time.Second
		if path != "/" {
			go func() {
				select {
				case <-asked:
					time.Sleep(1500 * time.Millisecond)
					cancel()
				case <-ctx.Done():
				}
			}()
		}
		out, _ := cmd.CombinedOutput() // its exit code says nothing
		if path == "/" && !strings.Contains(string(out), "<iframe") {
			t.Fatalf("the browser shows no page: %.500s", out)
		}
		for len(asked) > 0 {
			<-asked
		}
	}
	all := func() []string {
		for _, p := range append([]string{"/"}, paths...) {
			browse(p)
		}
		mu.Lock()
		defer mu.Unlock()
		got := ran
		ran = nil
		return got
	}
	if got := all(); len(got) > 0 {
		t.Errorf("script of a message ran in the platform's origin: %v", got)
	}
	protected.Store(false)
	if got := all(); len(got) == 0 {
		t.Error("negative control: without our headers no script ran either, so the browser tells nothing")
	}
}
