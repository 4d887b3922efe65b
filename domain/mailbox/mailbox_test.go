package mailbox_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

type scenario = domaintest.Scenario[mailbox.Command, mailbox.Event]
type events = []mailbox.Event

var (
	m1, m2     = domain.MessageID{1}, domain.MessageID{2}
	f1, f2, f3 = domain.FolderID{1}, domain.FolderID{2}, domain.FolderID{3}
	sys        = domain.SystemID{7}
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	opened     = mailbox.Opened{Owner: mailbox.Citizen}
	nameA      = domain.UUID{'a'}
	nameB      = domain.UUID{'b'}
	here       = events{opened, delivered(m1, 1, "")}
)

func letter(m domain.MessageID, leaf uint32, platform string) mailbox.Letter {
	return mailbox.Letter{Message: m, Leaf: leaf, System: sys, Platform: platform}
}

func delivered(m domain.MessageID, leaf uint32, platform string) mailbox.Event {
	l := letter(m, leaf, platform)
	return mailbox.MessageDelivered{Message: m, Letter: &l}
}

func folder(f, parent domain.FolderID, leaf uint32, name domain.UUID) mailbox.Event {
	return mailbox.FolderCreated{Folder: f, Parent: parent, Leaf: leaf, NameKey: name}
}

func at(m domain.MessageID) mailbox.Target { return mailbox.Target{Message: m, Platform: "app"} }

func refused(r domain.Reason) *domain.Rejection { return &domain.Rejection{Reason: r} }

