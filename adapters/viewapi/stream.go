package viewapi

import (
	"bufio"
	"encoding/json"
	"net/http"
	"sync"
)

// streamBuffer is how much of an answer is gathered before it begins: what goes wrong before that is still an answer of
// its own.
const streamBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, streamBuffer) }}

// stream answers with a list under a name, one item at a time, and with the members of the head that items gives once
// all are written. An error after the answer has begun breaks it off, so that nobody takes it for the whole.
func stream(w http.ResponseWriter, name string, items func(item func(any) error) (head any, err error)) error {
	out := &begun{ResponseWriter: w}
	buf := buffers.Get().(*bufio.Writer)
	buf.Reset(out)
	defer func() { buf.Reset(nil); buffers.Put(buf) }()

	n := 0
	_, err := buf.WriteString(`{"` + name + `":[`)
	item := func(v any) error {
		if n++; n > 1 {
			if err := buf.WriteByte(','); err != nil {
				return err
			}
		}
		b, err := json.Marshal(v)
		if err == nil {
			_, err = buf.Write(b)
		}
		return err
	}

	var head any
	if err == nil {
		head, err = items(item)
	}

	if err != nil {
		return out.broken(err)
	}

	members, err := json.Marshal(head)
	if err != nil {
		return out.broken(err)
	}

	buf.WriteString("],")
	buf.Write(members[1:]) // all its members, and the brace that ends it
	buf.WriteByte('\n')
	if err := buf.Flush(); err != nil {
		return out.broken(err)
	}

	return nil
}

// begun notes that an answer has begun, with its header.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	if !b.yes {
		b.yes = true
		b.Header().Set("Content-Type", "application/json")
		b.Header().Set("Cache-Control", "no-store")
		b.WriteHeader(http.StatusOK)
	}
	return b.ResponseWriter.Write(p)
}

// broken gives an error to who answers with it, or, where the answer has begun, breaks it off.
func (b *begun) broken(err error) error {
	if b.yes {
		panic(http.ErrAbortHandler)
	}
	return err
}
