// Package senderapi is the sender systems' face: /apis/v1/memos/, receipts/, receipts-bulk/, contacts/ and
// validations/, with the names and codes that existing MeMo clients know.
package senderapi

import (
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

// A handler answers a request of a system that is known.
type handler func(http.ResponseWriter, *http.Request, organisations.System) error

type api struct {
	b       *backbone.Backbone
	who     *identity.Gate
	log     *slog.Logger
	wrapped chan struct{} // who holds a MeMo that came within JSON
	verify  Verify        // nil: receipts are pushed to nobody
}

const (
	maxWrapped = 4 << 20 // bytes of a MeMo within JSON
	wrappedAt  = 8       // of them at once
)

// Register adds the routes to mux. Paths work with and without their trailing slash. Verify may be nil: then receipts
// are pushed to nobody.
func Register(
	mux *http.ServeMux, b *backbone.Backbone, who *identity.Gate, verify Verify, log *slog.Logger,
) {
	a := &api{b, who, log, make(chan struct{}, wrappedAt), verify}

	route := func(method, path string, fn handler) {
		h := func(w http.ResponseWriter, r *http.Request) {
			sys, err := a.who.System(r)
			if err == nil {
				err = a.fresh(r)
			}
			if err == nil {
				err = fn(w, r, sys)
			}
			if err != nil {
				if problem.Of(err).Status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", `Basic realm="digitalpost"`)
				}
				problem.Write(w, a.log, err)
			}
		}
		mux.HandleFunc(method+" /apis/v1/"+path, h)
		mux.HandleFunc(method+" /apis/v1/"+path+"/{$}", h)
	}

	route("POST", "memos", a.submit)
	route("GET", "memos", a.waiting)
	route("GET", "memos/{uuid}", a.fetch)
	route("DELETE", "memos/{uuid}", a.takeOrRecall)
	route("POST", "memos/{uuid}/receipt", a.acknowledge)
	a.registerContacts(route)
	route("GET", "receipts", a.receipts)
	route("GET", "receipts-bulk", a.receiptsBulk)
	if verify != nil {
		for path, e := range map[string]endpoints{"receipts/endpoint": {a, false}, "memos/endpoint": {a, true}} {
			route("GET", path, e.get)
			route("PUT", path, e.set)
			route("DELETE", path, e.end)
		}

		for path, s := range map[string]subscriptions{
			"contacts/subscriptions": {a, false}, "organisations/subscriptions": {a, true},
		} {
			route("GET", path, s.list)
			route("POST", path, s.put)
			route("PUT", path+"/{subscription}", s.put)
			route("DELETE", path+"/{subscription}", s.end)
		}
	}
	route("GET", "receipts/{id}", a.receipt)
	route("DELETE", "receipts/{id}", a.deleteReceipt)
	route("GET", "contacts", a.contacts)
	route("GET", "self-service-exemptions", a.selfService)
	route("POST", "validations", a.validate)
}

// fresh waits until the views have all that was in the log when the request arrived.
func (a *api) fresh(r *http.Request) error { return a.b.Fresh(r.Context(), a.b.Position()) }

// body gives the MeMo's XML, as the body itself or as part file of a multipart body.
func body(r *http.Request) (io.Reader, error) {
	unsupported := func(what string) error {
		return problem.New(http.StatusUnsupportedMediaType, "media.type.not.supported", what+
			" is not accepted: send application/xml, text/xml, or multipart/form-data with a part named file")
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, unsupported("the Content-Type")
	}

	switch kind {
	case "application/xml", "text/xml":
		return r.Body, nil
	case "multipart/form-data":
	default:
		return nil, unsupported("this media type")
	}

	if params["boundary"] == "" {
		return nil, unsupported("multipart without a boundary")
	}

	parts, err := r.MultipartReader()
	if err != nil {
		return nil, unsupported("this multipart body")
	}

	for range 10 {
		p, err := parts.NextPart()
		if err != nil {
			break
		}

		if p.FormName() != "file" {
			continue
		}

		if k, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); strings.Contains(k, "lzma") {
			return nil, unsupported("tar.lzma")
		}

		return p, nil
	}

	return nil, problem.BadField("file", "part.missing", "must be a part of the multipart body")
}

func (a *api) submit(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if r.ContentLength > memo.MaxLength+1<<20 {
		return core.ErrTooLarge
	}

	in, err := body(r)
	if err != nil {
		return err
	}

	uuid, err := domain.ParseUUID(r.URL.Query().Get("memo-message-uuid"))
	if err != nil {
		return problem.BadField("memo-message-uuid", "parameter.not.valid",
			"is required and must be the messageUUID of the MeMo's header")
	}

	done, err := a.b.Intake.Submit(r.Context(), sys, intake.Submission{
		UUID: uuid, MeMo: in, ConsentBasis: r.URL.Query().Get("consentBasis"),
	})
	if err != nil {
		return err
	}

	problem.JSON(w, http.StatusCreated, ReceiptOf(done))
	return nil
}

func (a *api) receipts(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := problem.Only(r, "page", "size", "messageUUID"); err != nil {
		return err
	}

	page, size, err := problem.Page(r)
	if err != nil {
		return err
	}

	list, total, err := a.finals(r, sys, page, size)
	if err != nil {
		return err
	}

	ids := []string{}
	for _, one := range list {
		ids = append(ids, one.ID.String())
	}

	problem.JSON(w, http.StatusOK, idsOf(ids, page, size, total))
	return nil
}

func (a *api) receiptsBulk(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := problem.Only(r, "page", "size", "messageUUID"); err != nil {
		return err
	}

	page, size, err := problem.Page(r)
	if err != nil {
		return err
	}
	list, total, err := a.finals(r, sys, page, size)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, receiptsOf(list, page, size, total))
	return nil
}

