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

// Refuse makes a rejection.
func Refuse(r Reason) error { return &Rejection{Reason: r} }

// Refused tells whether err is a rejection, and its reason.
func Refused(err error) (Reason, bool) {
	var r *Rejection
	if errors.As(err, &r) {
		return r.Reason, true
	}
	return "", false
}
