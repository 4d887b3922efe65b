package filestore_test

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"

	"digitalpost/eventstore/filestore"
)

// A recorder is a directory in memory that notes every operation, so that the directory can be made again as a power
// cut at any moment may leave it.
type recorder struct {
	noSync   bool
	failSync int // the sync of a segment, counted from 1, that fails; 0: none
	mu       sync.Mutex
	deaf     bool // nothing is noted, as if it had not been done
	ops      []op
}

type op struct {
	kind string // write, sync, syncfail, truncate, rename, remove, syncdir, create
	file *memFile
	name string
	to   string
	at   int64
	data []byte
}

func (r *recorder) note(o op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.deaf {
		r.ops = append(r.ops, o)
	}
}

func (r *recorder) setDeaf(to bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = to
}

// killed gives the directory as a process sees it that starts after the first n operations and a kill: all that was
// written is there, synced or not. What it does is noted behind those operations.
func (r *recorder) killed(n int) *memFS {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &memFS{rec: &recorder{}, files: map[string]*memFile{}}
	twin := map[*memFile]*memFile{}
	for _, o := range r.ops[:n] {
		if o.file != nil {
			if twin[o.file] == nil {
				twin[o.file] = &memFile{}
			}
			o.file = twin[o.file]
		}
		switch o.kind {
		case "write", "truncate":
			o.file.data = applyOp(o.file.data, o)
		case "create", "rename", "remove":
			applyName(out.files, o)
		}
		out.rec.ops = append(out.rec.ops, o)
	}
	return out
}

// fails counts a sync of a segment, and reports whether it is the one that fails.
func (r *recorder) fails() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failSync--
	return r.failSync == 0
}

// left gives how many syncs are still to come until the one that fails.
func (r *recorder) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failSync
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

func (r *recorder) fs() *memFS { return &memFS{rec: r, files: map[string]*memFile{}} }

// image returns the directory after the first n operations and a power cut: what was synced is there; of what was not,
// each write is there, torn at a multiple of 512 bytes, or lost, each by itself; each rename and removal that no
// directory sync followed has happened or not.
func (r *recorder) image(n int, rng *rand.Rand) *memFS {
	r.mu.Lock()
	ops := r.ops[:n]
	r.mu.Unlock()
	contents := map[*memFile][]byte{}
	pending := map[*memFile][]op{}
	apply := func(f *memFile, o op) { contents[f] = applyOp(contents[f], o) }
	names, durableNames := map[string]*memFile{}, map[string]*memFile{}
	var dirOps []op
	for _, o := range ops {
		switch o.kind {
		case "write", "truncate":
			pending[o.file] = append(pending[o.file], o)
		case "sync":
			if !r.noSync {
				for _, p := range pending[o.file] {
					apply(o.file, p)
				}
				pending[o.file] = nil
				if names[o.name] == o.file { // a synced new file is reachable on the file systems we know
					durableNames[o.name] = o.file
				}
			}
		case "syncfail": // each write reached the disk or did not, and all are clean: a later sync writes none of them
			for _, p := range pending[o.file] {
				if p.kind == "truncate" || rng.IntN(3) == 0 {
					apply(o.file, p)
				}
			}
			pending[o.file] = nil
		case "create", "rename", "remove":
			dirOps = append(dirOps, o)
			applyName(names, o)
		case "syncdir":
			if !r.noSync {
				dirOps = nil
				durableNames = maps.Clone(names)
			}
		}
	}
	for f, ps := range pending {
		for _, p := range ps {
			switch rng.IntN(3) {
			case 0: // lost
			case 1:
				apply(f, p)
			case 2:
				if p.kind == "write" && len(p.data) > 512 {
					k := (1 + rng.IntN(len(p.data)/512)) * 512
					p.data = p.data[:min(k, len(p.data))]
					apply(f, p)
				}
			}
		}
	}
	keep := rng.IntN(len(dirOps) + 1) // a directory's changes are kept in order (ordered journal)
	for _, o := range dirOps[:keep] {
		applyName(durableNames, o)
	}
	out := &memFS{files: map[string]*memFile{}}
	for name, f := range durableNames {
		out.files[name] = &memFile{data: append([]byte(nil), contents[f]...)}
	}
	return out
}

func applyName(names map[string]*memFile, o op) {
	switch o.kind {
	case "create":
		names[o.name] = o.file
	case "rename":
		if f, ok := names[o.name]; ok {
			names[o.to] = f
			delete(names, o.name)
		} else {
			names[o.to] = o.file
		}
	case "remove":
		delete(names, o.name)
	}
}

func applyOp(b []byte, o op) []byte {
	if o.kind == "truncate" {
		if int64(len(b)) > o.at {
			return b[:o.at:o.at]
		}
		return append(b, make([]byte, o.at-int64(len(b)))...)
	}
	if end := o.at + int64(len(o.data)); int64(len(b)) < end {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[o.at:], o.data)
	return b
}

type memFS struct {
	rec   *recorder // nil: nothing is noted
	mu    sync.Mutex
	files map[string]*memFile
}

func (m *memFS) note(o op) {
	if m.rec != nil {
		m.rec.note(o)
	}
}

func (m *memFS) Open(name string) (filestore.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[name]
	if !ok {
		f = &memFile{}
		m.files[name] = f
		m.note(op{kind: "create", file: f, name: name})
	}
	return &memHandle{memFile: f, fs: m, name: name}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.files[from]
	m.files[to] = f
	delete(m.files, from)
	m.note(op{kind: "rename", file: f, name: from, to: to})
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.files[name]; ok {
		delete(m.files, name)
		m.note(op{kind: "remove", name: name})
	}
	return nil
}

func (m *memFS) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for n := range m.files {
		names = append(names, n)
	}
	return names, nil
}

func (m *memFS) SyncDir() error                      { m.note(op{kind: "syncdir"}); return nil }
func (m *memFS) Lock(string) (io.Closer, error)      { return io.NopCloser(nil), nil }
func (m *memFS) Free() (free, total uint64, _ error) { return 1 << 40, 1 << 41, nil }

type memFile struct {
	mu   sync.RWMutex
	data []byte
}

type memHandle struct {
	*memFile
	fs   *memFS
	name string
}

func (f *memHandle) do(o op) {
	f.mu.Lock()
	f.data = applyOp(f.data, o)
	f.mu.Unlock()
	o.file, o.name = f.memFile, f.name
	f.fs.note(o)
}

func (f *memHandle) ReadAt(b []byte, at int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memHandle) WriteAt(b []byte, at int64) (int, error) {
	f.do(op{kind: "write", at: at, data: append([]byte(nil), b...)})
	return len(b), nil
}

func (f *memHandle) Sync() error {
	if rec := f.fs.rec; rec != nil && strings.HasPrefix(f.name, "log-") && rec.fails() {
		f.fs.note(op{kind: "syncfail", file: f.memFile, name: f.name})
		return errors.New("input/output error")
	}
	f.fs.note(op{kind: "sync", file: f.memFile, name: f.name})
	return nil
}
func (f *memHandle) Truncate(size int64) error { f.do(op{kind: "truncate", at: size}); return nil }
func (f *memHandle) Allocate(size int64) error {
	f.mu.RLock()
	n := int64(len(f.data))
	f.mu.RUnlock()
	if n < size {
		f.do(op{kind: "truncate", at: size})
	}
	return nil
}
func (f *memHandle) Size() (int64, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return int64(len(f.data)), nil
}
func (f *memHandle) Uncache(int64, int64) {}
func (f *memHandle) Close() error         { return nil }
