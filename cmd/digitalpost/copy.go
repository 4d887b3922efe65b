package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An ownCopy is a copy of what a platform may hold, kept as a provider would: by what is described at /openapi.yaml
// alone. It may be used by many goroutines at once.
type ownCopy struct {
	client   *client
	platform string

	mu   sync.Mutex // guards what follows
	rows map[string]copyRow
	at   uint64 // position up to which all events were taken whole
	last time.Time
}

// A copyRow is a row as it came.
type copyRow struct {
	raw              []byte
	Key, Kind        string
	MailboxID, Scope string
	Position         uint64
}

// A toldEvent is what a platform's servers are told.
type toldEvent struct {
	ID, Type, Subject string
	Time              time.Time
	Data              struct {
		MailboxID, Scope, Platform string
		Rows                       []json.RawMessage
		Gone                       []string
	}
}

// position gives the event's position, and whether it is but a part.
func (e toldEvent) position() (at uint64, part bool) {
	id, _, part := strings.Cut(e.ID, "-")
	if i := strings.LastIndex(id, "."); i >= 0 { // of a log that was restored
		id = id[i+1:]
	}
	at, _ = strconv.ParseUint(id, 10, 64)

	return at, part
}

// ownToken gets a platform's own token, of client credentials.
func (c *client) ownToken(platform, secret string) error {
	var t struct {
		AccessToken string `json:"access_token"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {platform}, "client_secret": {secret}}
	_, err := c.do("POST", "/dev/oauth/token", map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		strings.NewReader(form.Encode()), &t)
	c.token = t.AccessToken

	return err
}

// secretOf finds a platform's secret among what a development server tells of itself.
func (c *client) secretOf(platform string) (string, error) {
	var d struct {
		Platforms []struct {
			ID     string `json:"client_id"`
			Secret string `json:"client_secret"`
		}
	}
	if _, err := c.do("GET", "/dev/", nil, nil, &d); err != nil {
		return "", err
	}

	for _, p := range d.Platforms {
		if p.ID == platform {
			return p.Secret, nil
		}
	}

	return "", fmt.Errorf("there is no platform %s", platform)
}

// snapshot begins the copy anew, and gives the position from which to follow.
func (k *ownCopy) snapshot(ctx context.Context) (from string, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", k.client.url+"/apis/v1/platform/snapshot", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+k.client.token)

	res, err := k.client.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("snapshot: %s", res.Status)
	}

	rows, whole := map[string]copyRow{}, false
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, maxLine)
	for in.Scan() {
		var line struct{ Kind, Position string }
		_ = json.Unmarshal(in.Bytes(), &line) // a row's position is a number
		switch line.Kind {
		case "begin":
			from = line.Position
		case "end":
			whole = true
		default:
			r, err := readCopyRow(in.Bytes())
			if err != nil {
				return "", err
			}
			rows[r.Key] = r
		}
	}

	if err := in.Err(); err != nil {
		return "", fmt.Errorf("the snapshot broke off: %w", err)
	}

	if !whole {
		return "", errors.New("the snapshot broke off")
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows, k.last = rows, time.Now()
	k.at, _ = toldEvent{ID: from}.position()

	return from, nil
}

const maxLine = 4 << 20 // bytes of a line of a feed

func readCopyRow(raw []byte) (r copyRow, err error) {
	r.raw = bytes.Clone(raw)
	return r, json.Unmarshal(raw, &r)
}

// take brings the copy in line with an event. False if it was taken before.
func (k *ownCopy) take(e toldEvent) (bool, error) {
	at, part := e.position()
	k.mu.Lock()
	defer k.mu.Unlock()
	if at <= k.at {
		return false, nil
	}

	if strings.HasSuffix(e.Type, ".mailbox-hidden") {
		for key, r := range k.rows {
			if r.MailboxID == e.Data.MailboxID && r.Scope == e.Data.Scope {
				delete(k.rows, key)
			}
		}
	}

	for _, raw := range e.Data.Rows {
		r, err := readCopyRow(raw)
		if err != nil {
			return false, err
		}

		if held, ok := k.rows[r.Key]; !ok || r.Position > held.Position {
			k.rows[r.Key] = r
		}
	}

	for _, key := range e.Data.Gone {
		delete(k.rows, key)
	}

	if k.last = time.Now(); !part {
		k.at = at
	}

	return true, nil
}

// digest is the sum of the rows' hashes; of a mailbox's public ones alone, if one is named.
func (k *ownCopy) digest(box string) (digest string, rows int) {
	k.mu.Lock()
	defer k.mu.Unlock()

	sum := new(big.Int)
	for _, r := range k.rows {
		if box != "" && (r.Scope != "PUBLIC" || r.MailboxID != box) {
			continue
		}
		h := sha256.Sum256(r.raw)
		sum.Add(sum, new(big.Int).SetBytes(h[:]))
		rows++
	}
	sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256))

	return hex.EncodeToString(sum.FillBytes(make([]byte, sha256.Size))), rows
}

// attest says what the copy is at a position, empty: the last; and gives how that compares.
func (k *ownCopy) attest(position string) (verdict string, rows int, err error) {
	digest, rows := k.digest("")
	body := map[string]string{"digest": digest}
	if position != "" {
		body["position"] = position
	}

	raw, err := json.Marshal(body)
	if err != nil {
		return "", rows, err
	}
	var out struct{ Verdict string }
	kind := map[string]string{"Content-Type": "application/json"}
	_, err = k.client.do("POST", "/apis/v1/platform/attestations", kind, bytes.NewReader(raw), &out)

	return out.Verdict, rows, err
}

// agree says what the copy is until that is so, for a while: what happened last is on its way.
func (k *ownCopy) agree(ctx context.Context) (verdict string, rows int, err error) {
	for end := time.Now().Add(agreesWithin); ; {
		verdict, rows, err = k.attest("")
		if err != nil || verdict == "EQUAL" || time.Now().After(end) || ctx.Err() != nil {
			return verdict, rows, err
		}
		time.Sleep(agreesWithin / 50)
	}
}

const agreesWithin = 10 * time.Second
