package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/memo"
)

// registerSteps are the lines in which a register says something, or time passes. Whom a register has named goes by
// that first name from then on; of a line without a date it is today, by the server's clock.
var registerSteps = []step{
	{form(`the (CPR|CVR) register says that (\d+), (.+), (is born|has moved in|is founded)`), (*scenario).becomesKnown},
	{form(`the (CPR|CVR) register says that (\S+) (has died|did not die|has left|has returned|has ceased|goes on)`),
		(*scenario).isSaid},
	{form(`the (CPR) register says that (\S+) has the new number (\d+)`), (*scenario).renumbered},
	{form(`(\d+) (days?|years?) pass(?:es)?`), (*scenario).passes},
	{form(`(\S+) cannot sign in on (\S+)`), (*scenario).cannotSignIn},
	{form(`(\S+) signs in on (\S+)`), (*scenario).signsIn},
}

// now is the server's time, in Copenhagen.
func (s *scenario) now() (time.Time, error) {
	var out struct{ Now time.Time }
	_, err := s.w.Nobody().Do("GET", "/dev/clock", nil, &out)

	return out.Now.In(memo.Copenhagen), err
}

// line has a register say something today.
func (s *scenario) line(register string, line map[string]any) error {
	today, err := s.now()
	if err != nil {
		return err
	}

	lane := strings.ToLower(register)
	s.lines[lane]++
	line["seq"], line["at"] = s.lines[lane], today.Format(time.DateOnly)
	if line["type"] == "born" {
		line["birthDate"] = line["at"]
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}

	var out struct{ Applied int }
	_, err = s.w.Nobody().Do("POST", "/dev/register/"+lane, strings.NewReader(string(b)), &out, "Content-Type",
		"application/x-ndjson")
	if err == nil && out.Applied != 1 {
		err = errors.New("it was not taken")
	}

	return err
}

func (s *scenario) becomesKnown(a []string) error {
	first, _, _ := strings.Cut(a[3], " ")
	s.named[first] = a[2]
	kinds := map[string]string{"is born": "born", "has moved in": "moved-in", "is founded": "founded"}

	return s.line(a[1], map[string]any{"type": kinds[a[4]], strings.ToLower(a[1]): a[2], "name": a[3]})
}

func (s *scenario) isSaid(a []string) error {
	kinds := map[string]string{
		"has died": "died", "did not die": "death-corrected", "has left": "left", "has returned": "returned",
		"has ceased": "ceased", "goes on": "reopened",
	}

	return s.line(a[1], map[string]any{"type": kinds[a[3]], strings.ToLower(a[1]): s.number(a[2])})
}

func (s *scenario) renumbered(a []string) error {
	old := s.number(a[2])
	s.named[a[2]], s.named["Old"+a[2]] = a[3], old

	return s.line(a[1], map[string]any{"type": "number-changed", "cpr": old, "newCpr": a[3]})
}

func (s *scenario) passes(a []string) error {
	n, err := strconv.Atoi(a[1])
	if err != nil {
		return err
	}

	now, err := s.now()
	if err != nil {
		return err
	}

	to := now.AddDate(0, 0, n)
	if strings.HasPrefix(a[2], "year") {
		to = now.AddDate(n, 0, 0)
	}
	_, err = s.w.Nobody().Do("POST", "/dev/clock",
		strings.NewReader(fmt.Sprintf(`{"to":%q}`, to.Format(time.RFC3339))), nil)

	return err
}

func (s *scenario) cannotSignIn(a []string) error {
	if s.signsIn(a) == nil {
		return errors.New("they do")
	}

	return nil
}

func (s *scenario) signsIn(a []string) error {
	number, kind := s.number(a[1]), "cpr"
	if len(number) == 8 {
		kind = "cvr"
	}
	_, err := s.w.Nobody().Do("POST", "/dev/token", strings.NewReader(kind+"="+number+"&client_id="+a[2]), nil,
		"Content-Type", "application/x-www-form-urlencoded")

	return err
}
