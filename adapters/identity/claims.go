package identity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// claims are what the backbone reads of a token beside the registered ones.
type claims struct {
	ClientID string      `json:"client_id"`
	Azp      string      `json:"azp"`
	ID       string      `json:"jti"`
	LoA      string      `json:"loa"`
	ACR      string      `json:"acr"`
	CPR      string      `json:"dk.cpr"`
	NemCPR   string      `json:"nemlogin.cpr"`
	CVR      string      `json:"nemlogin.cvr"`
	Type     string      `json:"identity_type"`
	UUID     string      `json:"mitid.uuid"`
	Priv     []Privilege `json:"priv"`

	expires time.Time
}

// A Privilege is a right that an identity brings along, as its token has it (claim priv).
type Privilege struct {
	Right string `json:"right"`
	Scope string `json:"scope"` // the CVR number that it is for; empty for officers, operators and auditors
}

// authority finds out for which organisation somebody in an office acts: that of the identity's CVR number.
func (t *Tokens) authority(p *access.Principal, c claims) (err error) {
	if _, bad := domain.ParseCVR(c.CVR); !p.InOffice() || bad != nil {
		return nil
	}
	p.Authority, err = t.b.Organisations.IDOf(c.CVR)

	return err
}

// citizen gives the mailbox of the person that a professional is, where their token says it: they are the same person
// in each of their identities.
func (t *Tokens) citizen(c claims) (domain.MailboxID, error) {
	number := c.CPR
	if number == "" {
		number = c.NemCPR
	}
	if number == "" {
		return domain.MailboxID{}, nil
	}
	id, _, err := t.b.People.Number(mailbox.Citizen, number)

	return id, err
}

// number returns the number of the mailbox that an identity is the owner of, and whose number it is: a person's, or, of
// a professional identity, a company's.
func (c claims) number() (number string, kind mailbox.OwnerKind, err error) {
	number, kind = c.CPR, mailbox.Citizen
	if number == "" {
		number = c.NemCPR
	}
	if c.Type == "professional" || number == "" && c.CVR != "" {
		if _, err := domain.ParseCVR(c.CVR); err != nil {
			return "", kind, problem.New(http.StatusForbidden, "no.cvr", "a professional identity needs a CVR number")
		}
		return c.CVR, mailbox.Company, nil
	}

	if _, err := domain.ParseCPR(number); err != nil {
		return "", kind, problem.New(http.StatusForbidden, "no.cpr",
			"Digital Post needs a CPR number, which this identity does not have")
	}
	return number, kind, nil
}

// privileges reads the rights that an identity brings along. One that is not known here, or for a company without a
// mailbox, is no right.
func (t *Tokens) privileges(all []Privilege, offices bool) (out []access.Privilege, err error) {
	if len(all) > maxPrivileges {
		return nil, problem.New(http.StatusForbidden, "priv.too.many", "a token brings at most 100 rights along")
	}

	for _, x := range all {
		m := access.Privilege{Right: access.Right(x.Right)}
		switch m.Right {
		case access.Officer, access.BusinessOfficer, access.Operator, access.Auditor:
			if !offices {
				continue
			}
		case access.Administrator, access.Writer, access.Basic, access.LegalOwner, access.Association:
			var ok bool
			if m.Mailbox, ok, err = t.b.People.Find(mailbox.Company, x.Scope); err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		default:
			continue
		}
		out = append(out, m)
	}

	return out, nil
}

// decodePart reads a part of a JWT, in which nothing may stand twice: who else reads it might take the other one.
func decodePart(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return errors.New("does not read")
	}
	if name := problem.Repeated(raw); name != "" {
		return errors.New("has a claim twice")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errors.New("does not read")
	}
	return nil
}
