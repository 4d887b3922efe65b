package mailbox_test

import (
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

var (
	asked    = mailbox.AccessRequested{Grant: g1, Grantee: helper, Right: access.Read}
	granted  = grant(g1, access.Read, mailbox.ViaOwner)
	mayWrite = grant(g1, access.ReadWrite, mailbox.ViaOwner)
	ended    = mailbox.AccessGranted{
		Grant: g1, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner, Until: noon,
	}
	declinedAccess = mailbox.AccessDeclined{Grant: g1, Grantee: helper}
	revoked        = mailbox.AccessRevoked{Grant: g1, Grantee: helper}
)

// grant is access for the helper.
func grant(g domain.GrantID, r access.Right, via string) mailbox.AccessGranted {
	return mailbox.AccessGranted{Grant: g, Grantee: helper, Right: r, Via: via}
}

// asking asks for access; the one who gets it is who asks.
func asking(g domain.GrantID, grantee domain.MailboxID, r access.Right) mailbox.RequestAccess {
	return mailbox.RequestAccess{
		Requested: mailbox.AccessRequested{Grant: g, Grantee: grantee, Right: r},
	}
}

// giving grants the helper access of the owner's own accord.
func giving(e mailbox.AccessGranted) mailbox.GrantAccess {
	return mailbox.GrantAccess{Granted: e, GranteeOpen: true}
}

// granting grants the helper access by an office, on documentation.
func granting(r access.Right, via, documentation string) mailbox.GrantAccess {
	return mailbox.GrantAccess{
		Granted: grant(g2, r, via), GranteeOpen: true,
		Documentation: documentation, Seal: sealing("documentation"),
	}
}

// documented is access that was granted on documentation.
func documented(r access.Right, via string) mailbox.Event {
	e := grant(g2, r, via)
	e.Documentation = sealed("documentation", 0)

	return e
}

// approving approves the request.
var approving = mailbox.Approve{Grant: g1}

// manyGrants is a mailbox to which as many have access as may.
var manyGrants = func() history {
	h := open
	for i := range mailbox.MaxGrants {
		h = append(h, mailbox.AccessGranted{
			Grant: domain.GrantID{9, byte(i)}, Grantee: domain.MailboxID{9, byte(i)},
			Right: access.Read, Via: mailbox.ViaOwner,
		})
	}

	return h
}()

// marked is a command that a delegate may give.
var marked = mailbox.MarkRead{Target: at(m1), Read: true}

var accessRules = []scenario{
	{Name: "ask for access", Given: open, When: asking(g1, helper, access.Read), Then: then(asked)},
	{
		Name:  "ask twice",
		Given: open.and(asked),
		When:  asking(g2, helper, access.Read),
		Err:   refused(mailbox.AccessDuplicate),
	},
	{
		Name:  "ask for more beside it",
		Given: open.and(asked),
		When:  asking(g2, helper, access.ReadWrite),
		Then:  then(mailbox.AccessRequested{Grant: g2, Grantee: helper, Right: access.ReadWrite}),
	},
	{
		Name:  "ask for what one has",
		Given: open.and(granted),
		When:  asking(g2, helper, access.Read),
		Err:   refused(mailbox.AccessDuplicate),
	},
	{
		Name:  "ask for one's own",
		Given: open,
		When:  asking(g1, own, access.Read),
		Err:   refused(mailbox.AccessSelf),
	},
	{
		Name:  "nobody asks for designated access",
		Given: open,
		When:  asking(g1, helper, access.Designated),
		Err:   refused(mailbox.AccessKind),
	},
	{
		Name:  "nobody asks for an owner's right",
		Given: open,
		When:  asking(g1, helper, access.Owner),
		Err:   refused(mailbox.AccessKind),
	},
	{Name: "ask in no mailbox", When: asking(g1, helper, access.Read), Err: refused(mailbox.NotOpen)},
	{
		Name:  "a machine asks for no access",
		Given: open,
		When:  asking(g1, helper, access.Read),
		Order: by(machine(access.System)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "access ends by its time",
		Given: open.and(ended),
		When:  mailbox.Expire{Grant: g1, At: noon},
		Order: by(machine(access.Clock)),
		Then:  then(mailbox.AccessExpired{Grant: g1, Grantee: helper}),
	},
	{
		Name:  "access does not end before its time",
		Given: open.and(ended),
		When:  mailbox.Expire{Grant: g1, At: noon.Add(-1)},
		Order: by(machine(access.Clock)),
	},
	{
		Name:  "access without an end does not end",
		Given: open.and(granted),
		When:  mailbox.Expire{Grant: g1, At: noon},
		Order: by(machine(access.Clock)),
	},
	{
		Name:  "access that was revoked does not end again",
		Given: open.and(ended, mailbox.AccessRevoked{Grant: g1, Grantee: helper}),
		When:  mailbox.Expire{Grant: g1, At: noon},
		Order: by(machine(access.Clock)),
	},
	{
		Name:  "what has ended by its time is not revoked",
		Given: open.and(ended, mailbox.AccessExpired{Grant: g1, Grantee: helper}),
		When:  mailbox.Revoke{Grant: g1},
		Err:   refused(mailbox.AccessNotFound),
	},
	{Name: "approve", Given: open.and(asked), When: approving, Then: then(granted)},
	{Name: "approve twice", Given: open.and(asked, granted), When: approving},
	{
		Name:  "approve what was declined",
		Given: open.and(asked, declinedAccess),
		When:  approving,
		Err:   refused(mailbox.RequestClosed),
	},
	{
		Name:  "approve at a stale version",
		Given: open.and(asked),
		When:  mailbox.Approve{Grant: g1, Version: 2},
		Err:   stale(1),
	},
	{
		Name:  "approve what nobody asked for, at a version",
		Given: open,
		When:  mailbox.Approve{Grant: g1, Version: 1},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "an officer does not approve: they grant, on documentation",
		Given: open.and(asked),
		When:  mailbox.Approve{Grant: g1},
		Order: by(office(access.Officer)),
		Err:   refused(mailbox.NoDocumentation),
	},
	{
		Name:  "approve what is there by another grant",
		Given: open.and(asked, grant(g2, access.Read, mailbox.ViaOwner)),
		When:  approving,
		Err:   refused(mailbox.AccessDuplicate),
	},
	{
		Name:  "approve one of as many as there may be",
		Given: manyGrants[:mailbox.MaxGrants].and(asked),
		When:  approving,
		Then:  then(granted),
	},
	{
		Name:  "who asked does not approve",
		Given: open.and(asked),
		When:  approving,
		Order: by(as(helper)),
		Err:   refused(mailbox.NoAccess),
	},
	{
		Name:  "decline",
		Given: open.and(asked),
		When:  mailbox.Decline{Grant: g1},
		Then:  then(declinedAccess),
	},
	{
		Name:  "who asked takes it back",
		Given: open.and(asked),
		When:  mailbox.Decline{Grant: g1},
		Order: by(as(helper)),
		Then:  then(declinedAccess),
	},
	{
		Name:  "another does not take it back",
		Given: open.and(asked),
		When:  mailbox.Decline{Grant: g1},
		Order: by(as(stranger)),
		Err:   refused(mailbox.NoAccess),
	},
	{
		Name:  "decline twice",
		Given: open.and(asked, declinedAccess),
		When:  mailbox.Decline{Grant: g1},
		Err:   refused(mailbox.RequestClosed),
	},
	{
		Name:  "decline what was approved",
		Given: open.and(asked, granted),
		When:  mailbox.Decline{Grant: g1},
		Err:   refused(mailbox.RequestClosed),
	},
	{
		Name:  "decline at a stale version",
		Given: open.and(asked),
		When:  mailbox.Decline{Grant: g1, Version: 7},
		Err:   stale(1),
	},
	{
		Name:  "grant",
		Given: open,
		When:  giving(grant(g2, access.Read, mailbox.ViaOwner)),
		Then:  then(grant(g2, access.Read, mailbox.ViaOwner)),
	},
	{
		Name: "grant in no mailbox",
		When: giving(grant(g2, access.Read, mailbox.ViaOwner)),
		Err:  refused(mailbox.NotOpen),
	},
	{
		Name:  "grant what is there",
		Given: open.and(granted),
		When:  giving(grant(g2, access.Read, mailbox.ViaOwner)),
		Err:   refused(mailbox.AccessDuplicate),
	},
	{
		Name:  "grant under an id that is taken",
		Given: open.and(granted),
		When:  giving(grant(g1, access.ReadWrite, mailbox.ViaOwner)),
		Err:   refused(mailbox.AccessDuplicate),
	},
	{
		Name:  "grant anew what has ended [13]",
		Given: open.and(ended),
		When:  giving(grant(g2, access.Read, mailbox.ViaOwner)),
		Then:  then(grant(g2, access.Read, mailbox.ViaOwner)),
	},
	{
		Name:  "grant until a day that has passed",
		Given: open,
		When: giving(mailbox.AccessGranted{
			Grant: g2, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner, Until: noon,
		}),
		Err: refused(mailbox.AccessPast),
	},
	{
		Name:  "grant to who has no mailbox",
		Given: open,
		When:  mailbox.GrantAccess{Granted: granted},
		Err:   refused(mailbox.GranteeNoMailbox),
	},
	{
		Name:  "too many grants",
		Given: manyGrants,
		When:  giving(granted),
		Err:   refused(mailbox.AccessTooMany),
	},
	{
		Name:  "a delegate grants nothing",
		Given: open.and(mayWrite),
		When:  giving(grant(g2, access.Read, mailbox.ViaOwner)),
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "designated access is the operator's to grant",
		Given: open,
		When:  giving(grant(g2, access.Designated, mailbox.ViaOwner)),
		Err:   refused(mailbox.AccessKind),
	},
	{
		Name:  "an officer grants, on documentation",
		Given: open,
		When:  granting(access.Read, mailbox.ViaMunicipality, "fuldmagt"),
		Then:  then(documented(access.Read, mailbox.ViaMunicipality)),
	},
	{
		Name:  "an officer grants on none",
		Given: open,
		When:  granting(access.Read, mailbox.ViaMunicipality, ""),
		Err:   refused(mailbox.NoDocumentation),
	},
	{
		Name:  "an officer grants on more than anybody reads",
		Given: open,
		When: granting(access.Read, mailbox.ViaMunicipality,
			strings.Repeat("å", mailbox.MaxDocumentation+1)),
		Err: refused(mailbox.NoDocumentation),
	},
	{
		Name:  "an officer grants to themselves",
		Given: open,
		When: mailbox.GrantAccess{
			Granted: mailbox.AccessGranted{
				Grant: g2, Grantee: stranger, Right: access.Read, Via: mailbox.ViaMunicipality,
			},
			GranteeOpen: true, Documentation: "fuldmagt",
		},
		Err: refused(mailbox.AccessSelf),
	},
	{
		Name:  "an officer grants no designated access",
		Given: open,
		When:  granting(access.Designated, mailbox.ViaMunicipality, "skifteretsattest"),
		Err:   refused(mailbox.AccessKind),
	},
	{
		Name:  "the operator grants designated access",
		Given: open,
		When:  granting(access.Designated, mailbox.ViaOperator, "skifteretsattest"),
		Then:  then(documented(access.Designated, mailbox.ViaOperator)),
	},
	{
		Name:  "the operator grants no other",
		Given: open,
		When:  granting(access.Read, mailbox.ViaOperator, "skifteretsattest"),
		Err:   refused(mailbox.AccessKind),
	},
	{Name: "revoke", Given: open.and(granted), When: mailbox.Revoke{Grant: g1}, Then: then(revoked)},
	{
		Name:  "who has access gives it up",
		Given: open.and(granted),
		When:  mailbox.Revoke{Grant: g1},
		Order: by(as(helper)),
		Then:  then(revoked),
	},
	{
		Name:  "revoke twice",
		Given: open.and(granted, revoked),
		When:  mailbox.Revoke{Grant: g1},
		Err:   refused(mailbox.AccessNotFound),
	},
	{
		Name:  "revoke at a stale version",
		Given: open.and(asked, granted),
		When:  mailbox.Revoke{Grant: g1, Version: 1},
		Err:   stale(2),
	},
	{Name: "a delegate marks", Given: helped, When: marked, Order: by(as(helper)), Then: then(read(m1))},
	{
		Name:  "access revoked before the change is appended [12]",
		Given: helped.and(revoked),
		When:  marked,
		Order: by(as(helper)),
		Err:   refused(mailbox.NoAccess),
	},
	{
		Name:  "access that has ended [13]",
		Given: here.and(ended),
		When:  marked,
		Order: by(as(helper)),
		Err:   refused(mailbox.NoAccess),
	},
	{
		Name:  "access that was only asked for",
		Given: here.and(asked),
		When:  marked,
		Order: by(as(helper)),
		Err:   refused(mailbox.NoAccess),
	},
}
