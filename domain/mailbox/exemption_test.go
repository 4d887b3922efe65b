package mailbox_test

import (
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

var (
	applied = mailbox.ExemptionApplied{Exemption: g1, Leaf: 1}
	left    = mailbox.ExemptionApplied{Exemption: g1, Leaf: 1, Departure: true}
	exempt  = open.and(
		applied,
		mailbox.ExemptionGranted{Exemption: g1},
		mailbox.ExemptionReceiptIssued{Exemption: g1},
	)
	company = given(mailbox.Opened{Owner: mailbox.Company})
)

// apply is what happens at the counter.
func apply(inPerson, id, declaration bool) mailbox.ApplyForExemption {
	return mailbox.ApplyForExemption{
		Exemption: g1, Criteria: []string{"DISABILITY"}, InPerson: inPerson, IDShown: id, Declaration: declaration,
	}
}

// applyOn applies as one must, on grounds.
func applyOn(criteria ...string) mailbox.ApplyForExemption {
	c := apply(true, true, true)
	c.Criteria = criteria

	return c
}

// byProxy applies as one must, through another.
func byProxy(bothSigned bool) mailbox.ApplyForExemption {
	c := apply(true, true, true)
	c.Proxy, c.BothSigned = true, bothSigned

	return c
}

// sealedGrounds applies as one must, and seals the grounds.
func sealedGrounds() mailbox.ApplyForExemption {
	c := apply(true, true, true)
	c.Seal = sealing("criteria")

	return c
}

// again applies anew, knowing the exemption before at a version.
func again(version uint32) mailbox.ApplyForExemption {
	c := apply(true, true, true)
	c.Exemption, c.Version = g2, version

	return c
}

var exemptionRules = []scenario{
	{Name: "apply for exemption", Given: open, When: apply(true, true, true), Then: then(applied)},
	{
		Name:  "apply for exemption: the grounds are sealed under the next leaf",
		Given: here,
		When:  sealedGrounds(),
		Then:  then(mailbox.ExemptionApplied{Exemption: g1, Leaf: 2, Criteria: sealed("criteria", 2)}),
	},
	{Name: "apply in no mailbox", When: apply(true, true, true), Err: refused(mailbox.NotOpen)},
	{
		Name:  "the owner does not apply online",
		Given: open,
		When:  apply(true, true, true),
		Order: by(as(own)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "not in person",
		Given: open,
		When:  apply(false, true, true),
		Err:   refused(mailbox.NotInPerson),
	},
	{Name: "without an ID", Given: open, When: apply(true, false, true), Err: refused(mailbox.NoID)},
	{
		Name:  "without a declaration",
		Given: open,
		When:  apply(true, true, false),
		Err:   refused(mailbox.NoDeclaration),
	},
	{Name: "on no grounds", Given: open, When: applyOn(), Err: refused(mailbox.NoDeclaration)},
	{Name: "by proxy, signed by one", Given: open, When: byProxy(false), Err: refused(mailbox.ProxyUnsigned)},
	{
		Name:  "by proxy, signed by both",
		Given: open,
		When:  byProxy(true),
		Then:  then(mailbox.ExemptionApplied{Exemption: g1, Leaf: 1, Proxy: true}),
	},
	{
		Name:  "on grounds that are not on the form",
		Given: open,
		When:  applyOn("NO_TIME"),
		Err:   refused(mailbox.CriterionUnknown),
	},
	{
		Name:  "on grounds of a company's manager",
		Given: open,
		When:  applyOn("MANAGER_UNABLE"),
		Err:   refused(mailbox.CompanyCriterion),
	},
	{
		Name:  "a company on a person's grounds",
		Given: company,
		When:  applyOn("NO_BROADBAND", "DISABILITY"),
		Err:   refused(mailbox.CompanyCriterion),
	},
	{
		Name:  "a company on a company's grounds",
		Given: company,
		When:  applyOn("NO_BROADBAND", "MANAGER_UNABLE"),
		Then:  then(applied),
	},
	{Name: "on having left the country", Given: open, When: applyOn(mailbox.Departure), Then: then(left)},
	{Name: "apply while exempt", Given: exempt, When: again(0), Err: refused(mailbox.AlreadyExempt)},
	{Name: "apply twice", Given: open.and(applied), When: again(0), Err: refused(mailbox.AlreadyExempt)},
	{
		Name:  "apply anew after a refusal",
		Given: open.and(applied, mailbox.ExemptionRefused{Exemption: g1, Leaf: 2}),
		When:  again(2),
		Then:  then(mailbox.ExemptionApplied{Exemption: g2, Leaf: 3}),
	},
	{Name: "apply knowing another version", Given: open.and(applied), When: again(7), Err: stale(1)},
	{
		Name:  "grant: the receipt goes with it",
		Given: open.and(applied),
		When:  mailbox.GrantExemption{Exemption: g1},
		Then: then(
			mailbox.ExemptionGranted{Exemption: g1},
			mailbox.ExemptionReceiptIssued{Exemption: g1},
		),
	},
	{
		Name:  "grant twice",
		Given: exempt,
		When:  mailbox.GrantExemption{Exemption: g1},
		Err:   refused(mailbox.AlreadyExempt),
	},
	{
		Name:  "grant what nobody applied for",
		Given: open,
		When:  mailbox.GrantExemption{Exemption: g1},
		Err:   refused(mailbox.ExemptionNotOpen),
	},
	{
		Name:  "grant at a stale version",
		Given: open.and(applied),
		When:  mailbox.GrantExemption{Exemption: g1, Version: 3},
		Err:   stale(1),
	},
	{
		Name:  "turn down",
		Given: open.and(applied),
		When:  mailbox.RefuseExemption{Exemption: g1, Seal: sealing("grounds")},
		Then:  then(mailbox.ExemptionRefused{Exemption: g1, Leaf: 2, Grounds: sealed("grounds", 2)}),
	},
	{
		Name:  "turn down at a stale version",
		Given: open.and(applied),
		When:  mailbox.RefuseExemption{Exemption: g1, Version: 3},
		Err:   stale(1),
	},
	{
		Name:  "one who left the country is never turned down",
		Given: open.and(left),
		When:  mailbox.RefuseExemption{Exemption: g1},
		Err:   refused(mailbox.ExemptionNotOpen),
	},
	{
		Name:  "cancelled online, without contact details",
		Given: exempt,
		When:  mailbox.RevokeExemption{By: mailbox.BySelf},
		Err:   refused(mailbox.ContactNotAllowed),
	},
	{
		Name:  "cancelled online, with contact details that are not confirmed",
		Given: exempt.and(mailSet, codeSent),
		When:  mailbox.RevokeExemption{By: mailbox.BySelf, Contacts: []domain.UUID{nameA}},
		Err:   refused(mailbox.ContactNotAllowed),
	},
	{
		Name:  "cancelled online [42]",
		Given: exempt.and(mailSet, codeSent, mailbox.ContactConfirmed{Detail: c1}),
		When:  mailbox.RevokeExemption{By: mailbox.BySelf, Contacts: []domain.UUID{nameA}},
		Then:  then(mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.BySelf}),
	},
	{
		Name:  "cancelled online, with a number of NemSMS alone",
		Given: exempt.and(smsSet, codeSent, mailbox.ContactConfirmed{Detail: c1}),
		When:  mailbox.RevokeExemption{By: mailbox.BySelf},
		Err:   refused(mailbox.ContactNotAllowed),
	},
	{
		Name:  "cancelled online, with contact details that were confirmed before",
		Given: exempt.and(mailSet, codeSent, mailbox.ContactConfirmed{Detail: c1}),
		When:  mailbox.RevokeExemption{By: mailbox.BySelf},
		Then:  then(mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.BySelf}),
	},
	{
		Name:  "cancelled online, with one that is confirmed and one that is not",
		Given: exempt.and(mailSet, codeSent, mailbox.ContactConfirmed{Detail: c1}),
		When:  mailbox.RevokeExemption{By: mailbox.BySelf, Contacts: []domain.UUID{nameA, nameB}},
		Err:   refused(mailbox.ContactNotAllowed),
	},
	{
		Name:  "ended at the municipality",
		Given: exempt,
		When:  mailbox.RevokeExemption{By: mailbox.ByMunicipality},
		Then:  then(mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.ByMunicipality}),
	},
	{
		Name:  "the owner does not end it at the municipality",
		Given: exempt,
		When:  mailbox.RevokeExemption{By: mailbox.ByMunicipality},
		Order: by(as(own)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "end what is not",
		Given: open,
		When:  mailbox.RevokeExemption{By: mailbox.ByMunicipality},
		Err:   refused(mailbox.NotExempt),
	},
	{
		Name:  "end another than is meant",
		Given: exempt,
		When:  mailbox.RevokeExemption{By: mailbox.ByMunicipality, Exemption: g2},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "end it at a stale version",
		Given: exempt,
		When:  mailbox.RevokeExemption{By: mailbox.ByMunicipality, Version: 1},
		Err:   stale(2),
	},
	{
		Name:  "back in the country",
		Given: open.and(mailbox.ExemptionGranted{Exemption: g1, Departure: true}),
		When:  mailbox.RevokeExemption{By: mailbox.ByReturn},
		Then:  then(mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.ByReturn}),
	},
	{
		Name:  "back in the country, exempt for another reason [41]",
		Given: exempt,
		When:  mailbox.RevokeExemption{By: mailbox.ByReturn},
	},
	{
		Name:  "where paper goes",
		Given: exempt,
		When:  mailbox.SetPostalAddress{Exemption: g1, Address: "Vejen 1", Seal: sealing("address")},
		Then:  then(mailbox.PostalAddressSet{Leaf: 2, Address: sealed("address", 2)}),
	},
	{
		Name:  "paper goes to the registered address again",
		Given: exempt,
		When:  mailbox.SetPostalAddress{Seal: sealing("address")},
		Then:  then(mailbox.PostalAddressSet{Leaf: 2}),
	},
	{
		Name:  "an address of 500 characters",
		Given: exempt,
		When:  mailbox.SetPostalAddress{Address: strings.Repeat("å", mailbox.MaxAddress)},
		Then:  then(mailbox.PostalAddressSet{Leaf: 2}),
	},
	{
		Name:  "a longer address",
		Given: exempt,
		When:  mailbox.SetPostalAddress{Address: strings.Repeat("å", mailbox.MaxAddress+1)},
		Err:   refused(mailbox.AddressNotAllowed),
	},
	{
		Name:  "an address of another exemption",
		Given: exempt,
		When:  mailbox.SetPostalAddress{Exemption: g2, Address: "Vejen 1"},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "an address at a stale version",
		Given: exempt,
		When:  mailbox.SetPostalAddress{Version: 1, Address: "Vejen 1"},
		Err:   stale(2),
	},
	{
		Name: "an address of no mailbox",
		When: mailbox.SetPostalAddress{Address: "Vejen 1"},
		Err:  refused(mailbox.NotOpen),
	},
	{
		Name:  "applied for, granted and addressed at once: each takes its own leaf",
		Given: open,
		When: mailbox.All{
			sealedGrounds(),
			mailbox.GrantExemption{Exemption: g1},
			mailbox.SetPostalAddress{Exemption: g1, Address: "Vejen 1", Seal: sealing("address")},
		},
		Order: by(office(access.Officer)),
		Then: then(
			mailbox.ExemptionApplied{Exemption: g1, Leaf: 1, Criteria: sealed("criteria", 1)},
			mailbox.ExemptionGranted{Exemption: g1},
			mailbox.ExemptionReceiptIssued{Exemption: g1},
			mailbox.PostalAddressSet{Leaf: 2, Address: sealed("address", 2)},
		),
	},
}