// The rule book. A number in brackets is that of the edge case.
func TestRules(t *testing.T) {

	trashed := append(events{}, append(here, mailbox.MessageTrashed{Message: m1, From: mailbox.Inbox})...)
	foldered := append(events{}, append(here, folder(f1, domain.FolderID{}, 2, nameA))...)
	inF1 := append(events{}, append(foldered, mailbox.MessageMoved{Message: m1, From: mailbox.Inbox, To: f1})...)
	scheduled := events{opened, mailbox.MessageScheduled{Letter: letter(m1, 1, ""), Due: noon}}
	private := events{opened, delivered(m1, 1, "eboks"), folder(f1, domain.FolderID{}, 2, nameA), mailbox.MessageMoved{Message: m1, From: mailbox.Inbox, To: f1, Platform: "eboks"}}
	l1 := letter(m1, 1, "")
	domaintest.Run(t, mailbox.Decider, mailbox.Codec, []scenario{
		{Name: "a mailbox opens", When: mailbox.Open{Opened: opened}, Then: events{opened}},
		{Name: "a mailbox opens once", Given: events{opened}, When: mailbox.Open{Opened: opened}, Err: refused(mailbox.AlreadyOpen)},
		{Name: "post for no mailbox", When: mailbox.Receive{Letter: l1, At: noon}, Err: refused(mailbox.NotOpen)},
		{Name: "post arrives", Given: events{opened}, When: mailbox.Receive{Letter: l1, At: noon}, Then: events{mailbox.MessageDelivered{Message: m1, Letter: &l1}}},
		{Name: "a date that has passed means now [19]", Given: events{opened}, When: mailbox.Receive{Letter: l1, At: noon, Due: noon}, Then: events{mailbox.MessageDelivered{Message: m1, Letter: &l1}}},
		{Name: "a later date schedules [19]", Given: events{opened}, When: mailbox.Receive{Letter: l1, At: noon, Due: noon.Add(1)}, Then: events{mailbox.MessageScheduled{Letter: l1, Due: noon.Add(1)}}},
		{Name: "the same message twice [21]", Given: here, When: mailbox.Receive{Letter: letter(m1, 2, ""), At: noon}, Err: refused(mailbox.AlreadyReceived)},
		{Name: "a leaf that was taken", Given: here, When: mailbox.Receive{Letter: letter(m2, 1, ""), At: noon}, Err: refused(mailbox.LeafTaken)},
		{Name: "a due message is released", Given: scheduled, When: mailbox.Release{Message: m1, At: noon}, Then: events{mailbox.MessageDelivered{Message: m1}}},
		{Name: "not before its date", Given: scheduled, When: mailbox.Release{Message: m1, At: noon.Add(-1)}},
		{Name: "released once", Given: append(append(events{}, scheduled...), mailbox.MessageDelivered{Message: m1}), When: mailbox.Release{Message: m1, At: noon}},
		{Name: "recalled before its date [19]", Given: scheduled, When: mailbox.Recall{Message: m1, System: sys}, Then: events{mailbox.MessageRecalled{Message: m1, Leaf: 1}}},
		{Name: "recalled once", Given: append(append(events{}, scheduled...), mailbox.MessageRecalled{Message: m1, Leaf: 1}), When: mailbox.Recall{Message: m1, System: sys}},
		{Name: "recall loses against delivery [19]", Given: append(append(events{}, scheduled...), mailbox.MessageDelivered{Message: m1}), When: mailbox.Recall{Message: m1, System: sys}, Err: refused(mailbox.AlreadyDelivered)},
		{Name: "delivery loses against recall [19]", Given: append(append(events{}, scheduled...), mailbox.MessageRecalled{Message: m1, Leaf: 1}), When: mailbox.Release{Message: m1, At: noon}},
		{Name: "recall of another's message", Given: scheduled, When: mailbox.Recall{Message: m1, System: domain.SystemID{8}}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "a scheduled message is not there for its owner", Given: scheduled, When: mailbox.MarkRead{Target: at(m1), Read: true}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "mark read", Given: here, When: mailbox.MarkRead{Target: at(m1), Read: true}, Then: events{mailbox.MessageMarkedRead{Message: m1}}},
		{Name: "marking read what is read already records nothing", Given: append(append(events{}, here...), mailbox.MessageMarkedRead{Message: m1}), When: mailbox.MarkRead{Target: at(m1), Read: true}},
		{Name: "unread after read [4]", Given: append(append(events{}, here...), mailbox.MessageMarkedRead{Message: m1}), When: mailbox.MarkRead{Target: at(m1)}, Then: events{mailbox.MessageMarkedUnread{Message: m1}}},
		{Name: "a message of another mailbox", Given: here, When: mailbox.MarkRead{Target: at(m2), Read: true}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "read here while moved there: both stand [1]", Given: inF1, When: mailbox.MarkRead{Target: at(m1), Read: true}, Then: events{mailbox.MessageMarkedRead{Message: m1}}},
		{Name: "a stale version, another facet [1]", Given: inF1, When: mailbox.MarkRead{Target: mailbox.Target{Message: m1, Version: 1}, Read: true}, Err: &domain.Rejection{Reason: mailbox.StaleVersion, Version: 2}},
		{Name: "two moves without a version: stream order decides [1]", Given: inF1, When: mailbox.Move{Target: at(m1), To: mailbox.Inbox}, Then: events{mailbox.MessageMoved{Message: m1, From: f1, To: mailbox.Inbox}}},
		{Name: "flag", Given: here, When: mailbox.Flag{Target: at(m1), On: true}, Then: events{mailbox.MessageFlagged{Message: m1}}},
		{Name: "unflag what has no flag", Given: here, When: mailbox.Flag{Target: at(m1)}},
		{Name: "note", Given: here, When: mailbox.SetNote{Target: at(m1), Key: nameA}, Then: events{mailbox.MessageNoted{Message: m1, Key: nameA}}},
		{Name: "the same note", Given: append(append(events{}, here...), mailbox.MessageNoted{Message: m1, Key: nameA}), When: mailbox.SetNote{Target: at(m1), Key: nameA}},
		{Name: "move", Given: foldered, When: mailbox.Move{Target: at(m1), To: f1}, Then: events{mailbox.MessageMoved{Message: m1, From: mailbox.Inbox, To: f1}}},
		{Name: "move to where it is", Given: inF1, When: mailbox.Move{Target: at(m1), To: f1}},
		{Name: "move to a folder that is gone [26]", Given: append(append(events{}, foldered...), mailbox.FolderDeleted{Folder: f1, Leaf: 2}), When: mailbox.Move{Target: at(m1), To: f1}, Err: refused(mailbox.FolderNotFound)},
		{Name: "move into DRAFTS", Given: here, When: mailbox.Move{Target: at(m1), To: mailbox.Drafts}, Err: refused(mailbox.FolderNotAllowed)},
		{Name: "move into DELETED trashes", Given: inF1, When: mailbox.Move{Target: at(m1), To: mailbox.Deleted}, Then: events{mailbox.MessageTrashed{Message: m1, From: f1}}},
		{Name: "move out of DELETED restores there", Given: trashed, When: mailbox.Move{Target: at(m1), To: mailbox.Inbox}, Then: events{mailbox.MessageRestored{Message: m1, To: mailbox.Inbox}}},
		{Name: "delete trashes first", Given: here, When: mailbox.Delete{Target: at(m1)}, Then: events{mailbox.MessageTrashed{Message: m1, From: mailbox.Inbox}}},
		{Name: "delete purges what is trashed [33]", Given: trashed, When: mailbox.Delete{Target: at(m1)}, Then: events{mailbox.MessagePurged{Message: m1, Leaf: 1, From: mailbox.Deleted}}},
		{Name: "move after purge [2]", Given: append(append(events{}, trashed...), mailbox.MessagePurged{Message: m1, Leaf: 1, From: mailbox.Deleted}), When: mailbox.Move{Target: at(m1), To: mailbox.Inbox}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "mark read after purge [3]", Given: append(append(events{}, trashed...), mailbox.MessagePurged{Message: m1, Leaf: 1, From: mailbox.Deleted}), When: mailbox.MarkRead{Target: at(m1), Read: true}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "mark read in DELETED [3]", Given: trashed, When: mailbox.MarkRead{Target: at(m1), Read: true}, Then: events{mailbox.MessageMarkedRead{Message: m1}}},
		{Name: "restore to the old folder", Given: append(append(events{}, inF1...), mailbox.MessageTrashed{Message: m1, From: f1}), When: mailbox.Restore{Target: at(m1)}, Then: events{mailbox.MessageRestored{Message: m1, To: f1}}},
		{Name: "restore to the inbox if the old folder is gone [32]", Given: append(append(events{}, inF1...), mailbox.MessageTrashed{Message: m1, From: f1}, mailbox.FolderDeleted{Folder: f1, Leaf: 2}), When: mailbox.Restore{Target: at(m1)}, Then: events{mailbox.MessageRestored{Message: m1, To: mailbox.Inbox}}},
		{Name: "restore what is not trashed", Given: here, When: mailbox.Restore{Target: at(m1)}, Err: refused(mailbox.NotInTrash)},
		{Name: "create a folder", Given: events{opened}, When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f1, Leaf: 1, NameKey: nameA}}, Then: events{folder(f1, domain.FolderID{}, 1, nameA)}},
		{Name: "the same name made on two platforms [27]", Given: foldered, When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f2, Leaf: 3, NameKey: nameA}}, Err: refused(mailbox.NameTaken)},
		{Name: "the same name under another parent", Given: foldered, When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f2, Parent: f1, Leaf: 3, NameKey: nameA}}, Then: events{folder(f2, f1, 3, nameA)}},
		{Name: "a folder under none", Given: events{opened}, When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f2, Parent: f1, Leaf: 1}}, Err: refused(mailbox.FolderNotFound)},
		{Name: "a folder under DELETED", Given: events{opened}, When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f2, Parent: mailbox.Deleted, Leaf: 1}}, Err: refused(mailbox.FolderNotAllowed)},
		{Name: "a folder's id twice", Given: foldered, When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f1, Leaf: 3, NameKey: nameB}}, Err: refused(mailbox.FolderTaken)},
		{Name: "rename", Given: foldered, When: mailbox.RenameFolder{Folder: f1, NameKey: nameB}, Then: events{mailbox.FolderRenamed{Folder: f1, NameKey: nameB}}},
		{Name: "rename to another spelling of the same name", Given: foldered, When: mailbox.RenameFolder{Folder: f1, NameKey: nameA}, Then: events{mailbox.FolderRenamed{Folder: f1, NameKey: nameA}}},
		{Name: "rename to a sibling's name", Given: append(append(events{}, foldered...), folder(f2, domain.FolderID{}, 3, nameB)), When: mailbox.RenameFolder{Folder: f2, NameKey: nameA}, Err: refused(mailbox.NameTaken)},
		{Name: "rename a system folder", Given: foldered, When: mailbox.RenameFolder{Folder: mailbox.Inbox, NameKey: nameA}, Err: refused(mailbox.SystemFolder)},
		{Name: "rename with a stale version", Given: foldered, When: mailbox.RenameFolder{Folder: f1, Version: 9, NameKey: nameB}, Err: refused(mailbox.StaleVersion)},
		{Name: "A into B", Given: append(append(events{}, foldered...), folder(f2, domain.FolderID{}, 3, nameB)), When: mailbox.MoveFolder{Folder: f1, Parent: f2}, Then: events{mailbox.FolderMoved{Folder: f1, Parent: f2}}},
		{Name: "B into A after A into B [28]", Given: append(append(events{}, foldered...), folder(f2, f1, 3, nameB)), When: mailbox.MoveFolder{Folder: f1, Parent: f2}, Err: refused(mailbox.Cycle)},
		{Name: "a folder into itself [28]", Given: foldered, When: mailbox.MoveFolder{Folder: f1, Parent: f1}, Err: refused(mailbox.Cycle)},
		{Name: "delete a folder", Given: foldered, When: mailbox.DeleteFolder{Folder: f1, Platform: "app"}, Then: events{mailbox.FolderDeleted{Folder: f1, Leaf: 2}}},
		{Name: "delete a folder with a message [26]", Given: inF1, When: mailbox.DeleteFolder{Folder: f1, Platform: "app"}, Err: refused(mailbox.FolderNotEmpty)},
		{Name: "delete a folder with a folder", Given: append(append(events{}, foldered...), folder(f2, f1, 3, nameB)), When: mailbox.DeleteFolder{Folder: f1}, Err: refused(mailbox.FolderNotEmpty)},
		{Name: "delete a folder that is not there", Given: foldered, When: mailbox.DeleteFolder{Folder: f3}, Err: refused(mailbox.FolderNotFound)},
		{Name: "delete a folder that looks empty here", Given: private, When: mailbox.DeleteFolder{Folder: f1, Platform: "app"}, Then: events{mailbox.FolderDeleted{Folder: f1, Leaf: 2}}},
		{Name: "but not where its private post is shown", Given: private, When: mailbox.DeleteFolder{Folder: f1, Platform: "eboks"}, Err: refused(mailbox.FolderNotEmpty)},
		{Name: "private post moved to the inbox with it", Given: append(append(events{}, private...), mailbox.FolderDeleted{Folder: f1, Leaf: 2}), When: mailbox.Move{Target: mailbox.Target{Message: m1, Platform: "eboks", Version: 3}, To: mailbox.Deleted}, Then: events{mailbox.MessageTrashed{Message: m1, From: mailbox.Inbox, Platform: "eboks"}}},
		{Name: "private post is not there for another platform", Given: private, When: mailbox.MarkRead{Target: at(m1), Read: true}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "several fields are one append", Given: foldered, When: mailbox.All{mailbox.Move{Target: mailbox.Target{Message: m1, Version: 1}, To: f1}, mailbox.MarkRead{Target: at(m1), Read: true}},
			Then: events{mailbox.MessageMoved{Message: m1, From: mailbox.Inbox, To: f1}, mailbox.MessageMarkedRead{Message: m1}}},
		{Name: "several fields, one refused: none", Given: here, When: mailbox.All{mailbox.MarkRead{Target: at(m1), Read: true}, mailbox.Move{Target: at(m1), To: f3}}, Err: refused(mailbox.FolderNotFound)},
		{Name: "a known command that changes nothing is noted [31]", Given: here, When: mailbox.Noting{Command: mailbox.MarkRead{Target: at(m1)}, Message: m1}, Then: events{mailbox.Unchanged{Message: m1}}},
		{Name: "ask for access", Given: events{opened}, When: mailbox.RequestAccess{Requested: asked, Mailbox: own, Now: noon}, Then: events{asked}},
		{Name: "ask twice", Given: events{opened, asked}, When: mailbox.RequestAccess{Requested: mailbox.AccessRequested{Grant: g2, Grantee: helper, Right: access.Read}, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessDuplicate)},
		{Name: "ask for one's own", Given: events{opened}, When: mailbox.RequestAccess{Requested: mailbox.AccessRequested{Grant: g1, Grantee: own, Right: access.Read}, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessSelf)},
		{Name: "nobody asks for designated access", Given: events{opened}, When: mailbox.RequestAccess{Requested: mailbox.AccessRequested{Grant: g1, Grantee: helper, Right: access.Designated}, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessKind)},
		{Name: "approve", Given: events{opened, asked}, When: mailbox.Approve{Grant: g1, Mailbox: own, Via: mailbox.ViaOwner, Now: noon}, Then: events{granted}},
		{Name: "approve twice", Given: events{opened, asked, granted}, When: mailbox.Approve{Grant: g1, Mailbox: own, Via: mailbox.ViaOwner, Now: noon}},
		{Name: "approve what was declined", Given: events{opened, asked, mailbox.AccessDeclined{Grant: g1, Grantee: helper}}, When: mailbox.Approve{Grant: g1, Mailbox: own, Now: noon}, Err: refused(mailbox.RequestClosed)},
		{Name: "decline", Given: events{opened, asked}, When: mailbox.Decline{Grant: g1}, Then: events{mailbox.AccessDeclined{Grant: g1, Grantee: helper}}},
		{Name: "decline what was approved", Given: events{opened, asked, granted}, When: mailbox.Decline{Grant: g1}, Err: refused(mailbox.RequestClosed)},
		{Name: "grant what is there", Given: events{opened, granted}, When: mailbox.GiveAccess{Granted: mailbox.AccessGranted{Grant: g2, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner}, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessDuplicate)},
		{Name: "grant anew what has ended [13]", Given: events{opened, ended}, When: mailbox.GiveAccess{Granted: mailbox.AccessGranted{Grant: g2, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner}, Mailbox: own, Now: noon},
			Then: events{mailbox.AccessGranted{Grant: g2, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner}}},
		{Name: "grant until a day that has passed", Given: events{opened}, When: mailbox.GiveAccess{Granted: mailbox.AccessGranted{Grant: g2, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner, Until: noon}, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessPast)},
		{Name: "designated access is the operator's to grant", Given: events{opened}, When: mailbox.GiveAccess{Granted: mailbox.AccessGranted{Grant: g2, Grantee: helper, Right: access.Designated, Via: mailbox.ViaOwner}, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessKind)},
		{Name: "revoke", Given: events{opened, granted}, When: mailbox.Revoke{Grant: g1}, Then: events{mailbox.AccessRevoked{Grant: g1, Grantee: helper}}},
		{Name: "revoke twice", Given: events{opened, granted, mailbox.AccessRevoked{Grant: g1, Grantee: helper}}, When: mailbox.Revoke{Grant: g1}, Err: refused(mailbox.AccessNotFound)},
		{Name: "a delegate marks", Given: append(append(events{}, here...), granted), When: by(access.Mark, mailbox.MarkRead{Target: at(m1), Read: true}), Then: events{mailbox.MessageMarkedRead{Message: m1}}},
		{Name: "a delegate who may only read trashes", Given: append(append(events{}, here...), granted), When: by(access.Trash, mailbox.Delete{Target: at(m1)}), Err: refused(mailbox.AccessLimited)},
		{Name: "access revoked before the change is appended [12]", Given: append(append(events{}, here...), granted, mailbox.AccessRevoked{Grant: g1, Grantee: helper}), When: by(access.Mark, mailbox.MarkRead{Target: at(m1), Read: true}), Err: refused(mailbox.NoAccess)},
		{Name: "access that has ended [13]", Given: append(append(events{}, here...), ended), When: by(access.Mark, mailbox.MarkRead{Target: at(m1), Read: true}), Err: refused(mailbox.NoAccess)},
		{Name: "apply for exemption", Given: events{opened}, When: apply(true, true, true), Then: events{applied}},
		{Name: "not in person", Given: events{opened}, When: apply(false, true, true), Err: refused(mailbox.NotInPerson)},
		{Name: "without an ID", Given: events{opened}, When: apply(true, false, true), Err: refused(mailbox.NoID)},
		{Name: "without a declaration", Given: events{opened}, When: apply(true, true, false), Err: refused(mailbox.NoDeclaration)},
		{Name: "by proxy, signed by one", Given: events{opened}, When: mailbox.ApplyForExemption{Applied: mailbox.ExemptionApplied{Exemption: g1, Leaf: 1, Proxy: true}, InPerson: true, IDShown: true, Declaration: true}, Err: refused(mailbox.ProxyUnsigned)},
		{Name: "apply while exempt", Given: exempt, When: mailbox.ApplyForExemption{Applied: mailbox.ExemptionApplied{Exemption: g2, Leaf: 2}, InPerson: true, IDShown: true, Declaration: true}, Err: refused(mailbox.AlreadyExempt)},
		{Name: "grant: the receipt goes with it", Given: events{opened, applied}, When: mailbox.GrantExemption{Exemption: g1}, Then: events{mailbox.ExemptionGranted{Exemption: g1}, mailbox.ExemptionReceiptIssued{Exemption: g1}}},
		{Name: "grant twice", Given: exempt, When: mailbox.GrantExemption{Exemption: g1}, Err: refused(mailbox.AlreadyExempt)},
		{Name: "grant what nobody applied for", Given: events{opened}, When: mailbox.GrantExemption{Exemption: g1}, Err: refused(mailbox.ExemptionNotOpen)},
		{Name: "turn down", Given: events{opened, applied}, When: mailbox.RefuseExemption{Refused: mailbox.ExemptionRefused{Exemption: g1, Leaf: 2}}, Then: events{mailbox.ExemptionRefused{Exemption: g1, Leaf: 2}}},
		{Name: "one who left the country is never turned down", Given: events{opened, mailbox.ExemptionApplied{Exemption: g1, Leaf: 1, Departure: true}}, When: mailbox.RefuseExemption{Refused: mailbox.ExemptionRefused{Exemption: g1, Leaf: 2}}, Err: refused(mailbox.ExemptionNotOpen)},
		{Name: "a message to one who is exempt [7]", Given: exempt, When: mailbox.Receive{Letter: letter(m1, 2, ""), At: noon}, Err: refused(mailbox.RecipientExempt)},
		{Name: "private post comes through", Given: exempt, When: mailbox.Receive{Letter: letter(m1, 2, "eboks"), At: noon}, Then: events{byContract, delivered(m1, 2, "eboks")}},
		{Name: "a contract's consent is recorded once", Given: append(append(events{}, exempt...), byContract), When: mailbox.Receive{Letter: letter(m1, 2, "eboks"), At: noon}, Then: events{delivered(m1, 2, "eboks")}},
		{Name: "consent to a private sender", Given: events{opened}, When: mailbox.ConsentToSender{Sender: company, Given: true}, Then: events{mailbox.SenderConsentGiven{Platform: "eboks"}}},
		{Name: "consent by oneself, after a contract's", Given: events{opened, byContract}, When: mailbox.ConsentToSender{Sender: company, Given: true}, Then: events{mailbox.SenderConsentGiven{Platform: "eboks"}}},
		{Name: "consent again", Given: events{opened, mailbox.SenderConsentGiven{Platform: "eboks"}}, When: mailbox.ConsentToSender{Sender: company, Given: true}},
		{Name: "consent withdrawn", Given: events{opened, byContract}, When: mailbox.ConsentToSender{Sender: company}, Then: events{declined}},
		{Name: "no before anybody asked", Given: events{opened}, When: mailbox.ConsentToSender{Sender: company}, Then: events{declined}},
		{Name: "no again", Given: events{opened, declined}, When: mailbox.ConsentToSender{Sender: company}},
		{Name: "consent in no mailbox", When: mailbox.ConsentToSender{Sender: company, Given: true}, Err: refused(mailbox.NotOpen)},
		{Name: "private post of one who was declined", Given: events{opened, byContract, declined}, When: mailbox.Receive{Letter: letter(m1, 1, "eboks"), At: noon}, Err: refused(mailbox.SenderDeclined)},
		{Name: "declined on one platform, taken on another", Given: events{opened, declined}, When: mailbox.Receive{Letter: letter(m1, 1, "mitdk"), At: noon},
			Then: events{mailbox.SenderConsentGiven{Platform: "mitdk", Indirect: true}, delivered(m1, 1, "mitdk")}},
		{Name: "declined before its date: decided at delivery", Given: events{opened, mailbox.MessageScheduled{Letter: letter(m1, 1, "eboks"), Due: noon}, declined}, When: mailbox.Release{Message: m1, At: noon},
			Then: events{mailbox.MessageRefused{Message: m1, Leaf: 1, Reason: mailbox.SenderDeclined}}},
		{Name: "a language", Given: events{opened}, When: mailbox.SetLanguage{Platform: "app", Language: "en"}, Then: events{mailbox.LanguageSet{Platform: "app", Language: "en"}}},
		{Name: "the same language", Given: events{opened, mailbox.LanguageSet{Platform: "app", Language: "en"}}, When: mailbox.SetLanguage{Platform: "app", Language: "en"}},
		{Name: "a language of no mailbox", When: mailbox.SetLanguage{Platform: "app", Language: "en"}, Err: refused(mailbox.NotOpen)},
		{Name: "15 tomorrow [15]", When: mailbox.Open{Opened: opened, Born: day(2011, 3, 2), Today: day(2026, 3, 1)}, Err: refused(mailbox.UnderAge)},
		{Name: "15 today [15]", When: mailbox.Open{Opened: opened, Born: day(2011, 3, 1), Today: day(2026, 3, 1)}, Then: events{opened}},
		{Name: "born on a leap day, 28 February [16]", When: mailbox.Open{Opened: opened, Born: day(2012, 2, 29), Today: day(2027, 2, 28)}, Err: refused(mailbox.UnderAge)},
		{Name: "born on a leap day, 1 March [16]", When: mailbox.Open{Opened: opened, Born: day(2012, 2, 29), Today: day(2027, 3, 1)}, Then: events{opened}},
		{Name: "a legal basis comes through, and is told", Given: exempt, When: mailbox.Receive{Letter: lawful, At: noon}, Then: events{mailbox.MessageDelivered{Message: m1, Letter: &lawful, Despite: "law"}}},
		{Name: "scheduled before, due after: decided at delivery [7]", Given: append(append(events{}, scheduled...), mailbox.ExemptionApplied{Exemption: g1, Leaf: 2}, mailbox.ExemptionGranted{Exemption: g1}), When: mailbox.Release{Message: m1, At: noon},
			Then: events{mailbox.MessageRefused{Message: m1, Leaf: 1, Reason: mailbox.RecipientExempt}}},
		{Name: "scheduled while exempt, which ends before its date", Given: append(append(events{}, exempt...), mailbox.MessageScheduled{Letter: letter(m1, 2, ""), Due: noon}, mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.BySelf}), When: mailbox.Release{Message: m1, At: noon},
			Then: events{mailbox.MessageDelivered{Message: m1}}},
		{Name: "what is there stays readable", Given: append(append(events{}, here...), mailbox.ExemptionApplied{Exemption: g1, Leaf: 2}, mailbox.ExemptionGranted{Exemption: g1}), When: mailbox.MarkRead{Target: at(m1), Read: true}, Then: events{mailbox.MessageMarkedRead{Message: m1}}},
		{Name: "cancelled online, without contact details", Given: exempt, When: mailbox.RevokeExemption{By: mailbox.BySelf}, Err: refused(mailbox.ContactNotAllowed)},
		{Name: "cancelled online [42]", Given: exempt, When: mailbox.RevokeExemption{By: mailbox.BySelf, Contact: &mailbox.ContactConfirmed{Leaf: 2}}, Then: events{mailbox.ContactConfirmed{Leaf: 2}, mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.BySelf}}},
		{Name: "ended at the municipality", Given: exempt, When: mailbox.RevokeExemption{By: mailbox.ByMunicipality}, Then: events{mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.ByMunicipality}}},
		{Name: "end what is not", Given: events{opened}, When: mailbox.RevokeExemption{By: mailbox.ByMunicipality}, Err: refused(mailbox.NotExempt)},
		{Name: "back in the country", Given: events{opened, mailbox.ExemptionGranted{Exemption: g1, Departure: true}}, When: mailbox.RevokeExemption{By: mailbox.ByReturn}, Then: events{mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.ByReturn}}},
		{Name: "back in the country, exempt for another reason [41]", Given: exempt, When: mailbox.RevokeExemption{By: mailbox.ByReturn}},
		{Name: "shred", Given: here, When: mailbox.Shred{}, Then: events{mailbox.Shredded{}}},
		{Name: "nothing goes on after it", Given: append(append(events{}, here...), mailbox.Shredded{}), When: mailbox.MarkRead{Target: at(m1), Read: true}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "a version to check only", Given: here, When: mailbox.Check{Target: mailbox.Target{Message: m1, Version: 2}}, Err: &domain.Rejection{Reason: mailbox.StaleVersion, Version: 1}},
	})
	crowd := events{opened}
	for i := range mailbox.MaxGrants {
		crowd = append(crowd, mailbox.AccessGranted{Grant: domain.GrantID{9, byte(i)}, Grantee: domain.MailboxID{9, byte(i)}, Right: access.Read, Via: mailbox.ViaOwner})
	}
	domaintest.Run(t, mailbox.Decider, mailbox.Codec, []scenario{{Name: "too many grants", Given: crowd, Err: refused(mailbox.AccessTooMany),
		When: mailbox.GiveAccess{Granted: mailbox.AccessGranted{Grant: g1, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner}, Mailbox: own, Now: noon}}})
	full := events{opened}
	for i := range mailbox.MaxFolders {
		full = append(full, folder(domain.FolderID{9, byte(i), byte(i >> 8)}, domain.FolderID{}, uint32(i+1), domain.UUID{9, byte(i), byte(i >> 8)}))
	}
	domaintest.Run(t, mailbox.Decider, mailbox.Codec, []scenario{{Name: "too many folders", Given: full,
		When: mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f1, Leaf: mailbox.MaxFolders + 1, NameKey: nameA}}, Err: refused(mailbox.TooManyFolders)}})
}

