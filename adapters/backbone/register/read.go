package register

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"digitalpost/domain/register"
)

// Read reads lines of a lane, as newline-delimited JSON, until the end or MostLines; more says that there may be more.
// What is wrong with one is a *register.LineError; those before it are given.
func Read(lane register.Lane, in *bufio.Scanner) (lines []register.Line, more bool, err error) {
	for place := 1; len(lines) < MostLines; place++ {
		if !in.Scan() {
			if errors.Is(in.Err(), bufio.ErrTooLong) {
				rule := fmt.Sprintf("has more than %d bytes", register.MaxLine)
				err = &register.LineError{Place: place, Field: "the line", Rule: rule}
			} else {
				err = in.Err()
			}

			return lines, false, err
		}

		raw := bytes.TrimSpace(in.Bytes())
		if len(raw) == 0 {
			continue
		}

		l, err := register.ParseLine(lane, raw)
		var wrong *register.LineError
		if errors.As(err, &wrong) {
			wrong.Place = place
		}

		if err != nil {
			return lines, false, err
		}
		lines = append(lines, l)
	}

	return lines, true, nil
}

// Scan makes what Read reads from.
func Scan(in io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, 64<<10), register.MaxLine+1)

	return s
}

// A Feed is where a register's lines come from: a file, a folder of files named *.ndjson, which are read in the order
// of their names, or an address that answers GET with those from ?from= on.
type Feed struct {
	Lane  register.Lane
	From  string        // a path, or a URL
	Every time.Duration // between two looks
}

// Bounds of a feed that is asked over HTTP.
const (
	feedWithin = time.Minute
	maxPause   = 5 * time.Minute // between two tries
)

// Follow takes what a feed has, again and again, until ctx ends. What can't be taken is tried again: nothing that comes
// after it is taken meanwhile.
func (r *Registers) Follow(ctx context.Context, f Feed, log *slog.Logger) {
	one := follower{r, f, map[string]stamp{}}
	pause := f.Every
	for {
		if err := one.look(ctx); err != nil && ctx.Err() == nil {
			log.Error("a register's lines are not taken", "register", string(f.Lane), "error", err)
			pause = min(2*pause, max(maxPause, f.Every))
		} else {
			pause = f.Every
		}

		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// A follower takes what a feed has.
type follower struct {
	*Registers
	feed Feed
	done map[string]stamp // of files that were read to their end
}

// A stamp is by which a file that has changed is known.
type stamp struct {
	size int64
	at   time.Time
}

func (r follower) look(ctx context.Context) error {
	f := r.feed
	if u, err := url.Parse(f.From); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return r.fetch(ctx, u)
	}

	files := []string{f.From}
	if info, err := os.Stat(f.From); err != nil {
		return err
	} else if info.IsDir() {
		entries, err := os.ReadDir(f.From)
		if err != nil {
			return err
		}
		files = nil
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".ndjson") {
				files = append(files, filepath.Join(f.From, e.Name()))
			}
		}
		slices.Sort(files)
	}

	for _, path := range files {
		if err := r.file(ctx, path); err != nil {
			return err
		}
	}

	return nil
}

// file takes what a file has, unless it is as it was when it was read before.
func (r follower) file(ctx context.Context, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()

	info, err := in.Stat()
	if err != nil {
		return err
	}

	now := stamp{info.Size(), info.ModTime()}
	if r.done[path] == now {
		return nil
	}

	if err := r.takeAll(ctx, in); err != nil {
		return err
	}
	r.done[path] = now

	return nil
}

func (r follower) takeAll(ctx context.Context, in io.Reader) error {
	lane := r.feed.Lane
	scan := Scan(in)
	for more := true; more; {
		lines, again, err := Read(lane, scan)
		more = again
		if _, _, takeErr := r.Take(ctx, lane, lines); takeErr != nil || err != nil {
			return errors.Join(takeErr, err)
		}
	}

	return nil
}

func (r follower) fetch(ctx context.Context, u *url.URL) error {
	now, err := r.Status(ctx, r.feed.Lane)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, feedWithin)
	defer cancel()
	q := u.Query()
	q.Set("from", strconv.FormatUint(now.Seq+1, 10))
	ask := *u
	ask.RawQuery = q.Encode()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ask.String(), nil)
	if err != nil {
		return err
	}

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return errors.New("the register does not answer") // the error names its address
	}
	defer res.Body.Close()

	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the register answers %d", res.StatusCode)
	}

	return r.takeAll(ctx, res.Body)
}
