// Package mandates is why those in an office look at what is others', or change it: opened once, with purpose and case
// number, and named by all that is done under them.
package mandates

import (
	"context"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mandate"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// Handler runs orders on mandates.
type Handler = eventstore.Handler[mandate.Open, mandate.Event, mandate.State]

// A Mandate is why somebody in an office acts.
type Mandate struct {
	ID                  domain.UUID
	Office              access.Right
	Opened, Until       time.Time
	Purpose, CaseNumber string
}

// Mandates opens and shows them. It may be used by many goroutines at once.
type Mandates struct {
	core    *core.Core
	handler Handler
}

// New makes one.
func New(c *core.Core, h Handler) *Mandates { return &Mandates{c, h} }

// Needed reports whether operators and auditors must say under which mandate they look or act: people are real.
func (m *Mandates) Needed() bool { return m.core.Mandates }

func stream(id domain.UUID) eventstore.Stream {
	return eventstore.Stream{Kind: streams.Mandate, ID: id}
}

// office gives the office by which a principal acts: the first that they come with.
func office(p access.Principal) (access.Right, error) {
	for _, r := range access.Rights {
		if r.InOffice() && p.Holds(r) {
			return r, nil
		}
	}

	return "", core.ErrForbidden
}

// Open opens a mandate of somebody in an office, who says why they act, under which case number, and by their sign-in
// for which authority. It is good for 30 days, for who has opened it. core.ErrForbidden for one in no office.
func (m *Mandates) Open(ctx context.Context, p access.Principal, purpose, caseNumber string) (Mandate, error) {
	right, err := office(p)
	if err != nil {
		return Mandate{}, err
	}

	if p.Authority == (domain.OrganisationID{}) {
		return Mandate{}, domain.Refuse(access.NoAuthority)
	}

	if core.IdentityOf(p) == ([16]byte{}) {
		return Mandate{}, core.ErrForbidden // nobody: that is whoever is at the console
	}

	p.Mandate = domain.UUID{}

	opened := mandate.Opened{Office: right, Authority: p.Authority}

	return m.open(ctx, core.InOffice(p, right), opened, purpose, caseNumber)
}

// OpenAtConsole opens a mandate of whoever runs the server, at its console.
func (m *Mandates) OpenAtConsole(ctx context.Context, purpose, caseNumber string) (Mandate, error) {
	meta := core.Machine{Kind: access.Operations}.Meta()
	return m.open(ctx, meta, mandate.Opened{Office: access.Operator}, purpose, caseNumber)
}

func (m *Mandates) open(
	ctx context.Context, meta eventstore.Meta, e mandate.Opened, purpose, caseNumber string,
) (out Mandate, err error) {
	id := core.NewUUID()
	cmd := mandate.Open{Opened: e, Purpose: purpose, CaseNumber: caseNumber}
	if _, err := mandate.Decider.Decide(mandate.State{}, cmd); err != nil { // before it is given a root
		return out, err
	}

	// A crash before the event leaves a root that nothing names.
	if err := m.core.Vault.EnterRoot(vault.Owner(id)); err != nil {
		return out, err
	}

	k, err := m.core.Key(id, 0)
	if err != nil {
		return out, err
	}

	cmd.Opened.Purpose = k.Seal(e.EventType(), "purpose", []byte(purpose))
	cmd.Opened.CaseNumber = k.Seal(e.EventType(), "caseNumber", []byte(caseNumber))
	meta.Command = m.core.NewID()
	if _, _, err := m.handler.Execute(ctx, stream(id), meta, cmd); err != nil {
		return out, err
	}
	_, out, err = m.read(ctx, id)

	return out, err
}

// read gives a mandate in the open, and its state.
func (m *Mandates) read(ctx context.Context, id domain.UUID) (s mandate.State, out Mandate, err error) {
	s, _, err = m.handler.State(ctx, stream(id), mandate.Open{})
	if err != nil || s.Office == "" {
		return s, out, err
	}

	out = Mandate{ID: id, Office: s.Office, Opened: s.At, Until: s.At.Add(mandate.LastsFor)}
	for rec, err := range m.core.Log.ReadStream(ctx, stream(id), 0) {
		if err != nil {
			return s, out, err
		}

		e, err := mandate.Codec.Decode(rec.Type, rec.Data)
		if err != nil {
			return s, out, err
		}

		if e, ok := e.(mandate.Opened); ok {
			purpose, err := m.core.Opened(id, 0, e.EventType(), "purpose", e.Purpose)
			if err != nil {
				return s, out, err
			}

			number, err := m.core.Opened(id, 0, e.EventType(), "caseNumber", e.CaseNumber)
			if err != nil {
				return s, out, err
			}
			out.Purpose, out.CaseNumber = string(purpose), string(number)
		}
	}

	return s, out, nil
}

// Check refuses with mandate.NotInForce who names a mandate that is not theirs, is over, never was, or was opened in an
// office that they do not hold now. Of the console it is asked with the zero principal, and of nobody else.
func (m *Mandates) Check(ctx context.Context, p access.Principal, id domain.UUID) error {
	s, _, err := m.handler.State(ctx, stream(id), mandate.Open{})
	if err != nil {
		return err
	}

	return s.Covers(core.IdentityOf(p), p, m.core.Now())
}

// Mandate shows a mandate to who has opened it, and to auditors. core.ErrNotFound for others.
func (m *Mandates) Mandate(ctx context.Context, p access.Principal, id domain.UUID) (Mandate, error) {
	s, out, err := m.read(ctx, id)
	own := s.By == core.IdentityOf(p) && p.InOffice() && s.By != [16]byte{}
	if err == nil && (s.Office == "" || !own && !p.Holds(access.Auditor)) {
		err = core.ErrNotFound
	}

	if err != nil {
		return Mandate{}, err
	}

	return out, nil
}
