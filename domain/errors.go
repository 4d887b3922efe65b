package domain

import "errors"

// A Reason is why a rule said no: a code in dotted lower case that adapters turn into answers and receipts.
type Reason string

// A Rejection is a rule's no. It is data, not a fault.
type Rejection struct {
	Reason Reason
	Field  string // what the rule is about, as the caller names it; may be empty
	// Version is the version that a thing stands at, where the reason is that the caller knew another.
	Version uint32
}

func (r *Rejection) Error() string { return "refused: " + string(r.Reason) }

// NotFound refuses what is about a thing that is not there, or not for who asks.
const NotFound Reason = "not.found"

// StaleVersion refuses a change by one who knows the thing at another version.
const StaleVersion Reason = "version.stale"

// AtVersion refuses a change of a thing at version now by one who knows it at version known; 0: they know none.
func AtVersion(now, known uint32) error {
	if known == 0 || known == now {
		return nil
	}

	return &Rejection{Reason: StaleVersion, Version: now}
}

// Refuse makes a rejection.
func Refuse(r Reason) error { return &Rejection{Reason: r} }

// Refused reports whether err is a rejection, and for which reason.
func Refused(err error) (Reason, bool) {
	var r *Rejection
	if errors.As(err, &r) {
		return r.Reason, true
	}
	return "", false
}

// Partly is the outcome of several commands at once of which some were refused: the events of the others stand, and are
// appended. Refused has a place for each command, nil for one that was not refused.
type Partly struct {
	Refused []error
	Any     bool
}

func (p *Partly) Error() string { return "some commands were refused" }
