package viewapi

import (
	"strings"
	"time"

	accesshall "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/consents"
	"digitalpost/adapters/backbone/folders"
	lookshall "digitalpost/adapters/backbone/looks"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/people"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

// What view clients are answered, as NgDP has it. Each schema of openapi.yaml that an answer has is a struct of the
// same name in an answers file: this one, and answers_access, answers_contacts and answers_messages. What is absent
// is left out, never null; a pointer is a value that is left out only where it is nil. Times are text, as stamp
// writes them.

// A Resource is what every resource begins with.
type Resource struct {
	ID      domain.UUID `json:"id"`
	Version uint32      `json:"version"`
}

// A Page is what a list's answer says beside its items.
type Page struct {
	CurrentPage    int    `json:"currentPage"`
	TotalPages     int    `json:"totalPages"`
	ElementsOnPage int    `json:"elementsOnPage"`
	TotalElements  int    `json:"totalElements"`
	Next           string `json:"next,omitempty"` // leads to the page that follows
}

// pageOf makes the head of a page that shows some of total items.
func pageOf(some, number, size, total int) Page {
	return Page{CurrentPage: number, TotalPages: (total + size - 1) / size, ElementsOnPage: some, TotalElements: total}
}

// Listed are the items of a page: each a *T, or, where fields are asked for, those of its fields by their names.
type Listed[T any] []any

// stamp writes a time as answers show it: in UTC, to the millisecond.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// A Mailbox is a mailbox that who asks may open, with the access by which they may.
type Mailbox struct {
	Resource
	CreatedDateTime          string           `json:"createdDateTime"`
	LastUpdated              string           `json:"lastUpdated"`
	OwnerType                string           `json:"ownerType"` // CITIZEN or ORGANISATION
	OwnerIdentityID          domain.MailboxID `json:"ownerIdentityId"`
	OwnerName                string           `json:"ownerName"`
	OwnerExternalID          string           `json:"ownerExternalId"` // a CPR or CVR number
	StatusType               string           `json:"statusType"`
	StatusDate               string           `json:"statusDate"`
	RecipientSystemAvailable bool             `json:"recipientSystemAvailable"`
	Exempt                   bool             `json:"exempt"`
	Access                   MailboxAccess    `json:"access"`
}

// A MailboxAccess is the right by which who asks may open a mailbox.
type MailboxAccess struct {
	Resource
	AccessType string           `json:"accessType"` // OWNER or PARTY_REPRESENTATIVE
	MailboxID  domain.MailboxID `json:"mailboxId"`
	IdentityID domain.MailboxID `json:"identityId"`
	Privileges []access.Right   `json:"privileges"`
}

// A MailboxSearchResult is a page of mailboxes.
type MailboxSearchResult struct {
	Page
	Mailboxes Listed[Mailbox] `json:"mailboxes"`
}

// ownerTypeOf names a kind of owner as NgDP does.
func ownerTypeOf(kind mailbox.OwnerKind) string {
	if kind == mailbox.Company {
		return "ORGANISATION"
	}
	return "CITIZEN"
}

// mailboxOf shows the mailbox behind a door to the identity that may open it.
func mailboxOf(d accesshall.Door, p people.Person, row mailbox.Box, identity domain.MailboxID) Mailbox {
	id := domain.UUID(domain.DeriveID("access", d.Mailbox[:]))
	if d.Grant != (domain.GrantID{}) {
		id = domain.UUID(d.Grant)
	}
	as := "PARTY_REPRESENTATIVE"
	if d.Right == access.Owner {
		as = "OWNER"
	}

	at := stamp(row.Shown.At)
	return Mailbox{
		Resource:        Resource{domain.UUID(d.Mailbox), 1},
		CreatedDateTime: at, LastUpdated: at,
		OwnerType: ownerTypeOf(p.Kind), OwnerIdentityID: d.Mailbox, OwnerName: p.Name, OwnerExternalID: p.Number,
		StatusType: "ACTIVE", StatusDate: at,
		Exempt: row.Exemption.Exempt,
		Access: MailboxAccess{Resource: Resource{id, 1}, AccessType: as, MailboxID: d.Mailbox, IdentityID: identity,
			Privileges: []access.Right{d.Right}},
	}
}

// An Unread says whether unread post lies outside DELETED, and since when.
type Unread struct {
	MailboxID                  domain.MailboxID `json:"mailboxId"`
	UnreadRegularMessagesExist bool             `json:"unreadRegularMessagesExist"`
	FromDate                   string           `json:"fromDate,omitempty"` // when the oldest of it came
}

// A Folder is a folder of a mailbox: one of the system's four, or one of the owner's.
type Folder struct {
	Resource
	MailboxID       domain.MailboxID `json:"mailboxId"`
	FolderType      string           `json:"folderType"` // INBOX, DRAFTS, SENT, DELETED or USER_DEFINED
	Name            string           `json:"name"`
	CreatedDateTime string           `json:"createdDateTime"`
	LastUpdated     string           `json:"lastUpdated"`
	ParentFolderID  domain.FolderID  `json:"parentFolderId,omitzero"` // absent at the top
}

// A FolderSearchResult is a page of folders.
type FolderSearchResult struct {
	Page
	Folders Listed[Folder] `json:"folders"`
}

// A FolderMessageSummaryResult counts what lies in each folder.
type FolderMessageSummaryResult struct {
	FolderMessageSummaryList []FolderMessageSummary `json:"folderMessageSummaryList"`
}

// A FolderMessageSummary counts what lies in a folder.
type FolderMessageSummary struct {
	Folder       Folder       `json:"folder"`
	MessageCount MessageCount `json:"messageCount"`
}

// A MessageCount counts messages: those of a folder, or of a sender.
type MessageCount struct {
	Label             string `json:"label"`
	UnreadMessages    int    `json:"unreadMessages"`
	TotalMessages     int    `json:"totalMessages"`
	LatestMessageFrom string `json:"latestMessageFrom,omitempty"` // when the newest came; absent where there is none
}

// folderOf shows a folder of a mailbox.
func folderOf(box domain.MailboxID, f folders.Folder) Folder {
	out := Folder{
		Resource:  Resource{domain.UUID(mailbox.ShownFolder(box, f.ID)), f.Row.Version},
		MailboxID: box, FolderType: f.Type, Name: f.Name,
		CreatedDateTime: stamp(f.Row.Shown.At), LastUpdated: stamp(f.Row.Shown.Last),
	}
	if f.Parent != (domain.FolderID{}) {
		out.ParentFolderID = mailbox.ShownFolder(box, f.Parent)
	}
	return out
}

// summaryOf shows a folder with the counts of what lies in it.
func summaryOf(box domain.MailboxID, f folders.Folder) FolderMessageSummary {
	count := MessageCount{Label: f.Name, UnreadMessages: f.Count.Unread, TotalMessages: f.Count.Total}
	if !f.Latest.IsZero() {
		count.LatestMessageFrom = stamp(f.Latest)
	}
	return FolderMessageSummary{folderOf(box, f), count}
}

// A SenderInformationResult counts a mailbox's post by sender.
type SenderInformationResult struct {
	SenderInformationList []SenderInformation `json:"senderInformationList"`
}

// A SenderInformation counts the post of one sender.
type SenderInformation struct {
	SenderID         string                `json:"senderId"`     // a CVR number
	SenderIDType     string                `json:"senderIdType"` // CVR
	OrganisationID   domain.OrganisationID `json:"organisationId"`
	MessageCountList []MessageCount        `json:"messageCountList"`
}

func senderOf(s messages.SenderCount) SenderInformation {
	count := MessageCount{s.Name, s.Unread, s.Total, stamp(s.Latest)}
	return SenderInformation{s.CVR, "CVR", s.Organisation, []MessageCount{count}}
}

// A Look is a record of somebody seeing a mailbox, or being refused.
type Look struct {
	ID        uint64           `json:"id"` // its position in the log
	DateTime  string           `json:"dateTime"`
	Type      string           `json:"type"`               // such as CONTENT_OPENED
	MessageID domain.MessageID `json:"messageId,omitzero"` // whose content was opened
	By        LookBy           `json:"by"`
	GrantID   domain.UUID      `json:"grantId,omitzero"` // the access by which they looked
	Platform  string           `json:"platform"`
}

// A LookBy is who looked.
type LookBy struct {
	IdentityID domain.UUID `json:"identityId"`
	Name       string      `json:"name"` // empty where it is not known
	Kind       string      `json:"kind"`
}

// A LookSearchResult is a page of looks, newest first.
type LookSearchResult struct {
	Page
	Looks []Look `json:"looks"`
}

func lookOf(l lookshall.Look) Look {
	kind := strings.TrimPrefix(l.Event.EventType(), "looks.")
	out := Look{
		ID: uint64(l.Position), DateTime: stamp(l.At), Type: strings.ToUpper(strings.ReplaceAll(kind, "-", "_")),
		By:      LookBy{domain.UUID(l.Meta.Actor.ID), l.Name, l.Meta.Actor.Kind},
		GrantID: domain.UUID(l.Meta.Grant), Platform: l.Meta.Platform,
	}
	if e, ok := l.Event.(looks.ContentOpened); ok {
		out.MessageID = e.Message
	}
	return out
}

// Consents are the owner's answers to the platforms that show public post only with consent.
type Consents struct {
	Consents []Consent `json:"consents"`
}

// A Consent says whether the owner consents to a platform's showing public post.
type Consent struct {
	Platform string `json:"platform"`
	Name     string `json:"name"`
	Given    bool   `json:"given"`
}

func consentOf(id string, given bool) Consent {
	p, _ := platform.Of(id)
	return Consent{id, p.Name, given}
}

// A RegisteredSender is who sends to a mailbox: all authorities, as one, or a company that sends through the platform.
type RegisteredSender struct {
	SenderType      string                `json:"senderType"`              // AUTHORITIES or COMPANY
	OrganisationID  domain.OrganisationID `json:"organisationId,omitzero"` // of a company
	CVRNumber       string                `json:"cvrNumber,omitempty"`     // of a company
	Name            string                `json:"name"`
	Registered      bool                  `json:"registered"`
	Consent         string                `json:"consent,omitempty"`         // to a company's post
	Exempt          *bool                 `json:"exempt,omitempty"`          // from authorities' post
	CancelExemption string                `json:"cancelExemption,omitempty"` // where an exemption is cancelled
}

// A SenderSearchResult is a page of senders.
type SenderSearchResult struct {
	Page
	Senders Listed[RegisteredSender] `json:"senders"`
}

// authoritiesOf shows all authorities as one sender.
func authoritiesOf(box domain.MailboxID, exempt bool, language string) RegisteredSender {
	out := RegisteredSender{SenderType: "AUTHORITIES", Name: interfaceTexts["sender.AUTHORITIES"].in(language),
		Registered: !exempt, Exempt: &exempt}
	if exempt {
		out.CancelExemption = "/apis/v1/mailboxes/" + box.String() + "/exemption/cancel"
	}
	return out
}

// companyOf shows a company that sends through the platform.
func companyOf(s consents.Sender) RegisteredSender {
	consent := "NONE"
	switch {
	case s.Consent.Given && s.Consent.Indirect:
		consent = "INDIRECT"
	case s.Consent.Given:
		consent = "DIRECT"
	case s.Asked:
		consent = "WITHDRAWN"
	}
	return RegisteredSender{SenderType: "COMPANY", OrganisationID: s.ID, CVRNumber: s.CVR, Name: s.Name,
		Registered: s.Consent.Given, Consent: consent}
}

// Platforms are all platforms.
type Platforms struct {
	Platforms []Platform `json:"platforms"`
}

// A Platform says what a platform shows, whom it serves and in which languages.
type Platform struct {
	ID               string              `json:"id"`
	Name             string              `json:"name"`
	Owner            string              `json:"owner"`
	Serves           []mailbox.OwnerKind `json:"serves"`
	ShowsPrivatePost bool                `json:"showsPrivatePost"`
	NeedsConsent     bool                `json:"needsConsent"`
	Languages        []string            `json:"languages"`
	AppFollowsDevice bool                `json:"appFollowsDevice"`
	MinimumAge       int                 `json:"minimumAge"`
}

func platformOf(p platform.Platform) Platform {
	serves := []mailbox.OwnerKind{}
	for _, o := range []mailbox.OwnerKind{mailbox.Citizen, mailbox.Company} {
		if p.Serves(o) {
			serves = append(serves, o)
		}
	}
	return Platform{ID: p.ID, Name: p.Name, Owner: p.Owner, Serves: serves, ShowsPrivatePost: p.Private,
		NeedsConsent: p.Consent, Languages: p.Languages, AppFollowsDevice: p.AppFollowsDevice, MinimumAge: p.MinAge}
}

// A Language is the language of a platform's texts for an owner.
type Language struct {
	Platform         string   `json:"platform"`
	Language         string   `json:"language"`
	Languages        []string `json:"languages"` // those that the platform has
	AppFollowsDevice bool     `json:"appFollowsDevice"`
}

// InterfaceTexts are the words that the answers' codes stand for, by the code.
type InterfaceTexts struct {
	Language string            `json:"language"`
	Texts    map[string]string `json:"texts"`
}
