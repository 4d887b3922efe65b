// Package senderapi is the sender systems' face: /apis/v1/memos/, receipts/, receipts-bulk/, contacts/ and validations/, with the names and codes that
// existing MeMo clients know.
package senderapi

import (
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

type api struct {
	b   *backbone.Backbone
	who *identity.Gate
	log *slog.Logger
}

// Register adds the routes to mux. Paths work with and without their trailing slash.
func Register(mux *http.ServeMux, b *backbone.Backbone, who *identity.Gate, log *slog.Logger) {
	a := &api{b, who, log}
	route := func(method, path string, fn func(http.ResponseWriter, *http.Request, backbone.System) error) {
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
	route("GET", "receipts/{id}", a.receipt)
	route("DELETE", "receipts/{id}", a.deleteReceipt)
	route("GET", "contacts", a.contacts)
	route("GET", "self-service-exemptions", a.selfService)
	route("POST", "validations", a.validate)
}

// fresh waits until the views have all that was in the log when the request arrived.
func (a *api) fresh(r *http.Request) error { return a.b.Fresh(r.Context(), a.b.Position()) }

type receipt struct {
	ID            string  `json:"id,omitempty"`
	Transmission  string  `json:"transmissionId"`
	UUID          string  `json:"messageUUID"`
	MessageID     *string `json:"messageId"`
	ErrorCode     *string `json:"errorCode"`
	ErrorMessage  *string `json:"errorMessage"`
	TimeStamp     string  `json:"timeStamp"`
	ReceiptStatus string  `json:"receiptStatus"`
}

func show(r backbone.Receipt) receipt {
	out := receipt{Transmission: r.Transmission.String(), UUID: r.UUID.String(), TimeStamp: r.At.UTC().Format("2006-01-02T15:04:05.000Z"), ReceiptStatus: r.Status}
	if r.ID != (domain.ReceiptID{}) {
		out.ID = r.ID.String()
	}
	if r.MessageID != "" {
		out.MessageID = &r.MessageID
	}
	if r.Code != "" {
		rule, _ := memo.RuleOf(r.Code)
		text := rule.Text
		if r.Field != "" {
			text = r.Field + ": " + text
		}
		out.ErrorCode, out.ErrorMessage = &r.Code, &text
	} else if r.Despite != "" {
		text := "delivered despite the recipient's exemption: " + r.Despite
		out.ErrorMessage = &text
	}
	return out
}

// body gives the MeMo's XML, as the body itself or as part file of a multipart body.
func body(r *http.Request) (io.Reader, error) {
	unsupported := func(what string) error {
		return problem.New(http.StatusUnsupportedMediaType, "media.type.not.supported", what+" is not accepted: send application/xml, text/xml, or multipart/form-data with a part named file")
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

func (a *api) submit(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	if r.ContentLength > memo.MaxLength+1<<20 {
		return backbone.ErrTooLarge
	}
	in, err := body(r)
	if err != nil {
		return err
	}
	uuid, err := domain.ParseUUID(r.URL.Query().Get("memo-message-uuid"))
	if err != nil {
		return problem.BadField("memo-message-uuid", "parameter.not.valid", "is required and must be the messageUUID of the MeMo's header")
	}
	done, err := a.b.Submit(r.Context(), sys, uuid, in)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusCreated, show(done))
	return nil
}

func (a *api) receipts(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	page, size, err := problem.Page(r)
	if err != nil {
		return err
	}
	list, total, err := a.b.Receipts(sys, page, size)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, one := range list {
		ids = append(ids, one.ID.String())
	}
	showIDs(w, ids, page, size, total)
	return nil
}

// showIDs answers with a page of ids, as NgDP's PagingResultUUID.
func showIDs(w http.ResponseWriter, ids []string, page, size, total int) {
	out := map[string]any{"content": ids, "number": page, "size": size, "totalElements": total, "totalPages": (total + size - 1) / size, "previous": nil, "next": nil}
	if page > 0 {
		out["previous"] = map[string]any{"page": page - 1, "size": size, "ordering": []any{}}
	}
	if (page+1)*size < total {
		out["next"] = map[string]any{"page": page + 1, "size": size, "ordering": []any{}}
	}
	problem.JSON(w, http.StatusOK, out)
}

func (a *api) receiptsBulk(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	page, size, err := problem.Page(r)
	if err != nil {
		return err
	}
	list, total, err := a.b.Receipts(sys, page, size)
	if err != nil {
		return err
	}
	shown := []receipt{}
	for _, one := range list {
		shown = append(shown, show(one))
	}
	problem.JSON(w, http.StatusOK, map[string]any{"currentPage": page, "totalPages": (total + size - 1) / size, "elementsOnPage": len(shown), "totalElements": total, "receipts": shown})
	return nil
}

func (a *api) receipt(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	id, err := domain.ParseUUID(r.PathValue("id"))
	if err != nil {
		return backbone.ErrNotFound
	}
	found, err := a.b.Receipt(sys, id)
	if err != nil {
		return err
	}
	if s := r.URL.Query().Get("delete"); s != "" {
		del, err := strconv.ParseBool(s)
		if err != nil {
			return problem.BadField("delete", "parameter.not.valid", "must be true or false")
		}
		if del {
			if err := a.b.DeleteReceipt(r.Context(), sys, id); err != nil {
				return err
			}
		}
	}
	problem.JSON(w, http.StatusOK, show(found))
	return nil
}

func (a *api) deleteReceipt(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	id, err := domain.ParseUUID(r.PathValue("id"))
	if err != nil {
		return backbone.ErrNotFound
	}
	if err := a.b.DeleteReceipt(r.Context(), sys, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// contacts tells whether a number can be reached, and never why not.
func (a *api) contacts(w http.ResponseWriter, r *http.Request, _ backbone.System) error {
	q := r.URL.Query()
	cpr, cvr := q.Get("cprNumber"), q.Get("cvrNumber")
	kind, number, contact := mailbox.Citizen, cpr, map[string]any{"type": "CITIZEN", "cprNumber": cpr}
	if cpr == "" {
		kind, number, contact = mailbox.Company, cvr, map[string]any{"type": "COMPANY", "cvrNumber": cvr}
	}
	if (cpr == "") == (cvr == "") {
		return problem.BadField("cprNumber", "parameter.not.valid", "or cvrNumber is required, one of them")
	}
	id, ok, err := a.b.Find(kind, number)
	if err != nil {
		return err
	}
	list := []any{}
	if ok {
		status := "REGISTERED"
		exempt, _, err := a.b.IsExempt(kind, number)
		if err != nil {
			return err
		}
		if exempt {
			status = "EXEMPT"
		}
		contactID := domain.UUID(domain.DeriveID("contact", id[:]))
		contact["id"], contact["version"] = contactID, 1
		contact["mailboxSubscription"] = map[string]any{"id": contactID, "version": 1, "publicRegistrationStatus": status}
		list = append(list, contact)
	}
	problem.JSON(w, http.StatusOK, map[string]any{"contacts": list, "currentPage": 0, "totalPages": len(list), "elementsOnPage": len(list), "totalElements": len(list), "next": nil})
	return nil
}

// selfService tells an authority whether a person need not use its self-service online: yes while they are exempt, and never why. Of a number that nobody has it is no.
func (a *api) selfService(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	if sys.Organisation.Kind != organisation.Authority {
		return backbone.ErrForbidden
	}
	cpr := r.URL.Query().Get("cprNumber")
	if _, err := domain.ParseCPR(cpr); err != nil {
		return problem.BadField("cprNumber", "cpr.not.valid", "must be ten digits that begin with a date")
	}
	exempt, _, err := a.b.IsExempt(mailbox.Citizen, cpr)
	if err == nil {
		problem.JSON(w, http.StatusOK, map[string]bool{"result": exempt})
	}
	return err
}

// validate judges a MeMo without sending it: 201 if it would be accepted, 400 with what is wrong.
func (a *api) validate(w http.ResponseWriter, r *http.Request, sys backbone.System) error {
	var in io.Reader
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		var wrapped struct {
			Resource []byte `json:"resource"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 32<<20)).Decode(&wrapped); err != nil {
			return problem.BadField("resource", "body.not.valid", "must be the MeMo in base64, of at most 32 MiB as JSON")
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
	if v := m.Judge(memo.Sender{CVR: o.CVR, MandatoryAllowed: o.MandatoryAllowed, LegalAllowed: o.LegalAllowed}, time.Now()); v != nil {
		return &problem.Error{Status: 400, Code: v.Rule.Code, Message: v.Path + ": " + v.Rule.Text,
			Fields: []problem.Field{{Resource: "MeMo", Field: v.Path, Code: v.Rule.Code, Message: v.Rule.Text}}}
	}
	problem.JSON(w, http.StatusCreated, map[string]any{"code": nil, "message": "the MeMo is valid", "fieldErrors": []any{}})
	return nil
}