var (
	own, helper = domain.MailboxID{1}, domain.MailboxID{2}
	g1, g2      = domain.GrantID{1}, domain.GrantID{2}
	asked       = mailbox.AccessRequested{Grant: g1, Grantee: helper, Right: access.Read}
	granted     = mailbox.AccessGranted{Grant: g1, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner}
	ended       = mailbox.AccessGranted{Grant: g1, Grantee: helper, Right: access.Read, Via: mailbox.ViaOwner, Until: noon}
)

var (
	company    = mailbox.PrivateSender{Platform: "eboks"}
	byContract = mailbox.SenderConsentGiven{Platform: "eboks", Indirect: true}
	declined   = mailbox.SenderConsentWithdrawn{Platform: "eboks"}
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

var (
	applied = mailbox.ExemptionApplied{Exemption: g1, Leaf: 1}
	exempt  = events{opened, applied, mailbox.ExemptionGranted{Exemption: g1}, mailbox.ExemptionReceiptIssued{Exemption: g1}}
	lawful  = mailbox.Letter{Message: m1, Leaf: 2, System: sys, LegalBasis: "law"}
)

func apply(inPerson, id, declaration bool) mailbox.Command {
	return mailbox.ApplyForExemption{Applied: applied, InPerson: inPerson, IDShown: id, Declaration: declaration}
}

// by has the helper give a command.
func by(a access.Action, c mailbox.Command) mailbox.Command {
	return mailbox.By{Command: c, Principal: access.Principal{Identity: helper}, Action: a, Mailbox: own, Now: noon}
}

// Of commands in bulk each is decided on what those before it have left; who is refused is told why, and holds up nobody.
func TestEach(t *testing.T) {
	state := domain.Fold(mailbox.Decider, append(events{opened}, delivered(m1, 1, ""), delivered(m2, 2, "eboks"))...)
	each := mailbox.Each{Commands: []mailbox.Command{mailbox.MarkRead{Target: at(m1), Read: true}, mailbox.MarkRead{Target: at(m2), Read: true}, mailbox.Never{Reason: mailbox.NoSuchMessage},
		mailbox.Delete{Target: mailbox.Target{Message: m1, Platform: "app", Version: 2}}, mailbox.Delete{Target: mailbox.Target{Message: m1, Platform: "app", Version: 2}}}, Refused: make([]error, 5)}
	got, err := mailbox.Decider.Decide(state, each)
	want := events{mailbox.MessageMarkedRead{Message: m1}, mailbox.MessageTrashed{Message: m1, From: mailbox.Inbox}}
	if err != nil || !slices.Equal(got, []mailbox.Event(want)) {
		t.Fatalf("events %v, %v; want %v", got, err, want)
	}
	for i, want := range []domain.Reason{"", mailbox.NoSuchMessage, mailbox.NoSuchMessage, "", mailbox.StaleVersion} {
		if r, _ := domain.Refused(each.Refused[i]); r != want {
			t.Errorf("command %d: refused %q, want %q", i, r, want)
		}
	}
}

// The simulation plays random commands against a model that knows of each message only where it lies and whether it is read.
func TestSimulation(t *testing.T) {
	rounds := 200
	if os.Getenv("LONG") != "" {
		rounds = 20_000
	}
	for round := range rounds {
		simulate(t, rand.New(rand.NewPCG(uint64(round), 9)), round)
	}
}

func simulate(t *testing.T, rng *rand.Rand, seed int) {
	type model struct {
		folder domain.FolderID
		read   bool
		gone   bool
	}
	messages, folders := map[domain.MessageID]*model{}, map[domain.FolderID]bool{}
	state := domain.Fold(mailbox.Decider, mailbox.Event(opened))
	run := func(c mailbox.Command) (int, domain.Reason) {
		es, err := mailbox.Decider.Decide(state, c)
		for _, e := range es {
			state = mailbox.Decider.Evolve(state, e)
		}
		r, _ := domain.Refused(err)
		return len(es), r
	}
	for step := range 120 {
		m, f := domain.MessageID{byte(rng.IntN(8))}, domain.FolderID{1, byte(rng.IntN(4))}
		msg := messages[m]
		alive := msg != nil && !msg.gone
		expect := func(n int, r domain.Reason, wantN int, want domain.Reason) {
			t.Helper()
			if n != wantN || r != want {
				t.Fatalf("seed %d, step %d: %d events, refused %q; the model says %d, %q", seed, step, n, r, wantN, want)
			}
		}
		switch rng.IntN(6) {
		case 0:
			n, r := run(mailbox.Receive{Letter: letter(m, state.NextLeaf, ""), At: noon})
			if msg != nil {
				expect(n, r, 0, mailbox.AlreadyReceived)
			} else {
				expect(n, r, 1, "")
				messages[m] = &model{folder: mailbox.Inbox}
			}
		case 1:
			read := rng.IntN(2) == 0
			n, r := run(mailbox.MarkRead{Target: at(m), Read: read})
			switch {
			case !alive:
				expect(n, r, 0, mailbox.NoSuchMessage)
			case msg.read == read:
				expect(n, r, 0, "")
			default:
				expect(n, r, 1, "")
				msg.read = read
			}
		case 2:
			n, r := run(mailbox.Move{Target: at(m), To: f})
			switch {
			case !alive:
				expect(n, r, 0, mailbox.NoSuchMessage)
			case !folders[f]:
				expect(n, r, 0, mailbox.FolderNotFound)
			case msg.folder == f:
				expect(n, r, 0, "")
			default:
				expect(n, r, 1, "")
				msg.folder = f
			}
		case 3:
			n, r := run(mailbox.Delete{Target: at(m)})
			switch {
			case !alive:
				expect(n, r, 0, mailbox.NoSuchMessage)
			default:
				expect(n, r, 1, "")
				msg.gone = msg.folder == mailbox.Deleted
				msg.folder = mailbox.Deleted
			}
		case 4:
			n, r := run(mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f, Leaf: state.NextLeaf, NameKey: domain.UUID(f)}})
			if folders[f] {
				expect(n, r, 0, mailbox.FolderTaken)
			} else {
				expect(n, r, 1, "")
				folders[f] = true
			}
		case 5:
			n, r := run(mailbox.DeleteFolder{Folder: f, Platform: "app"})
			full := false
			for _, x := range messages {
				full = full || !x.gone && x.folder == f
			}
			switch {
			case !folders[f]:
				expect(n, r, 0, mailbox.FolderNotFound)
			case full:
				expect(n, r, 0, mailbox.FolderNotEmpty)
			default:
				expect(n, r, 1, "")
				delete(folders, f)
			}
		}
		held := map[domain.FolderID]int{}
		for id, x := range messages {
			if s := state.Messages[id]; !x.gone {
				held[x.folder]++
				if s.Folder != x.folder || s.Read != x.read {
					t.Fatalf("seed %d, step %d: message %v is %+v, the model says %+v", seed, step, id, s, x)
				}
			}
		}
		for p, n := range state.Held {
			if n != held[p.Folder] {
				t.Fatalf("seed %d, step %d: folder %v holds %d, the model says %d", seed, step, p.Folder, n, held[p.Folder])
			}
		}
	}
}
