package reactions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A Text is a text message (SMS).
type Text struct {
	ID   string `json:"id"`   // the same however often it is tried: the gateway sends one
	To   string `json:"to"`   // +45 and 8 digits
	Body string `json:"text"` // what GSM 03.38 or, where that can't, UCS-2 carries
	Kind string `json:"kind"` // notification, reminder, contact or nemsms
}

// A Texter hands a text message to a gateway. It returns nil once that has taken it over, and a *RefusedError for good
// if it never will.
type Texter func(context.Context, Text) error

// A Gateway is one for text messages: POST of a Text as JSON, with the header Idempotency-Key that repeats its id, and
// Authorization where there is a token. 2xx: it is taken over, and sent once, however often the same id comes. 4xx, but
// 401, 403, 408, 425 and 429: it is refused for good. All else: it is tried again.
type Gateway struct {
	URL   string
	Token string // empty: none
	Dev   bool   // http is allowed
}

const gatewayWithin = 5 * time.Second

// Texter gives the means to send by the gateway; an error if the configuration can't be used.
func (g Gateway) Texter() (Texter, error) {
	u, err := url.Parse(g.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !g.Dev) {
		return nil, errors.New("the SMS gateway's address must be https://HOST/…, without credentials")
	}

	client := &http.Client{
		Timeout:       gatewayWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}

	return func(ctx context.Context, t Text) error {
		body, err := json.Marshal(t)
		if err != nil {
			return err
		}

		req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", t.ID)
		if g.Token != "" {
			req.Header.Set("Authorization", "Bearer "+g.Token)
		}

		resp, err := client.Do(req)
		if err != nil {
			return errors.New("the SMS gateway does not answer") // the cause may name the number's request
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // so that the connection is used again

		err = fmt.Errorf("the SMS gateway answers %d", resp.StatusCode)
		switch {
		case resp.StatusCode/100 == 2:
			return nil
		case refuses(resp.StatusCode):
			return &RefusedError{Err: err, ForGood: true}
		}

		return err
	}, nil
}

// refuses reports whether a status says that the same will never be taken.
func refuses(status int) bool {
	return status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooEarly &&
		status != http.StatusTooManyRequests && status != http.StatusUnauthorized && status != http.StatusForbidden
}
