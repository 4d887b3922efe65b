package changes

import (
	"encoding/json"
	"strconv"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// A CloudEvent is a change as CloudEvents 1.0 has it in JSON.
type CloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"` // the event's cursor
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject,omitempty"` // the message, or the access
	Time        string    `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        EventData `json:"data"`
}

// EventData says which things a change is about, and for a platform's servers what became of the rows that they hold.
type EventData struct {
	MailboxID    domain.MailboxID  `json:"mailboxId"`
	MessageID    domain.MessageID  `json:"messageId,omitzero"`
	FolderID     domain.FolderID   `json:"folderId,omitzero"` // where it is now
	FromFolderID domain.FolderID   `json:"fromFolderId,omitzero"`
	AccessID     domain.GrantID    `json:"accessId,omitzero"`
	IdentityID   domain.MailboxID  `json:"identityId,omitzero"` // who has the access
	Platform     string            `json:"platform,omitempty"`  // through which somebody acted
	Scope        mailbox.Scope     `json:"scope,omitempty"`     // that became visible or hidden
	Rows         []json.RawMessage `json:"rows,omitempty"`      // that changed, as they are after it or later
	Gone         []string          `json:"gone,omitempty"`      // keys of rows that are no more
}

// Event gives a change as CloudEvents have it. Cursor makes an id of its position.
func (c Change) Event(cursor func(eventstore.Position) string) CloudEvent {
	out := CloudEvent{
		SpecVersion: "1.0", ID: cursor(c.Position),
		Source: "/apis/v1/mailboxes/" + c.Mailbox.String(), Type: "dk.digitalpost." + c.Type,
		Time: c.At.UTC().Format("2006-01-02T15:04:05.000Z"), ContentType: "application/json",
		Data: EventData{MailboxID: c.Mailbox, MessageID: c.Message, AccessID: c.Grant},
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

// Event gives what a platform is told as CloudEvents have it. A part's id is that of the event, a dash and its number.
func (c PlatformChange) Event(cursor func(eventstore.Position) string) CloudEvent {
	out := c.Change.Event(cursor)
	if c.Part > 0 {
		out.ID += "-" + strconv.Itoa(c.Part)
	}
	out.Data.Platform, out.Data.Scope, out.Data.Gone = c.Acting, c.Scope, c.Gone
	for _, r := range c.Rows {
		out.Data.Rows = append(out.Data.Rows, r)
	}

	return out
}
