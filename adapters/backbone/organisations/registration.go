package organisations

import (
	"context"

	"digitalpost/domain"
	"digitalpost/domain/organisation"
)

// A Registration is a sender system as it is registered, and its organisation.
type Registration struct {
	Organisation Organisation
	Name         string
	Platform     string // of a company's system: the platform that alone shows what it sends
	ConsentBasis string // of a company's: one of organisation.ConsentBases; empty: it says so with each letter
	KeyHash      []byte // as identity.HashKey gives it
}

// RegisterSystem registers a sender system with the hash of its key, and its organisation, if they are not there. A
// system that is there gets the key, if it is another; the one before is valid no more. Rights of an organisation that
// is there are changed by ChangeRights alone.
func (o *Organisations) RegisterSystem(ctx context.Context, by Caller, r Registration) error {
	org := r.Organisation
	system, err := o.SystemID(org.CVR, r.Name)
	if err != nil {
		return err
	}

	id, err := o.owner(org.CVR)
	if err != nil {
		return err
	}

	k, err := o.core.Key(id, 0)
	if err != nil {
		return err
	}

	e := organisation.Registered{Kind: org.Kind, Rights: org.Rights, UUID: org.UUID}
	e.CVR, e.Name = k.Seal(e.EventType(), "cvr", []byte(org.CVR)), k.Seal(e.EventType(), "name", []byte(org.Name))

	s := organisation.SystemRegistered{
		System: system, Platform: r.Platform, KeyHash: r.KeyHash, ConsentBasis: r.ConsentBasis,
	}
	s.Name = k.Seal(s.EventType(), "name", []byte(r.Name))

	_, err = o.run(ctx, by, org.CVR, organisation.RegisterSystem{
		Organisation: e, System: s, Names: []string{org.Name, r.Name},
	})

	return err
}

// Withdraw withdraws the registration of a system: its key is valid no more when it returns. What it has sent stays.
func (o *Organisations) Withdraw(ctx context.Context, by Caller, cvr string, system domain.SystemID) error {
	_, err := o.run(ctx, by, cvr, organisation.Withdraw{Withdrawn: organisation.SystemWithdrawn{System: system}})
	return err
}

// ChangeRights says what an organisation that is registered may do from now on: all of its rights, as they are then.
func (o *Organisations) ChangeRights(ctx context.Context, by Caller, cvr string, rights organisation.Rights) error {
	_, err := o.run(ctx, by, cvr, organisation.ChangeRights{Rights: rights})
	return err
}

// Delegate lets a sender system come with certificates of another organisation, such as its supplier.
func (o *Organisations) Delegate(ctx context.Context, by Caller, cvr string, system domain.SystemID, to string) error {
	id, err := o.owner(cvr)
	if err != nil {
		return err
	}

	e := organisation.SystemDelegated{System: system}
	if e.Holder, err = o.core.Sealing(id, e, "holder", []byte(to))(0); err != nil {
		return err
	}
	_, err = o.run(ctx, by, cvr, organisation.Delegate{Delegated: e})

	return err
}

// RegisterRecipient makes a system one that takes in what people write, in a MeMo version; the default one of its
// organisation, if asked.
func (o *Organisations) RegisterRecipient(
	ctx context.Context, by Caller, cvr string, system domain.SystemID, version int, byDefault bool,
) error {
	_, err := o.run(ctx, by, cvr, organisation.RegisterRecipient{Registered: organisation.RecipientSystemRegistered{
		System: system, MemoVersion: version, Default: byDefault,
	}})

	return err
}