// finals gives the final receipts that a list is for: all, or that of one MeMo.
func (a *api) finals(r *http.Request, sys organisations.System, page, size int) ([]intake.Receipt, int, error) {
	s := r.URL.Query().Get("messageUUID")
	if s == "" {
		return a.b.Intake.Receipts(sys, page, size)
	}

	uuid, err := domain.ParseUUID(s)
	if err != nil {
		return nil, 0, problem.BadField("messageUUID", "parameter.not.valid", "must be a MeMo's messageUUID")
	}
	one, ok, err := a.b.Intake.ReceiptOf(r.Context(), sys, uuid)
	if err != nil || !ok {
		return nil, 0, err
	}
	if page > 0 {
		return nil, 1, nil
	}

	return []intake.Receipt{one}, 1, nil
}

func (a *api) receipt(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	id, err := domain.ParseUUID(r.PathValue("id"))
	if err != nil {
		return core.ErrNotFound
	}

	found, err := a.b.Intake.Receipt(sys, id)
	if err != nil {
		return err
	}

	if s := r.URL.Query().Get("delete"); s != "" {
		del, err := strconv.ParseBool(s)
		if err != nil {
			return problem.BadField("delete", "parameter.not.valid", "must be true or false")
		}
		if del {
			if err := a.b.Intake.DeleteReceipt(r.Context(), sys, id); err != nil {
				return err
			}
		}
	}

	problem.JSON(w, http.StatusOK, ReceiptOf(found))
	return nil
}

func (a *api) deleteReceipt(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	id, err := domain.ParseUUID(r.PathValue("id"))
	if err != nil {
		return core.ErrNotFound
	}
	if err := a.b.Intake.DeleteReceipt(r.Context(), sys, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// contacts answers whether a number can be reached, and never why not; an authority is told of an exemption.
func (a *api) contacts(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := problem.Only(r, "cprNumber", "cvrNumber"); err != nil {
		return err
	}

	q := r.URL.Query()
	cpr, cvr := q.Get("cprNumber"), q.Get("cvrNumber")
	kind, number, contact := mailbox.Citizen, cpr, Contact{Type: "CITIZEN", CPRNumber: cpr}
	if cpr == "" {
		kind, number, contact = mailbox.Company, cvr, Contact{Type: "COMPANY", CVRNumber: cvr}
	}

	if (cpr == "") == (cvr == "") {
		return problem.BadField("cprNumber", "parameter.not.valid", "or cvrNumber is required, one of them")
	}

	var id domain.MailboxID
	var known bool
	err := a.b.Organisations.LookUp(r.Context(), sys, func() (_ bool, err error) {
		id, known, err = a.b.People.Find(kind, number)
		return known, err
	})
	if err != nil {
		return err
	}

	list := []Contact{}
	if known {
		exempt, _, err := a.b.Exemption.IsExempt(kind, number)
		if err != nil {
			return err
		}
		told := exempt && sys.Organisation.Kind == organisation.Authority // exemption is none from a company's post
		shown := contactOf(contact, id, told)
		if sys.Organisation.Kind == organisation.Authority { // no company sends NemSMS
			reach, err := a.b.Contacts.Reach(id)
			if err != nil {
				return err
			}
			if reach.NemSMS {
				shown.NemSMSSubscription = &Reached{shown.ID, 1}
			}
		}
		list = append(list, shown)
	}

	problem.JSON(w, http.StatusOK, contactsOf(list))
	return nil
}

// selfService answers an authority whether a person need not use its self-service online: yes while they are exempt,
// and never why. Of a number that nobody has it is no.
func (a *api) selfService(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if sys.Organisation.Kind != organisation.Authority {
		return core.ErrForbidden
	}
	cpr := r.URL.Query().Get("cprNumber")
	if _, err := domain.ParseCPR(cpr); err != nil {
		return problem.BadField("cprNumber", "cpr.not.valid", "must be ten digits that begin with a date")
	}

	exempt := false
	err := a.b.Organisations.LookUp(r.Context(), sys, func() (known bool, err error) {
		exempt, known, err = a.b.Exemption.IsExempt(mailbox.Citizen, cpr)
		return known, err
	})
	if err == nil {
		problem.JSON(w, http.StatusOK, SelfService{exempt})
	}
	return err
}

// validate judges a MeMo without sending it: 201 if it would be accepted, 400 with what is wrong.
func (a *api) validate(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	var in io.Reader
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		select { // what is held whole is not held for many at once
		case a.wrapped <- struct{}{}:
			defer func() { <-a.wrapped }()
		case <-r.Context().Done():
			return r.Context().Err()
		}

		var wrapped wrappedMemo
		err := problem.ReadJSON(r.Body, maxWrapped, &wrapped,
			"must have the MeMo in base64 as resource, in at most 4 MiB: send a longer one as application/xml")
		if err != nil {
			return err
		}
		in = strings.NewReader(string(wrapped.Resource))
	} else {
		raw, err := body(r)
		if err != nil {
			return err
		}
		in = memo.Limit(raw)
	}

	m, err := memo.Read(in)
	if err != nil {
		return err
	}

	o := sys.Organisation
	sender := memo.Sender{CVR: o.CVR, MandatoryAllowed: o.MandatoryAllowed, LegalAllowed: o.LegalAllowed}
	if v := m.Judge(sender, a.b.Clock.Now()); v != nil {
		return &problem.Error{Status: 400, Code: v.Rule.Code, Message: v.Path + ": " + v.Rule.Text,
			Fields: []problem.Field{{Resource: "MeMo", Field: v.Path, Code: v.Rule.Code, Message: v.Rule.Text}}}
	}

	problem.JSON(w, http.StatusCreated, Validation{"the MeMo is valid", []problem.Field{}})
	return nil
}
