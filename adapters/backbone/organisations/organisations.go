// Package organisations is the authorities and companies that send: their systems, and the contact structure by which
// people write to them.
package organisations

import (
	"context"
	"errors"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/directory"
)

// An Organisation is an authority or company that sends.
type Organisation struct {
	Kind string
	CVR  string
	Name string
	UUID domain.UUID // that its certificates name; zero: any
	organisation.Rights
}

// A System is a sender system with its organisation, unsealed.
type System struct {
	ID           domain.SystemID
	Name         string
	Platform     string // of a company's system: the platform that alone shows what it sends
	Organisation Organisation
	OrgID        domain.OrganisationID
	KeyHash      []byte // as identity.HashKey gives it
	Receives     int    // the MeMo version that it takes in, as a recipient system; 0: it only sends
	ConsentBasis string // of a company's: what gives it the consent of all; empty: each letter says so
	Withdrawn    bool   // its registration was: it does nothing any more

	Receipts organisation.Endpoint // where it is told of receipts
	Memos    organisation.Endpoint // where it is brought what people write, as a recipient system
	From     eventstore.Position   // since which it is told of receipts

	holders []holder // whose certificates it may come with
}

// A holder is an organisation that has certificates.
type holder struct {
	cvr  string
	uuid domain.UUID // zero: any of that CVR
}

// Trusts reports whether the system may come with a certificate of an organisation: its own, or one that it is
// delegated to.
func (s System) Trusts(cvr string, uuid domain.UUID) bool {
	for _, h := range s.holders {
		if h.cvr == cvr && (h.uuid == uuid || h.uuid == domain.UUID{}) {
			return true
		}
	}

	return false
}

// Handler runs orders on organisations.
type Handler = eventstore.Handler[organisation.Order, organisation.Event, organisation.State]

// Organisations registers and finds them. It may be used by many goroutines at once.
type Organisations struct {
	core    *core.Core
	handler Handler

	systems  directory.Cached[map[domain.SystemID]System]
	contacts directory.Cached[*ContactDirectory]
	lookups  lookups
}

// New makes one.
func New(c *core.Core, h Handler) *Organisations {
	return &Organisations{core: c, handler: h, lookups: newLookups()}
}

// A Caller is who changes an organisation: its own system, the register of made-up ones, or whoever runs the server.
type Caller struct {
	Kind     access.Machine
	System   domain.SystemID   // zero where no system acts
	Operator *access.Principal // of access.Operations: nil is whoever is at the console
}

// Console is whoever runs the server; Registrar is the register of made-up organisations.
var (
	Console   = Caller{Kind: access.Operations}
	Registrar = Caller{Kind: access.Register}
)

// Own makes a system the caller.
func Own(s System) Caller { return Caller{Kind: access.System, System: s.ID} }

// owner gives the id of the organisation of a number, which has one from the first time that it is asked for.
func (o *Organisations) owner(cvr string) (vault.Owner, error) {
	return o.core.Vault.Enter(vault.Organisation, cvr, vault.Owner(o.core.NewID()))
}

// IDOf gives the id of the organisation of a CVR number, whether or not it is registered.
func (o *Organisations) IDOf(cvr string) (domain.OrganisationID, error) {
	id, err := o.owner(cvr)
	return domain.OrganisationID(id), err
}

// run executes a command on the organisation of a number, and returns once everybody sees what came of it.
func (o *Organisations) run(
	ctx context.Context, by Caller, cvr string, cmd organisation.Command,
) (eventstore.Position, error) {
	id, err := o.owner(cvr)
	if err != nil {
		return 0, err
	}

	stream := eventstore.Stream{Kind: streams.Organisation, ID: id}
	meta := core.Machine{Kind: by.Kind, ID: by.System, Thing: o.core.NewID()}.Meta()
	if by.Operator != nil {
		meta = core.InOffice(*by.Operator, access.Operator)
		meta.Command = o.core.NewID()
	}
	order := organisation.Order{Command: cmd, By: by.Kind, System: by.System}

	_, p, err := o.handler.Execute(ctx, stream, meta, order)
	if err != nil || p == 0 {
		return o.core.Log.Last(), core.Found(err)
	}

	return p, o.core.Views.Wait(ctx, p)
}

// SystemID gives the id that a sender system of an organisation has or will have: the same name of the same
// organisation is the same system.
func (o *Organisations) SystemID(cvr, name string) (domain.SystemID, error) {
	id, err := o.owner(cvr)
	return domain.SystemID(domain.DeriveID("system", id[:], []byte(name))), err
}

