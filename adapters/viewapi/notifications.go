package viewapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	accesshall "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// notificationHandlers serve a person's own access to a mailbox: at which e-mail addresses and mobile number they are
// told of new post there.
type notificationHandlers struct{ *api }

func (a notificationHandlers) register(r routes) {
	r.one("PUT", "mailboxes/{box}/accesses/{access}", a.set)
	r.one("PUT", "mailboxes/{box}/accesses/{access}/subscriptions/{subscription}/verification", a.verify)
}

// An EmailNotificationSubscription is an e-mail address that is told of new post once it is confirmed.
type EmailNotificationSubscription struct {
	Subscribed
	Email string `json:"email"`
}

// An SmsNotificationSubscription is a Danish mobile number that is told of new post once it is confirmed.
type SmsNotificationSubscription struct {
	Subscribed
	MobileNumber string `json:"mobileNumber"` // 8 digits
	// UsedNumber is the one before, which is told until this one is confirmed; absent: there is none.
	UsedNumber string `json:"usedUntilConfirmed,omitempty"`
}

// Subscribed is what both say.
type Subscribed struct {
	Resource
	VerificationTime string `json:"verificationTime,omitempty"` // when the last code was sent
	ConfirmationTime string `json:"confirmationTime,omitempty"` // absent: it is not confirmed, and is told nothing
	// Outside says that it may be told at night, too.
	Outside bool `json:"notificationOutsideOfActiveWindowAllowed"`
}

// Notifications are what somebody is told of, as their own access says it.
type Notifications struct {
	OptedOut string                          `json:"optedOutOfNotificationsDateTime,omitempty"`
	Reminder int                             `json:"reminderAfterDays,omitempty"` // absent: no reminder
	SMS      *SmsNotificationSubscription    `json:"smsNotificationSubscription,omitempty"`
	EMails   []EmailNotificationSubscription `json:"emailNotificationSubscriptions,omitempty"`
}

func notificationsOf(own contacts.Own) (out Notifications) {
	out.Reminder = own.Reminder
	if !own.OptedOut.IsZero() {
		out.OptedOut = stamp(own.OptedOut)
	}

	for _, d := range own.Details {
		s := Subscribed{
			Resource: Resource{d.ID, own.Version + 1}, VerificationTime: stamp(d.Shown.Sent), Outside: d.Shown.Anytime,
		}
		if d.Confirmed {
			s.ConfirmationTime = stamp(d.Shown.At)
		}

		switch d.Kind {
		case mailbox.EMail:
			out.EMails = append(out.EMails, EmailNotificationSubscription{s, d.Words})
		case mailbox.Mobile:
			used := ""
			if out.SMS != nil {
				used = out.SMS.MobileNumber
			}
			out.SMS = &SmsNotificationSubscription{s, localNumber(d.Words), used}
		}
	}

	return out
}

// localNumber gives a number without its country code, as NgDP has it.
func localNumber(number string) string { return number[max(0, len(number)-8):] }

// own gives the asker's own access that a path names, without what they are told of: their grant's, or the owner's. It
// has grown by versions of its own.
func (a notificationHandlers) own(r request) (Access, error) {
	id, err := pathID(r, "access")
	if err != nil {
		return Access{}, err
	}

	door, err := a.b.Access.Door(r.Context(), r.p, r.box)
	if err != nil {
		return Access{}, err
	}

	if door.Grant != (domain.GrantID{}) {
		x, err := accessHandlers(a).oneAccess(r)
		if err == nil && x.Row.Grant.Grantee != r.p.Identity {
			err = core.ErrNotFound
		}

		return accessOf(x), err
	}

	owner, row, err := a.b.Access.Behind(door)
	if err != nil {
		return Access{}, err
	}

	shown := mailboxOf(door, owner, row, r.p.Identity)
	if shown.Access.ID != id {
		return Access{}, core.ErrNotFound
	}

	return Access{
		Granted: Granted{
			Resource: shown.Access.Resource, CreatedDateTime: shown.CreatedDateTime, LastUpdated: shown.LastUpdated,
			MailboxID: r.box, IdentityID: r.p.Identity, Privileges: shown.Access.Privileges, State: mailbox.Granted,
			OwnerName: owner.Name, IdentityName: owner.Name,
		},
		AccessType: shown.Access.AccessType,
	}, nil
}

// withNotifications adds what a person is told of to their own access.
func withNotifications(x Access, own contacts.Own) Access {
	x.Version += own.Version
	x.Notifications = notificationsOf(own)

	return x
}

// shown gives the access that a path names, with what who asks is told of, if it is their own.
func (a notificationHandlers) shown(r request) (Access, error) {
	x, err := a.own(r)
	if err != nil {
		return x, err
	}
	own, err := a.b.Contacts.Of(r.Context(), r.p, r.box)

	return withNotifications(x, own), err
}

