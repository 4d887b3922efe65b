package messages

import (
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/projections/mailboxes"
)

// answers finds out which senders take answers from a mailbox, each asked for once.
type answers struct {
	directory *organisations.ContactDirectory
	target    string
	known     map[asked]bool
}

// asked is who would be answered: at the contact point that a message names, if any.
type asked struct {
	organisation domain.OrganisationID
	point        domain.UUID
}

func (m *Messages) answersTo(s *mailboxes.Snapshot, box domain.MailboxID) (*answers, error) {
	row, _, err := s.Mailbox(box)
	if err != nil {
		return nil, err
	}

	all, err := m.organisations.Contacts()

	return &answers{all, organisations.TargetOf(row.Owner), map[asked]bool{}}, err
}

// take reports whether an answer to a message would be taken: its sender asks for one, and has a contact point that is
// open to those of the mailbox.
func (a *answers) take(msg Message) bool {
	h := msg.Memo.Header()
	if msg.Row.JudgeReply(h.Get("reply") == "true") != nil {
		return false
	}

	to := asked{organisation: msg.Row.Sender}
	if point, err := domain.ParseUUID(h.Get("Sender", "ContactPoint", "contactPointID")); err == nil {
		to.point = point
	}

	takes, known := a.known[to]
	if !known {
		o, ok := a.directory.Organisation(to.organisation)
		takes = ok && a.directory.Recipient(o.CVR).TakesAnswers(to.point, a.target) == nil
		a.known[to] = takes
	}

	return takes
}
