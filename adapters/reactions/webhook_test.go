package reactions

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// What is reserved, private or link-local is never called, and loopback in development alone.
func TestAddressesThatMayBeCalled(t *testing.T) {
	for _, x := range []struct {
		ip              string
		production, dev bool
	}{
		{"8.8.8.8", true, true}, {"2a00:1450::1", true, true},
		{"127.0.0.1", false, true}, {"::1", false, true},
		{"10.0.0.1", false, false}, {"192.168.1.1", false, false}, {"172.16.0.1", false, false},
		{"169.254.169.254", false, false}, {"fe80::1", false, false}, {"fd00::1", false, false},
		{"0.0.0.0", false, false}, {"::", false, false}, {"100.64.0.1", false, false}, {"224.0.0.1", false, false},
		{"255.255.255.255", false, false}, {"64:ff9b::a00:1", false, false}, {"2002:a00:1::", false, false},
		{"::10.0.0.1", false, false}, {"::ffff:0:10.0.0.1", false, false},
	} {
		ip := netip.MustParseAddr(x.ip)
		if got := newWebhook(Outward{}).allowed(ip); got != x.production {
			t.Errorf("in production %s may be called: %v, want %v", x.ip, got, x.production)
		}
		if got := newWebhook(Outward{Dev: true}).allowed(ip); got != x.dev {
			t.Errorf("in development %s may be called: %v, want %v", x.ip, got, x.dev)
		}
	}
}

// What a name means is looked at when it is called: one that means loopback by then is not, whatever it meant before.
func TestNamesAreLookedUpWhenTheyAreCalled(t *testing.T) {
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	w := newWebhook(Outward{})
	for _, address := range []string{"https://" + addr, "https://localhost" + addr[len("127.0.0.1"):]} {
		_, err := w.post(context.Background(), delivery{url: address})
		if !errors.Is(err, errAddress) {
			t.Errorf("post to %s = %v, want that the address is not for others", address, err)
		}
	}
}
