package identity_test

import (
	"net/http"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// A system that fails is slowed down; its neighbours at the same address are not, nor is who tries systems that are not
// there any faster.
func TestFailuresKeepOutWhoFails(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	try := func(id, key string, n int) (throttled int) {
		c := w.Basic(id, key)
		for range n {
			if status := c.Code("GET", "/apis/v1/receipts/", ""); status == http.StatusTooManyRequests {
				throttled++
			}
		}
		return throttled
	}
	first, second := w.SenderSystems[0], w.SenderSystems[1]
	if n := try(first.ID, "wrong", 60); n == 0 {
		t.Error("60 failures of one system are not limited")
	}
	if n := try(second.ID, second.Key, 10); n > 0 {
		t.Errorf("its neighbour was refused %d times", n)
	}
	n := 0
	for range 60 {
		n += try(servertest.NewUUID(), "wrong", 1)
	}
	if n == 0 {
		t.Error("60 systems that are not there are not limited")
	}
	if n := try(second.ID, second.Key, 10); n > 0 {
		t.Errorf("its neighbour was refused %d times", n)
	}
}
