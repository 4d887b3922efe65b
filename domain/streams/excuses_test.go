package streams_test

// Why a field stands in no effect, and is kept in no mailbox.
const (
	directory = "the directory's, which picks the events of organisations by type"
	receipts  = "the views of receipts and of looks pick these few events by type"
	outbox    = "the outbox's, which picks this event by type"
	letters   = "kept with the letter, which never changes: see mailbox.LetterOf"
	inRow     = "kept in the row that the event touches"
	operators = "read from the log's own stream, which is short"
	told      = "read from the event itself by who sends it"
	evidence  = "evidence: it stands in the log alone"
	noIntake  = "of a letter that came by no intake this is zero, or the event's own"
)

// excuses are the fields that are not accounted for by event, each with the reason why that is right.
var excuses = map[string]map[string]string{
	"intake.memo-received": {
		"MemoReceived.System":      receipts,
		"MemoReceived.UUID":        receipts,
		"MemoReceived.Receipt":     receipts,
		"MemoReceived.MessageID":   receipts,
		"MemoReceived.DocumentKey": "read from the event itself by who finds the outcome",
		"MemoReceived.Salt":        "read from the event itself when a UUID comes again",
	},
	"intake.memo-refused":    {"MemoRefused.Message": receipts},
	"intake.receipt-deleted": {"ReceiptDeleted.Message": receipts, "ReceiptDeleted.Receipt": receipts},
	"intake.receipt-pushed":  {"ReceiptPushed.Message": receipts, "ReceiptPushed.Receipt": receipts},
	"log.proposal-made": {
		"ProposalMade.Proposal": operators, "ProposalMade.Mailbox": operators, "ProposalMade.Reason": operators,
		"ProposalMade.Citizen": operators,
	},
	"log.proposal-approved":    {"ProposalApproved.Proposal": operators},
	"log.proposal-withdrawn":   {"ProposalWithdrawn.Proposal": operators},
	"log.proposal-carried-out": {"ProposalCarriedOut.Proposal": operators},

	"mandate.opened": {"Opened.Purpose": evidence, "Opened.CaseNumber": evidence, "Opened.Authority": operators},

	"register.task-raised": {"TaskRaised.Task": operators, "Task.Mailboxes": operators},
	"register.task-closed": {"TaskClosed.Task": operators},

	"looks.content-opened": {"ContentOpened.Message": receipts},

	"mailbox.access-granted":    {"AccessGranted.Documentation": evidence},
	"mailbox.contact-confirmed": {"ContactConfirmed.Contact": evidence, "ContactConfirmed.Detail": inRow},
	"mailbox.contact-set": {
		"ContactSet.Detail": inRow, "ContactSet.Person": inRow, "ContactSet.Hash": inRow,
	},
	"mailbox.contact-code-issued": {
		"ContactCodeIssued.Detail": inRow, "ContactCodeIssued.Hash": inRow,
		"ContactCodeIssued.Leaf": told, "ContactCodeIssued.Code": told,
	},
	"mailbox.contact-hours-set":   {"ContactHoursSet.Detail": inRow},
	"mailbox.contact-code-failed": {"ContactCodeFailed.Detail": inRow},
	"mailbox.contact-removed": {
		"ContactRemoved.Detail": told, "ContactRemoved.Leaf": told, "ContactRemoved.Words": told,
		"ContactRemoved.Person": inRow,
	},
	"mailbox.nemsms-queued":     {"Letter.System": letters, "Letter.UUID": letters},
	"mailbox.notifications-set": {"NotificationsSet.Person": inRow},
	"mailbox.notification-requested": {
		"NotificationRequested.Detail": inRow, "Notice.ID": inRow, "Notice.Message": inRow,
	},
	"mailbox.notification-ended": {
		"NotificationEnded.Detail": inRow, "Notice.ID": evidence, "Notice.Message": evidence,
	},

	"mailbox.exemption-applied":        {"ExemptionApplied.Exemption": inRow},
	"mailbox.exemption-granted":        {"ExemptionGranted.Exemption": inRow},
	"mailbox.exemption-refused":        {"ExemptionRefused.Exemption": "the row has it from when it was applied for"},
	"mailbox.exemption-revoked":        {"ExemptionRevoked.Exemption": inRow},
	"mailbox.exemption-receipt-issued": {"ExemptionReceiptIssued.Exemption": evidence},

	"mailbox.folder-created": {"FolderCreated.Parent": inRow, "FolderCreated.NameKey": inRow},
	"mailbox.folder-renamed": {"FolderRenamed.NameKey": inRow},
	"mailbox.folder-moved":   {"FolderMoved.Parent": inRow},

	"mailbox.message-noted":     {"MessageNoted.Key": inRow},
	"mailbox.message-delivered": {"Letter.System": letters, "Letter.UUID": letters},
	"mailbox.message-scheduled": {"Letter.System": letters, "Letter.UUID": letters},

	"mailbox.draft-saved": {"DraftSaved.Author": "in the audience of the row, and of who is told"},
	"mailbox.message-sent": {
		"Letter.Message":           noIntake,
		"Letter.System":            noIntake,
		"Letter.Sender":            noIntake,
		"Letter.UUID":              letters,
		"Letter.IntakeLeaf":        noIntake,
		"Destination.Organisation": outbox,
		"Destination.ContactPoint": outbox,
		"Destination.System":       inRow,
		"Destination.Mailbox":      outbox,
		"Destination.Address":      outbox,
		"Handover.Root":            inRow,
		"Handover.Key":             outbox,
		"MessageSent.Author":       "whose draft it was is nobody's affair once it is sent",
		"MessageSent.From":         "where the draft lay is known to its author alone",
		"MessageSent.Answers":      outbox,
		"MessageSent.Forwards":     outbox,
	},

	"organisation.registered": {
		"Registered.CVR": directory, "Registered.Name": directory, "Registered.UUID": directory,
	},
	"organisation.system-registered":   {"SystemRegistered.System": directory, "SystemRegistered.Name": directory},
	"organisation.system-key-set":      {"SystemKeySet.System": directory},
	"organisation.system-delegated":    {"SystemDelegated.System": directory, "SystemDelegated.Holder": directory},
	"organisation.system-basis-set":    {"SystemBasisSet.System": directory},
	"organisation.system-endpoint-set": {"SystemEndpointSet.System": directory},
	"organisation.subscription-set": {
		"SubscriptionSet.Subscription": directory, "SubscriptionSet.System": directory,
		"SubscriptionSet.Singles": directory,
	},
	"organisation.subscription-ended":      {"SubscriptionEnded.Subscription": directory},
	"organisation.system-endpoint-stopped": {"SystemEndpointStopped.System": directory},
	"organisation.system-withdrawn":        {"SystemWithdrawn.System": directory},
	"organisation.unknown-met":             {"UnknownMet.System": "for auditors alone"},
	"organisation.recipient-system-registered": {
		"RecipientSystemRegistered.System": directory,
	},
	"organisation.contact-group-created": {"ContactGroup.Group": directory, "ContactGroup.Parent": directory},
	"organisation.contact-group-changed": {"ContactGroup.Group": directory, "ContactGroup.Parent": directory},
	"organisation.contact-group-closed":  {"ContactGroupClosed.Group": directory},
	"organisation.contact-point-created": {
		"ContactPoint.Point": directory, "ContactPoint.Groups": directory, "ContactPoint.System": directory,
	},
	"organisation.contact-point-changed": {
		"ContactPoint.Point": directory, "ContactPoint.Groups": directory, "ContactPoint.System": directory,
	},
	"organisation.contact-point-closed": {"ContactPointClosed.Point": directory},
}
