package senderapi

import (
	"time"

	"digitalpost/adapters/backbone"
	intakehall "digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

// What systems are answered, as NgDP has it. Each schema of openapi.yaml that an answer has is a struct of the same
// name here. What is absent is left out, never null. Times are text, in UTC and to the millisecond.

// A Receipt (kvittering) says what became of a MeMo: RECEIVED at once, and one of the others at last.
type Receipt struct {
	ID             domain.ReceiptID `json:"id,omitzero"` // of a final receipt, by which it is fetched
	TransmissionID domain.ReceiptID `json:"transmissionId"`
	MessageUUID    domain.UUID      `json:"messageUUID"`
	MessageID      string           `json:"messageId,omitempty"` // the sender's, if the MeMo has one
	ErrorCode      string           `json:"errorCode,omitempty"`
	ErrorMessage   *string          `json:"errorMessage,omitempty"`
	TimeStamp      string           `json:"timeStamp"`
	ReceiptStatus  string           `json:"receiptStatus"` // RECEIVED, COMPLETED, INVALID or NOT_ALLOWED
}

// ReceiptOf shows a receipt, with the text of its code.
func ReceiptOf(r intakehall.Receipt) Receipt {
	out := Receipt{
		ID: r.ID, TransmissionID: r.Transmission, MessageUUID: r.UUID, MessageID: r.MessageID,
		ErrorCode: r.Code, TimeStamp: stamp(r.At), ReceiptStatus: r.Status,
	}
	switch {
	case r.Code != "":
		rule, _ := memo.RuleOf(r.Code)
		text := rule.Text
		if r.Field != "" {
			text = r.Field + ": " + text
		}
		out.ErrorMessage = &text
	case r.Despite != "":
		text := "delivered despite the recipient's exemption: " + r.Despite
		out.ErrorMessage = &text
	}

	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// A ReceiptSearchResult is a page of final receipts.
type ReceiptSearchResult struct {
	CurrentPage    int       `json:"currentPage"`
	TotalPages     int       `json:"totalPages"`
	ElementsOnPage int       `json:"elementsOnPage"`
	TotalElements  int       `json:"totalElements"`
	Receipts       []Receipt `json:"receipts"`
}

func receiptsOf(list []intakehall.Receipt, page, size, total int) ReceiptSearchResult {
	out := ReceiptSearchResult{CurrentPage: page, TotalPages: pages(total, size), ElementsOnPage: len(list),
		TotalElements: total, Receipts: make([]Receipt, len(list))}
	for i, r := range list {
		out.Receipts[i] = ReceiptOf(r)
	}
	return out
}

// A PagingResultUUID is a page of ids.
type PagingResultUUID struct {
	Content       []string     `json:"content"`
	Number        int          `json:"number"`
	Size          int          `json:"size"`
	TotalElements int          `json:"totalElements"`
	TotalPages    int          `json:"totalPages"`
	Previous      *PageRequest `json:"previous,omitempty"` // absent on the first page
	Next          *PageRequest `json:"next,omitempty"`     // absent on the last page
}

// A PageRequest says which page to ask for.
type PageRequest struct {
	Page     int      `json:"page"`
	Size     int      `json:"size"`
	Ordering []string `json:"ordering"` // always empty: there is one order
}

func idsOf(ids []string, page, size, total int) PagingResultUUID {
	out := PagingResultUUID{Content: ids, Number: page, Size: size,
		TotalElements: total, TotalPages: pages(total, size)}
	if page > 0 {
		out.Previous = &PageRequest{page - 1, size, []string{}}
	}
	if (page+1)*size < total {
		out.Next = &PageRequest{page + 1, size, []string{}}
	}
	return out
}

// pages gives how many pages of a size total items take.
func pages(total, size int) int { return (total + size - 1) / size }

// A ContactSearchResult says whether a number can be reached: it has one contact, or none.
type ContactSearchResult struct {
	Contacts       []Contact `json:"contacts"`
	CurrentPage    int       `json:"currentPage"`
	TotalPages     int       `json:"totalPages"`
	ElementsOnPage int       `json:"elementsOnPage"`
	TotalElements  int       `json:"totalElements"`
}

// A Contact is a person or company that has a mailbox.
type Contact struct {
	ID                  domain.UUID         `json:"id"`
	Version             int                 `json:"version"`
	Type                string              `json:"type"` // CITIZEN or COMPANY
	CPRNumber           string              `json:"cprNumber,omitempty"`
	CVRNumber           string              `json:"cvrNumber,omitempty"`
	MailboxSubscription MailboxSubscription `json:"mailboxSubscription"`
	NemSMSSubscription  *Reached            `json:"nemSmsSubscription,omitempty"` // absent: NemSMS does not reach them
}

// A Reached says that NemSMS reaches a contact; not at which number.
type Reached struct {
	ID      domain.UUID `json:"id"`
	Version int         `json:"version"`
}

// A MailboxSubscription says whether a contact gets public post.
type MailboxSubscription struct {
	ID                       domain.UUID `json:"id"`
	Version                  int         `json:"version"`
	PublicRegistrationStatus string      `json:"publicRegistrationStatus"` // REGISTERED or EXEMPT
}

// contactOf completes a contact that names its number: with the mailbox's id, and whether its owner is exempt.
func contactOf(c Contact, id domain.MailboxID, exempt bool) Contact {
	c.ID, c.Version = domain.UUID(domain.DeriveID("contact", id[:])), 1
	c.MailboxSubscription = MailboxSubscription{c.ID, 1, "REGISTERED"}
	if exempt {
		c.MailboxSubscription.PublicRegistrationStatus = "EXEMPT"
	}
	return c
}

// ContactOf gives a contact as an authority's system is told of it, without its number: whether post and NemSMS reach
// it now. One that has ended is CLOSED.
func ContactOf(b *backbone.Backbone, id domain.MailboxID) (any, error) {
	contact := Contact{Type: "CITIZEN"}
	reach, err := b.Contacts.Reach(id)
	if err != nil {
		return nil, err
	}

	if reach.Kind == mailbox.Company {
		contact.Type = "COMPANY"
	}

	contact = contactOf(contact, id, reach.Exempt)
	if reach.Closed {
		contact.MailboxSubscription.PublicRegistrationStatus = "CLOSED"
	}

	if reach.NemSMS {
		contact.NemSMSSubscription = &Reached{contact.ID, 1}
	}

	return contact, nil
}

func contactsOf(list []Contact) ContactSearchResult {
	n := len(list)
	return ContactSearchResult{Contacts: list, TotalPages: n, ElementsOnPage: n, TotalElements: n}
}

// A SelfService says whether a person need not use an authority's self-service online.
type SelfService struct {
	Result bool `json:"result"`
}

// A Validation says that a MeMo is valid; what is not valid is answered as an error.
type Validation struct {
	Message     string          `json:"message"`
	FieldErrors []problem.Field `json:"fieldErrors"` // always empty
}

// A ContactGroupKept is a contact group as its authority's system has set it.
type ContactGroupKept struct {
	ID          domain.UUID `json:"id"`
	Version     uint32      `json:"version"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
}

func groupKept(g organisation.ContactGroup, version uint32) ContactGroupKept {
	return ContactGroupKept{g.Group, version, g.Name, g.Description}
}

// A ContactPointKept is a contact point as its authority's system has set it.
type ContactPointKept struct {
	ID                         domain.UUID           `json:"id"`
	Version                    uint32                `json:"version"`
	Name                       string                `json:"name"`
	Description                string                `json:"description"`
	Active                     bool                  `json:"active"`
	Visible                    bool                  `json:"visible"`
	OrganisationID             domain.OrganisationID `json:"organisationId"`
	MemoSizeThresholdMB        float64               `json:"memoSizeThresholdMB"`
	AllowedNumberOfAttachments int                   `json:"allowedNumberOfAttachments"`
}

func pointKept(p organisation.ContactPoint, version uint32, of domain.OrganisationID) ContactPointKept {
	return ContactPointKept{
		ID: p.Point, Version: version, Name: p.Name, Description: p.Description,
		Active: p.Active, Visible: p.Visible, OrganisationID: of,
		MemoSizeThresholdMB: float64(p.MaxBytes) / 1e6, AllowedNumberOfAttachments: p.Attachments,
	}
}

// A MailSystem is a system that takes post in.
type MailSystem struct {
	ID          domain.SystemID `json:"id"`
	Name        string          `json:"name"`
	SystemType  string          `json:"systemType"`  // RECIPIENT_DEFAULT
	MemoVersion string          `json:"memoVersion"` // 1.1 or 1.2
}

func systemOf(s organisations.System) MailSystem {
	version := "1.2"
	if s.Receives == memo.V11 {
		version = "1.1"
	}
	return MailSystem{s.ID, s.Name, "RECIPIENT_DEFAULT", version}
}