// access gives one access: the asker's own, with what they are told of, or one that they may see.
func (a notificationHandlers) access(w http.ResponseWriter, r request) error {
	x, err := a.shown(r)
	if err != nil && !errors.Is(err, core.ErrNotFound) && !errors.Is(err, core.ErrForbidden) && !core.IsRefused(err) {
		return err
	}

	if err != nil {
		var other accesshall.Given
		if other, err = accessHandlers(a).oneAccess(r); err != nil {
			return err
		}
		x = accessOf(other)
	}

	a.position(w, a.b.Position())
	problem.Versioned(w, http.StatusOK, x.Version, x)

	return nil
}

// accessReadOnly are the fields of an Access that a typed client sends back as it got them, and that nothing is set by.
var accessReadOnly = []string{
	"id", "version", "transactionId", "createdDateTime", "lastUpdated", "accessType", "mailboxId", "identityId",
	"introductionCompleted", "privileges", "privilegeEndDate", "state", "grantedVia", "ownerName", "identityName",
	"pushNotificationSubscriptions",
}

// set sets what somebody is told of. The whole access is given: what is absent, or null, is none.
func (a notificationHandlers) set(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	in, err := fields(r, append([]string{
		"optedOutOfNotificationsDateTime", "reminderAfterDays", "smsNotificationSubscription",
		"emailNotificationSubscriptions",
	}, accessReadOnly...)...)
	if err != nil {
		return err
	}

	wish, err := wishOf(in)
	if err != nil {
		return err
	}

	x, err := a.own(r)
	if err != nil {
		return err
	}

	if ask.Version != 0 {
		if ask.Version < x.Version { // of the access, before the contact details' own
			return domain.AtVersion(x.Version, ask.Version)
		}
		ask.Version -= x.Version - 1
	}

	own, at, err := a.b.Contacts.Set(r.Context(), ask, wish)
	if err != nil {
		return err
	}
	x = withNotifications(x, own)
	a.position(w, at)
	problem.Versioned(w, http.StatusOK, x.Version, x)

	return nil
}

// absent takes away the fields that are null.
func absent(in map[string]json.RawMessage) {
	for name, raw := range in {
		if string(raw) == "null" {
			delete(in, name)
		}
	}
}

func wishOf(in map[string]json.RawMessage) (w contacts.Wish, err error) {
	absent(in)
	const rule = "must be an object with a mobileNumber"
	type sms struct {
		MobileNumber string `json:"mobileNumber"`
		Outside      bool   `json:"notificationOutsideOfActiveWindowAllowed"`
	}
	mobile, err := field[sms](in, "smsNotificationSubscription", rule)
	if err != nil {
		return w, err
	}

	w.Mobile = &[]contacts.Given{}
	if mobile != nil {
		if contacts.Kept(mailbox.Mobile, mobile.MobileNumber) == "" {
			return w, problem.BadField("smsNotificationSubscription.mobileNumber", "contact.not.allowed",
				"must be a Danish mobile number: 8 digits, the first from 2 to 9")
		}
		*w.Mobile = append(*w.Mobile, contacts.Given{Words: mobile.MobileNumber, Anytime: mobile.Outside})
	}

	type mail struct {
		Email   string `json:"email"`
		Outside bool   `json:"notificationOutsideOfActiveWindowAllowed"`
	}
	mails, err := field[[]mail](in, "emailNotificationSubscriptions", "must be a list of objects with an email")
	if err != nil {
		return w, err
	}

	w.EMails = &[]contacts.Given{}
	if mails != nil {
		for _, m := range *mails {
			if contacts.Kept(mailbox.EMail, m.Email) == "" {
				return w, problem.BadField("emailNotificationSubscriptions.email", "contact.not.allowed",
					"must be an e-mail address of ASCII letters, at most 254 characters")
			}
			*w.EMails = append(*w.EMails, contacts.Given{Words: m.Email, Anytime: m.Outside})
		}
	}

	optedOut, err := textField(in, "optedOutOfNotificationsDateTime", "must be a date and time, or absent")
	if err != nil {
		return w, err
	}
	if _, err := time.Parse(time.RFC3339, optedOut); optedOut != "" && err != nil {
		return w, problem.BadField("optedOutOfNotificationsDateTime", "field.not.valid",
			"must be a date and time, such as 2026-01-02T03:04:05Z, or absent")
	}
	out := optedOut != ""
	w.OptOut = &out

	const days = "must be a number of days from 1 to 30, or absent"
	reminder, err := field[uint8](in, "reminderAfterDays", days)
	if err != nil {
		return w, err
	}

	w.Reminder = new(uint8)
	if reminder != nil {
		if *reminder == 0 || *reminder > mailbox.MaxReminder {
			return w, problem.BadField("reminderAfterDays", "field.not.valid", days)
		}
		w.Reminder = reminder
	}

	return w, nil
}

// verify confirms an e-mail address or a mobile number by the code that was sent to it (pin), or has another sent
// (renewPin).
func (a notificationHandlers) verify(w http.ResponseWriter, r request) error {
	ask, detail, v, err := a.verification(r)
	if err != nil {
		return err
	}

	x, err := a.own(r)
	if err != nil {
		return err
	}

	own, at, err := a.b.Contacts.Verify(r.Context(), ask, detail, v)
	if err != nil {
		return err
	}
	x = withNotifications(x, own)
	a.position(w, at)
	problem.Versioned(w, http.StatusOK, x.Version, x)

	return nil
}
