package organisation

import "digitalpost/domain"

// Reasons why post finds no way to an authority.
const (
	NoSuchRecipient  domain.Reason = "draft.recipient.not.found"
	CategoryRequired domain.Reason = "contact.point.required"
	PointClosed      domain.Reason = "contact.point.not.open"
	SenderClosed     domain.Reason = "sender.closed"
)

// maxAnswerAttachments is how many additional documents an answer may have that goes to no contact point.
const maxAnswerAttachments = 10

// A Recipient is an organisation as somebody writes to it: facts of the directory.
type Recipient struct {
	Known        bool // that there is an organisation of that number
	Organisation domain.OrganisationID
	Points       []ContactPoint
	Default      domain.SystemID // recipient system of points that name none; zero: there is none
	// Closed reports whether a system takes nothing in any more, since its registration was withdrawn; nil: all do.
	Closed func(domain.SystemID) bool
}

// A Route is where post to an authority goes.
type Route struct {
	Organisation domain.OrganisationID
	Point        ContactPoint // the zero one: to the authority as such
	System       domain.SystemID
}

// Route finds the recipient system for those of a target, at the contact point that was chosen; zero: at the only one
// that is open to them.
func (r Recipient) Route(point domain.UUID, target string) (Route, error) {
	if !r.Known {
		return Route{}, domain.Refuse(NoSuchRecipient)
	}

	var open []ContactPoint
	for _, p := range r.Points {
		if p.Open(target) && (point == domain.UUID{} || p.Point == point) {
			open = append(open, p)
		}
	}

	switch {
	case len(open) > 1:
		return Route{}, domain.Refuse(CategoryRequired)
	case len(open) == 0:
		return Route{}, domain.Refuse(PointClosed)
	}

	out := Route{Organisation: r.Organisation, Point: open[0], System: r.takes(open[0].System)}
	if out.System == (domain.SystemID{}) {
		out.System = r.takes(r.Default)
	}

	if out.System == (domain.SystemID{}) {
		return Route{}, domain.Refuse(PointClosed) // nobody takes its post in
	}

	return out, nil
}

// takes gives a system, or none where it takes nothing in any more.
func (r Recipient) takes(s domain.SystemID) domain.SystemID {
	if r.Closed != nil && r.Closed(s) {
		return domain.SystemID{}
	}

	return s
}

// RouteAnswer is Route for an answer. Who wrote and named no contact point finds out themselves: it goes to their
// default recipient system, in a MeMo of at most maxBytes. One who can't be reached any more is closed.
func (r Recipient) RouteAnswer(point domain.UUID, target string, maxBytes int64) (Route, error) {
	route, err := r.Route(point, target)
	reason, refused := domain.Refused(err)
	switch {
	case !refused:
		return route, err
	case reason == PointClosed, reason == NoSuchRecipient:
		return Route{}, domain.Refuse(SenderClosed)
	case r.takes(r.Default) == domain.SystemID{}:
		return Route{}, err
	}

	return Route{
		Organisation: r.Organisation, System: r.Default,
		Point: ContactPoint{MaxBytes: maxBytes, Attachments: maxAnswerAttachments},
	}, nil
}

// TakesAnswers refuses a message whose sender can't be answered: at the contact point that it names, or any that its
// writer chooses.
func (r Recipient) TakesAnswers(point domain.UUID, target string) error {
	_, err := r.Route(point, target)
	reason, refused := domain.Refused(err)
	switch {
	case !refused:
		return err
	case reason == CategoryRequired && r.anyTakes(target):
		return nil
	}

	return domain.Refuse(SenderClosed)
}

// anyTakes reports whether somebody takes in what comes to any of the points that are open to those of a target.
func (r Recipient) anyTakes(target string) bool {
	for _, p := range r.Points {
		if p.Open(target) && (r.takes(p.System) != domain.SystemID{} || r.takes(r.Default) != domain.SystemID{}) {
			return true
		}
	}

	return false
}