// Change changes the contact structure of a system's own organisation, and returns once everybody sees it.
func (o *Organisations) Change(ctx context.Context, sys System, cmd organisation.Command) (eventstore.Position, error) {
	return o.run(ctx, Own(sys), sys.Organisation.CVR, cmd)
}

// GroupVersion gives the version of a contact group; 0 if there is none.
func (o *Organisations) GroupVersion(id domain.UUID) (uint32, error) {
	s, err := directory.At(o.core.Views)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	row, _, err := s.Group(id)

	return row.Version, err
}

// PointVersion gives the version of a contact point; 0 if there is none.
func (o *Organisations) PointVersion(id domain.UUID) (uint32, error) {
	s, err := directory.At(o.core.Views)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	row, _, err := s.Point(id)

	return row.Version, err
}

// Begin makes the contact structure of a made-up organisation, where there is none.
func (o *Organisations) Begin(ctx context.Context, cvr string, cmd organisation.BeginContacts) error {
	_, err := o.run(ctx, Registrar, cvr, cmd)
	return err
}

// of unseals an organisation.
func (o *Organisations) of(id domain.OrganisationID, r organisation.Registered) (Organisation, error) {
	k, err := o.core.Key(id, 0)
	if err != nil {
		return Organisation{}, err
	}

	cvr, err1 := k.Open(r.EventType(), "cvr", r.CVR)
	name, err2 := k.Open(r.EventType(), "name", r.Name)

	return Organisation{
		Kind: r.Kind, CVR: string(cvr), Name: string(name), UUID: r.UUID, Rights: r.Rights,
	}, errors.Join(err1, err2)
}

// System gives one sender system; core.ErrNotFound if there is none.
func (o *Organisations) System(id domain.SystemID) (System, error) {
	by, err := o.systems.Get(o.core.Views, o.systemsByID)
	if err != nil {
		return System{}, err
	}

	s, ok := by[id]
	if !ok {
		return System{}, core.ErrNotFound
	}

	return s, nil
}

func (o *Organisations) systemsByID(s *directory.Snapshot) (map[domain.SystemID]System, error) {
	all, err := o.systemsIn(s)
	by := map[domain.SystemID]System{}
	for _, x := range all {
		by[x.ID] = x
	}

	return by, err
}

// Systems gives every sender system.
func (o *Organisations) Systems() (out []System, err error) {
	s, err := directory.At(o.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	return o.systemsIn(s)
}

func (o *Organisations) systemsIn(s *directory.Snapshot) (out []System, err error) {
	rows, err := s.Systems()
	for _, r := range rows {
		if err != nil {
			break
		}

		var sys System
		sys, err = o.system(s, r)
		out = append(out, sys)
	}

	return out, err
}

func (o *Organisations) system(s *directory.Snapshot, r directory.SystemRow) (System, error) {
	out := System{
		ID: r.System.System, Platform: r.System.Platform, OrgID: r.Organisation, KeyHash: r.System.KeyHash,
		Receives: r.Receives, ConsentBasis: r.System.ConsentBasis, Withdrawn: r.Withdrawn,
		Receipts: organisation.Endpoint{URL: r.Endpoint, Stopped: r.Stopped}, Memos: r.Memos, From: r.From,
	}

	org, _, err := s.Organisation(r.Organisation)
	if err != nil {
		return out, err
	}

	if out.Organisation, err = o.of(r.Organisation, org.Registered); err != nil {
		return out, err
	}

	k, err := o.core.Key(r.Organisation, 0)
	if err != nil {
		return out, err
	}
	name, err := k.Open(r.System.EventType(), "name", r.System.Name)
	out.Name = string(name)

	out.holders = []holder{{out.Organisation.CVR, out.Organisation.UUID}}
	for _, h := range r.Delegated {
		cvr, openErr := k.Open(organisation.SystemDelegated{}.EventType(), "holder", h)
		err = errors.Join(err, openErr)
		out.holders = append(out.holders, holder{cvr: string(cvr)})
	}

	return out, err
}

// Companies gives the companies whose systems are or were registered with a platform, by the ids of their
// organisations: what was sent or scheduled by one that is withdrawn may still be declined.
func (o *Organisations) Companies(platform string) (map[domain.OrganisationID]Organisation, error) {
	systems, err := o.Systems()
	out := map[domain.OrganisationID]Organisation{}

	for _, s := range systems {
		if s.Organisation.Kind == organisation.Company && s.Platform == platform && platform != "" {
			out[s.OrgID] = s.Organisation
		}
	}

	return out, err
}
