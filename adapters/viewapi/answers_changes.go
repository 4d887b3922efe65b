package viewapi

import (
	"digitalpost/adapters/backbone/changes"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// A CloudEvent is a change in a mailbox as CloudEvents 1.0 has it in JSON.
type CloudEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"` // the event's cursor: see showCursor
	Source      string `json:"source"`
	Type        string `json:"type"`
	Subject     string `json:"subject,omitempty"` // the message, or the access
	Time        string `json:"time"`
	ContentType string `json:"datacontenttype"`
	Data        Change `json:"data"`
}

// A Change says which things a change is about.
type Change struct {
	MailboxID    domain.MailboxID `json:"mailboxId"`
	MessageID    domain.MessageID `json:"messageId,omitzero"`
	FolderID     domain.FolderID  `json:"folderId,omitzero"` // where it is now
	FromFolderID domain.FolderID  `json:"fromFolderId,omitzero"`
	AccessID     domain.GrantID   `json:"accessId,omitzero"`
	IdentityID   domain.MailboxID `json:"identityId,omitzero"` // who has the access
}

func eventOf(c changes.Change, id string) CloudEvent {
	out := CloudEvent{
		SpecVersion: "1.0", ID: id,
		Source: "/apis/v1/mailboxes/" + c.Mailbox.String(), Type: "dk.digitalpost." + c.Type,
		Time: stamp(c.At), ContentType: "application/json",
		Data: Change{MailboxID: c.Mailbox, MessageID: c.Message, AccessID: c.Grant},
	}
	folder := func(id domain.FolderID) domain.FolderID {
		if id == (domain.FolderID{}) {
			return id
		}
		return mailbox.ShownFolder(c.Mailbox, id)
	}
	out.Data.FolderID, out.Data.FromFolderID = folder(c.Folder), folder(c.From)
	if c.Message != (domain.MessageID{}) {
		out.Subject = c.Message.String()
	}

	if c.Grant != (domain.GrantID{}) {
		out.Data.IdentityID, out.Subject = c.Grantee, c.Grant.String()
	}

	return out
}
