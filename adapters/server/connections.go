package server

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"digitalpost/adapters/identity"
)

// Limits bound what strangers can hold of the server. A field that is zero has its default.
type Limits struct {
	// Connections is how many may be open at once. By default half of the descriptors that the process may have beside
	// ownDescriptors, and at most 65,536: each connection may have a file open that it reads.
	Connections int
	// PerAddress is how many one address may have open: by default a quarter of them. An IPv6 network of 64 bits is
	// one address.
	PerAddress int
	// Stall is how long a body may bring nothing, and 32 KiB of an answer may go untaken: by default 10 s.
	Stall time.Duration
}

const (
	ownDescriptors = 128              // that log, views, keys and packs have for themselves
	leastSockets   = 16               // connections that there are however few descriptors there are
	defaultStall   = 10 * time.Second // see Limits
	writeAtOnce    = 32 << 10         // bytes of an answer that have a deadline of their own
	restless       = time.Second      // who got or gave a byte within it is not put out for another
)

// filled gives the limits with their defaults.
func (l Limits) filled() Limits {
	if l.Connections == 0 {
		var files syscall.Rlimit
		_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) // zero has the least
		l.Connections = int(min(65_536, (max(files.Cur, ownDescriptors)-ownDescriptors)/2))
	}
	l.Connections = max(l.Connections, leastSockets)

	if l.PerAddress == 0 {
		l.PerAddress = l.Connections / 4
	}
	if l.Stall == 0 {
		l.Stall = defaultStall
	}

	return l
}

// Limit gives a listener whose connections keep within limits. When one more comes than there may be, the connection
// that has been still for longest is closed for it: of the same address, if that has too many, or of the address that
// has most. One that was not still for a second is closed only for an address that has fewer; else the new one is
// closed. So those who hold connections and send nothing hold up nobody else.
func Limit(l net.Listener, limits Limits) net.Listener {
	return &listener{Listener: l, limits: limits.filled(), by: map[string]map[*conn]bool{}}
}

type listener struct {
	net.Listener
	limits Limits

	mu   sync.Mutex // guards what follows
	open int
	by   map[string]map[*conn]bool // by address
}

// Accept waits for the next connection that keeps within the limits.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}

		c := &conn{Conn: inner, of: l, address: identity.Address(inner.RemoteAddr().String())}
		c.moved()
		if l.admit(c) {
			return c, nil
		}
		inner.Close()
	}
}

// admit counts a connection, and makes room for it.
func (l *listener) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	own := len(l.by[c.address])
	if own >= l.limits.PerAddress && !l.putOut(l.by[c.address], restless) {
		return false
	}

	if l.open >= l.limits.Connections {
		var most map[*conn]bool
		for _, all := range l.by {
			if len(all) > len(most) {
				most = all
			}
		}
		still := restless
		if own+1 < len(most) {
			still = 0
		}
		if !l.putOut(most, still) {
			return false
		}
	}

	if l.by[c.address] == nil {
		l.by[c.address] = map[*conn]bool{}
	}
	l.by[c.address][c] = true
	l.open++

	return true
}

// putOut closes the one of some connections that has been still for longest; false if none was still for so long. The
// lock is held.
func (l *listener) putOut(some map[*conn]bool, still time.Duration) bool {
	var stillest *conn
	for c := range some {
		if stillest == nil || c.last.Load() < stillest.last.Load() {
			stillest = c
		}
	}

	if stillest == nil || time.Since(time.Unix(0, stillest.last.Load())) < still {
		return false
	}
	l.forget(stillest)
	stillest.Conn.Close()

	return true
}

// forget counts a connection no more. It may be called again. The lock is held.
func (l *listener) forget(c *conn) {
	if !l.by[c.address][c] {
		return
	}

	delete(l.by[c.address], c)
	if len(l.by[c.address]) == 0 {
		delete(l.by, c.address)
	}
	l.open--
}

// A conn knows when it last moved, and does not wait for ever until somebody takes what is written.
type conn struct {
	net.Conn
	of      *listener
	address string
	last    atomic.Int64 // Unix nanoseconds
}

func (c *conn) moved() { c.last.Store(time.Now().UnixNano()) }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.moved()
	}

	return n, err
}

// Write writes in pieces, each of which must be taken within the stall.
func (c *conn) Write(p []byte) (n int, err error) {
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.of.limits.Stall)); err != nil {
			return n, err
		}

		m, err := c.Conn.Write(p[n:min(len(p), n+writeAtOnce)])
		if m > 0 {
			c.moved()
		}
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	c.of.forget(c)
	c.of.mu.Unlock()

	return c.Conn.Close()
}
