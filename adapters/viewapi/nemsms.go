package viewapi

import (
	"net/http"

	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// nemSMSHandlers serve the registration for NemSMS: of an owner, by themselves or at the municipality's counter.
type nemSMSHandlers struct{ *api }

func (a nemSMSHandlers) register(r routes) {
	r.one("GET", "contacts/{contact}", a.get)
	r.one("PUT", "contacts/{contact}", a.set)
	r.one("PUT", "contacts/{contact}/verifications/{subscription}", a.verify)
}

// A RegisteredContact is a person or company with a mailbox, as they and the counter see them.
type RegisteredContact struct {
	Resource
	MailboxID domain.MailboxID `json:"mailboxId"`
	// NemSMSTerms are the terms that are to be accepted now, by their version.
	NemSMSTerms string              `json:"nemSmsTermsVersion"`
	NemSMS      *NemSmsSubscription `json:"nemSmsSubscription,omitempty"` // absent: not registered
}

// A NemSmsSubscription is a registration for text messages from authorities.
type NemSmsSubscription struct {
	Resource
	MobileNumber     string `json:"mobileNumber,omitempty"`       // 8 digits; absent: there is none any more
	UsedNumber       string `json:"usedUntilConfirmed,omitempty"` // the one before; absent: there is none
	VerificationTime string `json:"verificationTime,omitempty"`   // when the last code was sent
	ConfirmedTime    string `json:"confirmedDateTime,omitempty"`  // absent: the number is not confirmed, and gets none
	Shared           bool   `json:"sharesMobileNumber"`           // the number is that for new post
	TermsVersion     string `json:"termsVersion"`                 // of the terms that were accepted
	AcceptedDateTime string `json:"acceptedDateTime"`
}

func registeredOf(r contacts.Registration) RegisteredContact {
	id := domain.UUID(domain.DeriveID("contact", r.Mailbox[:]))
	out := RegisteredContact{
		Resource: Resource{id, r.Version}, MailboxID: r.Mailbox, NemSMSTerms: mailbox.NemSMSTerms,
	}
	if r.Terms == "" {
		return out
	}

	s := NemSmsSubscription{
		Resource: Resource{id, r.Version}, Shared: r.Shared, TermsVersion: r.Terms, AcceptedDateTime: stamp(r.At),
	}
	s.UsedNumber = localNumber(r.Used)
	if d := r.Number; d != nil {
		s.ID, s.MobileNumber, s.VerificationTime = d.ID, localNumber(d.Words), stamp(d.Shown.Sent)
		if d.Confirmed {
			s.ConfirmedTime = stamp(d.Shown.At)
		}
	}
	out.NemSMS = &s

	return out
}

// whose gives the mailbox that a path's contact is: the asker's own, by the contact's id, or any by the mailbox's own.
func (a nemSMSHandlers) whose(r *request) error {
	id, err := pathID(*r, "contact")
	r.box = id
	if own := r.p.Identity; id == domain.DeriveID("contact", own[:]) {
		r.box = own
	}

	return err
}

func (a nemSMSHandlers) get(w http.ResponseWriter, r request) error {
	if err := a.whose(&r); err != nil {
		return err
	}
	x, err := a.b.Contacts.NemSMS(r.Context(), r.p, r.box)
	if err == nil {
		problem.Versioned(w, http.StatusOK, x.Version, registeredOf(x))
	}

	return err
}

// set registers for NemSMS, with the terms accepted, or opts out: the whole contact is given, and one without a
// nemSmsSubscription has opted out.
func (a nemSMSHandlers) set(w http.ResponseWriter, r request) error {
	if err := a.whose(&r); err != nil {
		return err
	}
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	in, err := fields(r, "id", "version", "transactionId", "type", "cprNumber", "cvrNumber", "mailboxId",
		"eligibleForVoluntaryRegistration", "mailboxSubscription", "lastUpdated", "createdDate", "nemSmsTermsVersion",
		"nemSmsSubscription")
	if err != nil {
		return err
	}

	absent(in)
	type subscription struct {
		MobileNumber *string `json:"mobileNumber"`
		Shared       bool    `json:"sharesMobileNumber"`
		Terms        string  `json:"termsVersion"`
	}
	s, err := field[subscription](in, "nemSmsSubscription", "must be an object with a termsVersion, and a "+
		"mobileNumber or sharesMobileNumber")
	if err != nil {
		return err
	}

	var x contacts.Registration
	var at eventstore.Position
	if s == nil {
		x, at, err = a.b.Contacts.OptOut(r.Context(), ask)
	} else {
		wish := contacts.NemSMSWish{Terms: s.Terms}
		switch {
		case s.Shared:
		case s.MobileNumber == nil || contacts.Kept(mailbox.NemSMSNumber, *s.MobileNumber) == "":
			return problem.BadField("nemSmsSubscription.mobileNumber", "contact.not.allowed",
				"must be a Danish mobile number of 8 digits, the first from 2 to 9, or sharesMobileNumber true")
		default:
			wish.Number = *s.MobileNumber
		}
		x, at, err = a.b.Contacts.Register(r.Context(), ask, wish)
	}

	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, http.StatusOK, x.Version, registeredOf(x))

	return nil
}

// verify confirms the number by the code that was sent to it (pin), or has another sent (renewPin).
func (a nemSMSHandlers) verify(w http.ResponseWriter, r request) error {
	if err := a.whose(&r); err != nil {
		return err
	}
	ask, detail, v, err := a.verification(r)
	if err != nil {
		return err
	}

	x, at, err := a.b.Contacts.VerifyNumber(r.Context(), ask, detail, v)
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, http.StatusOK, x.Version, registeredOf(x))

	return nil
}

// verification reads who confirms which contact detail, by a code, or that another is wanted. No version counts for it.
func (a *api) verification(r request) (ask core.Ask, detail domain.UUID, v contacts.Verification, err error) {
	if ask, detail, err = a.askFor(r, "subscription"); err != nil {
		return ask, detail, v, err
	}
	ask.Version = 0

	in, err := fields(r, "pin", "renewPin")
	if err != nil {
		return ask, detail, v, err
	}

	absent(in)
	if v.Code, err = textField(in, "pin", "must be the code, as text"); err != nil {
		return ask, detail, v, err
	}

	again, err := field[bool](in, "renewPin", "must be true or false")
	if err != nil {
		return ask, detail, v, err
	}

	if v.Renew = again != nil && *again; !v.Renew && v.Code == "" {
		err = problem.BadField("pin", "field.missing", "or renewPin is required")
	}

	return ask, detail, v, err
}
