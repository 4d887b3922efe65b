package mailbox

import (
	"unicode/utf8"

	"digitalpost/domain"
)

// MaxAddress is how many characters a postal address may have.
const MaxAddress = 500

// addressEvents are the zero values of this file's event types.
var addressEvents = []Event{PostalAddressSet{}}

// PostalAddressSet records where paper goes instead; empty: to the registered address.
type PostalAddressSet struct {
	Leaf    uint32        `cbor:"1,keyasint" json:"leaf"`
	Address domain.Sealed `cbor:"2,keyasint,omitempty" json:"address,omitempty"`
}

// EventType is the stored name.
func (PostalAddressSet) EventType() string { return "mailbox.postal-address-set" }

// Effect begins the address.
func (e PostalAddressSet) Effect() domain.Effect { return begins(e.Leaf) }

func (e PostalAddressSet) evolve(s *State, at domain.Moment) {
	s.take(e.Leaf)
	s.exemption(at, func(x *Exemption) { x.Shown.AddressLeaf, x.Shown.Address = e.Leaf, e.Address })
}

// SetPostalAddress says where paper goes; an empty one is the registered address.
type SetPostalAddress struct {
	Exemption domain.GrantID // the one that is meant; zero: whichever there is
	Version   uint32
	Address   string // in the open
	Seal      domain.Seal
}

func (SetPostalAddress) needs() domain.Parts { return domain.Parts{} }

func (SetPostalAddress) leave(*State) Leave { return exempting() }

func (c SetPostalAddress) decide(s *State) ([]Event, error) {
	if err := domain.AtVersion(s.Exemption.Version, c.Version); err != nil {
		return nil, err
	}

	switch {
	case utf8.RuneCountInString(c.Address) > MaxAddress:
		return nil, domain.Refuse(AddressNotAllowed)
	case c.Exemption != domain.GrantID{} && c.Exemption != s.Exemption.ID:
		return nil, domain.Refuse(domain.NotFound)
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	}

	e := PostalAddressSet{Leaf: s.NextLeaf}
	if c.Address != "" {
		var err error
		if e.Address, err = c.Seal.Under(e.Leaf, nil); err != nil {
			return nil, err
		}
	}

	return []Event{e}, nil
}
