package engine

// A writer is the View that a projection applies events to: changes of its own, the newest layer, over a snapshot.
type writer struct {
	*Snapshot
	changes *layer
	bytes   int
	undo    []undo // what the event that is being applied has changed in changes
}

// An undo is what stood in a writer's changes before.
type undo struct {
	key string
	val []byte
	had bool
}

// keep makes what was applied since the last keep part of the writer.
func (w *writer) keep() { w.undo = w.undo[:0] }

// drop takes back what was applied since the last keep.
func (w *writer) drop() {
	for i := len(w.undo) - 1; i >= 0; i-- {
		if u := w.undo[i]; u.had {
			w.changes.Set(u.key, u.val)
		} else {
			w.changes.Delete(u.key)
		}
	}
	w.keep()
}

func (w *writer) set(key string, val []byte) {
	old, had := w.changes.Set(key, val)
	w.undo = append(w.undo, undo{key, old, had})
	w.bytes += len(key) + len(val) + 64
}

func (s *Snapshot) writer() *writer {
	l := &layer{}
	over := append([]*layer{l}, s.layers...)

	return &writer{changes: l, Snapshot: &Snapshot{
		Position: s.Position, layers: over, file: s.file, tx: s.tx, rows: s.rows,
	}}
}

func (w *writer) Put(key, value []byte) { w.set(string(key), append([]byte{}, value...)) }

func (w *writer) Delete(key []byte) { w.set(string(key), nil) }
