package mailbox

import "digitalpost/domain"

// Reasons lists every reason to refuse, so that a reason without an answer, or without a row in a rule book, fails a
// test.
var Reasons = []domain.Reason{
	NotOpen, AlreadyOpen, StaleVersion, UnderAge,
	NoSuchMessage, AlreadyReceived, AlreadyDelivered, NotInTrash, NoteTooLong, RecipientClosed,
	FolderNotFound, FolderTaken, FolderNotAllowed, NameNotAllowed, NameTaken, SystemFolder, Cycle, FolderNotEmpty,
	TooManyFolders,
	NoAccess, AccessLimited, AccessSelf, AccessDuplicate, AccessNotFound, AccessPast, AccessKind, AccessTooMany,
	RequestClosed, GranteeNoMailbox, OwnerNotFound, NoDocumentation,
	RecipientExempt, AlreadyExempt, NotExempt, NotInPerson, NoID, NoDeclaration, ProxyUnsigned, ExemptionNotOpen,
	ContactNotAllowed, CriterionUnknown, CompanyCriterion, AddressNotAllowed,
	NoConsentNeeded, SenderDeclined, NoConsent, UnknownSender, WrongPlatform, NotOffered, FollowsDevice,
	NotADraft, TooManyDrafts, TooManyParts, ConsentMissing, LabelNotAllowed, DocumentNotAllowed, FileNotAllowed,
	TooManyDocuments, DraftTooLarge, PartNotNext,
	LabelMissing, RecipientMissing, ReplyElsewhere, MainMissing, FileIncomplete, TooManyAttachments, TooLargeForPoint,
	NotReplyable, PrivatePost, ForwardNotAllowed, CommentTooLong, EMailNotConfirmed, EMailNotAvailable,
	NothingToForward, TooManyEMails, ReceiptGiven, NotFetched,
	NoNemSMS, TermsNotAccepted, NumberMissing,
	DetailNotAllowed, TooManyDetails, CodeSpent, TooManyCodes,
}
