package mailboxes

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/engine"
)

// Readers says who reads a mailbox through a platform now.
type Readers struct {
	Own       bool               // the owner, or whoever acts for a company, has signed in there
	Delegates []domain.MailboxID // whose access is in force, and who have signed in there
}

// Readers gives who reads a mailbox through a platform, at a time: those who have signed in there, as long as they may.
// A mailbox that is not there has none.
func (s *Snapshot) Readers(id domain.MailboxID, platform string, now time.Time) (out Readers, err error) {
	if _, ok, err := s.Mailbox(id); err != nil || !ok {
		return out, err
	}

	under := s.signedIn(id, platform)
	out.Own = slices.Contains(under, domain.GrantID{})
	out.Delegates, err = s.stillIn(id, under, now)

	return out, err
}

// stillIn gives the grantees of some grants who have access now, by these or by others.
func (s *Snapshot) stillIn(
	id domain.MailboxID, under []domain.GrantID, now time.Time,
) (out []domain.MailboxID, err error) {
	if len(under) == 0 {
		return nil, nil
	}

	open, err := s.Grants(id)
	if err != nil {
		return nil, err
	}

	in := map[domain.MailboxID]bool{}
	for _, g := range open {
		if g.State == mailbox.Granted && g.Grant.InForce(now) {
			in[g.Grant.Grantee] = true
		}
	}

	for _, g := range under {
		if g == (domain.GrantID{}) {
			continue
		}

		row, ok, err := s.Grant(id, g)
		if err != nil {
			return nil, err
		}

		if ok && in[row.Grant.Grantee] {
			out = append(out, row.Grant.Grantee)
			delete(in, row.Grant.Grantee)
		}
	}

	return out, nil
}

// EverRead gives the delegates who have ever signed in to a mailbox on a platform, whatever became of their access.
func (s *Snapshot) EverRead(id domain.MailboxID, platform string) (map[domain.MailboxID]bool, error) {
	out := map[domain.MailboxID]bool{}
	for _, g := range s.signedIn(id, platform) {
		row, ok, err := s.Grant(id, g)
		if err != nil {
			return nil, err
		}

		if ok {
			out[row.Grant.Grantee] = true
		}
	}

	return out, nil
}

// signedIn gives the grants under which somebody has signed in to a mailbox on a platform; the zero one is none.
func (s *Snapshot) signedIn(id domain.MailboxID, platform string) (out []domain.GrantID) {
	at := looks.SignedIn{}.At()
	prefix := key(id, kindLook, at[:])
	s.s.Scan(prefix, func(k, row []byte) bool {
		if string(k[len(prefix)+idLength:]) == platform {
			out = append(out, domain.GrantID(row[positionKeyBytes:]))
		}

		return true
	})

	return out
}

// EverShown reports whether somebody has ever signed in to a mailbox on a platform, or its owner has said a word about
// consent there; of a mailbox that is gone, too.
func (s *Snapshot) EverShown(id domain.MailboxID, platform string) (bool, error) {
	if len(s.signedIn(id, platform)) > 0 {
		return true, nil
	}

	box, _, err := engine.Row[mailbox.Box](s.s, boxKey(id))
	_, said := box.Consents[platform]

	return said, err
}
