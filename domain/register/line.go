package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"digitalpost/domain"
)

// Types of lines. The first nine are CPR's, the others CVR's.
const (
	Born           = "born"
	Named          = "named"
	MovedIn        = "moved-in"
	Moved          = "moved"
	Left           = "left"
	Returned       = "returned"
	Died           = "died"
	DeathCorrected = "death-corrected"
	NumberChanged  = "number-changed"

	Founded  = "founded"
	Renamed  = "renamed"
	Ceased   = "ceased"
	Reopened = "reopened"
)

// Bounds of a line.
const (
	MaxLine    = 4 << 10 // bytes
	maxName    = 512
	maxAddress = 1024
)

// A Line is one thing that a register says.
type Line struct {
	Seq          uint64 `json:"seq"`
	Type         string `json:"type"`
	At           string `json:"at"` // a date
	CPR          string `json:"cpr,omitempty"`
	CVR          string `json:"cvr,omitempty"`
	NewCPR       string `json:"newCpr,omitempty"`
	Name         string `json:"name,omitempty"`
	BirthDate    string `json:"birthDate,omitempty"` // it outranks the number's
	Municipality string `json:"municipality,omitempty"`
	Address      string `json:"address,omitempty"`
	Protected    *bool  `json:"protected,omitempty"` // the address is; absent: as before
}

// A LineError says what is wrong with a line. It holds nothing of what stands in it.
type LineError struct {
	Seq   uint64 // 0: it is not known
	Place int    // among all that came with it, from 1; 0: it is not known
	Field string
	Rule  string
}

func (e *LineError) Error() string { return e.Where() + ": " + e.Field + " " + e.Rule }

// Where says which line it is.
func (e *LineError) Where() string {
	if e.Seq == 0 && e.Place > 0 {
		return fmt.Sprintf("the line at place %d", e.Place)
	}

	return fmt.Sprintf("line %d", e.Seq)
}

// needed says which fields each type of line needs besides seq, type, at and its number.
var needed = map[Lane]map[string][]string{
	CPR: {
		Born: {"name"}, MovedIn: {"name"}, Named: {"name"}, Moved: nil, Left: nil, Returned: nil, Died: nil,
		DeathCorrected: nil, NumberChanged: {"newCpr"},
	},
	CVR: {Founded: {"name"}, Renamed: {"name"}, Ceased: nil, Reopened: nil},
}

// ParseLine reads a line of a lane. What is wrong with it is a *LineError.
func ParseLine(lane Lane, raw []byte) (l Line, err error) {
	wrong := func(field, rule string) (Line, error) { return l, &LineError{Seq: l.Seq, Field: field, Rule: rule} }
	if len(raw) > MaxLine {
		return wrong("the line", fmt.Sprintf("has more than %d bytes", MaxLine))
	}

	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(&l) != nil || !errors.Is(d.Decode(new(any)), io.EOF) || !utf8.Valid(raw) {
		return wrong("the line", "must be a JSON object with the fields of the schema, and nothing else")
	}

	needs, known := needed[lane][l.Type]
	given := map[string]string{"name": l.Name, "newCpr": l.NewCPR}
	at, atErr := time.Parse(time.DateOnly, l.At)
	switch {
	case l.Seq == 0:
		return wrong("seq", "must be a whole number from 1")
	case !known:
		return wrong("type", "must be one of "+strings.Join(slices.Sorted(maps.Keys(needed[lane])), ", "))
	case atErr != nil || at.Year() < 1800:
		return wrong("at", "must be a date, such as 2026-01-31")
	case len(l.Name) > maxName || domain.HasHidden(l.Name):
		return wrong("name", fmt.Sprintf("must have at most %d bytes, and no control characters", maxName))
	case len(l.Address) > maxAddress:
		return wrong("address", fmt.Sprintf("must have at most %d bytes", maxAddress))
	}

	for _, field := range needs {
		if given[field] == "" {
			return wrong(field, "is missing")
		}
	}

	return l, l.numbers(lane)
}

// numbers checks the numbers, dates and codes of a line.
func (l Line) numbers(lane Lane) error {
	wrong := func(field, rule string) error { return &LineError{Seq: l.Seq, Field: field, Rule: rule} }
	cpr := func(s string) bool { _, err := domain.ParseCPR(s); return err == nil }

	if lane == CVR {
		if _, err := domain.ParseCVR(l.CVR); err != nil || l.CPR != "" || l.NewCPR != "" {
			return wrong("cvr", "must be eight digits, and no cpr beside it")
		}
	} else if !cpr(l.CPR) || l.CVR != "" {
		return wrong("cpr", "must be ten digits that begin with a date, and no cvr beside it")
	}

	if l.NewCPR != "" && (l.Type != NumberChanged || !cpr(l.NewCPR) || l.NewCPR == l.CPR) {
		return wrong("newCpr", "must be another number, of ten digits that begin with a date, in number-changed alone")
	}

	if l.Municipality != "" && !digits(l.Municipality, 4) {
		return wrong("municipality", "must be a code of four digits")
	}

	if _, err := time.Parse(time.DateOnly, l.BirthDate); l.BirthDate != "" && (err != nil || l.BirthDate > l.At) {
		return wrong("birthDate", "must be a date, such as 1990-01-31, and not after at")
	}

	return nil
}

func digits(s string, n int) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}

	return len(s) == n
}

// Same reports whether another line says the same.
func (l Line) Same(other Line) bool {
	is, was := l.Protected, other.Protected
	l.Protected, other.Protected = nil, nil
	if l != other || (is == nil) != (was == nil) {
		return false
	}

	return is == nil || *is == *was
}

// Number gives the number that the line is about.
func (l Line) Number() string {
	if l.CVR != "" {
		return l.CVR
	}

	return l.CPR
}

// On gives the line's date, at its midnight in a place.
func (l Line) On(place *time.Location) time.Time {
	at, _ := time.ParseInLocation(time.DateOnly, l.At, place)
	return at
}

// Born gives the birth date: that of the line, else the number's; false for a company, and where neither says.
func (l Line) Born() (time.Time, bool) {
	if l.BirthDate != "" {
		at, err := time.Parse(time.DateOnly, l.BirthDate)
		return at, err == nil
	}

	cpr, err := domain.ParseCPR(l.CPR)
	if err != nil {
		return time.Time{}, false
	}

	return cpr.BirthDate()
}

// Closes reports whether the line closes a mailbox.
func (l Line) Closes() bool { return l.Type == Died || l.Type == Ceased }
