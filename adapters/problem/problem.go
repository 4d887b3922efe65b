// Package problem turns what went wrong into answers: NgDP's ErrorMessage, as application/problem+json (RFC 9457). It
// is the one place where a reason becomes a status and a text, and the one place where a fault is logged.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/backbone/changes"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// An Error is an answer that is not 2xx.
type Error struct {
	Status  int
	Code    string
	Message string
	Fields  []Field
	Version uint32 // of the thing as it stands, where the caller knew another; 0: none
	Retry   int    // seconds, for Retry-After; 0: none
}

func (e *Error) Error() string { return e.Code }

// A Field is a rule that a part of the request broke.
type Field struct {
	Resource string `json:"resource,omitempty"`
	Field    string `json:"field"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// New makes an answer that names no field.
func New(status int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message}
}

// BadField makes a 400 that names a field and its rule.
func BadField(field, code, rule string) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    code,
		Message: field + " " + rule,
		Fields:  []Field{{Field: field, Code: code, Message: rule}},
	}
}

// reasons gives each reason to refuse its text and status.
var reasons = map[domain.Reason]struct {
	status int
	text   string
}{
	mailbox.NotOpen:               {422, "the mailbox is not open"},
	mailbox.AlreadyOpen:           {422, "the mailbox is open already"},
	mailbox.NoSuchMessage:         {404, "no such message"},
	mailbox.StaleVersion:          {409, "the version is not the one that the resource stands at"},
	mailbox.AlreadyReceived:       {422, "the message is in the mailbox already"},
	mailbox.AlreadyDelivered:      {422, "the message has been delivered, and can't be recalled any more"},
	mailbox.NotInTrash:            {422, "the message does not lie in DELETED"},
	mailbox.FolderNotFound:        {422, "the folder is not there"},
	mailbox.FolderTaken:           {422, "the folder is there already"},
	mailbox.FolderNotAllowed:      {422, "this folder can't take it"},
	mailbox.NameTaken:             {422, "a folder beside it has that name"},
	mailbox.SystemFolder:          {422, "system folders can't be changed"},
	mailbox.Cycle:                 {422, "a folder can't lie within itself"},
	mailbox.FolderNotEmpty:        {422, "the folder holds messages or folders"},
	mailbox.TooManyFolders:        {422, "a mailbox has at most 1,000 folders of its own"},
	intake.AlreadyReceived:        {409, "a MeMo with this UUID was taken in already: send it again"},
	intake.UUIDReused:             {400, "the UUID was used before, for other bytes"},
	access.NoAuthority:            {403, "the sign-in must say for which authority somebody in an office acts"},
	mailbox.NoAccess:              {403, "access to this mailbox has ended, or never was"},
	mailbox.AccessLimited:         {403, "this access does not go so far"},
	mailbox.AccessSelf:            {422, "nobody grants access to themselves"},
	mailbox.AccessDuplicate:       {422, "there is such access, or such a request, already"},
	mailbox.AccessNotFound:        {422, "there is no such access, or it has ended"},
	mailbox.AccessPast:            {422, "the date must be a day to come, such as 2030-01-31"},
	mailbox.AccessKind:            {422, "access of this kind is not yours to grant"},
	mailbox.AccessTooMany:         {422, "a mailbox has at most 200 grants and requests at once"},
	mailbox.RequestClosed:         {422, "the request is not open"},
	mailbox.RecipientExempt:       {422, "the recipient is exempt"},
	mailbox.RecipientClosed:       {422, "the recipient's mailbox is closed"},
	mailbox.AlreadyExempt:         {422, "the person is exempt already, or has applied"},
	mailbox.NotExempt:             {422, "the person is not exempt"},
	mailbox.NotInPerson:           {422, "one applies in person"},
	mailbox.NoID:                  {422, "a valid ID must be shown"},
	mailbox.NoDeclaration:         {422, "a signed declaration of at least one criterion is needed"},
	mailbox.ProxyUnsigned:         {422, "a proxy's form is signed by both"},
	mailbox.ExemptionNotOpen:      {422, "there is no such application to decide on"},
	mailbox.ContactNotAllowed:     {422, "an e-mail address or a Danish mobile number must be confirmed"},
	mailbox.NotADraft:             {422, "the message is no draft, or no message that this can be done with"},
	mailbox.TooManyDrafts:         {422, "a person has at most 100 drafts in a mailbox"},
	mailbox.TooManyParts:          {422, "a draft has at most 200 uploaded pieces"},
	mailbox.PrivatePost:           {422, "private post stays on its platform"},
	mailbox.SenderDeclined:        {422, "the recipient does not take this company's post through its platform"},
	mailbox.UnderAge:              {422, "a citizen gets a mailbox at the age of 15"},
	mailbox.UnknownSender:         {422, "no company of that id sends private post"},
	mailbox.WrongPlatform:         {422, "the company's post comes through another platform"},
	mailbox.NotOffered:            {422, "the platform does not have this language"},
	mailbox.FollowsDevice:         {422, "the platform's app is in the device's language: nothing is stored for it"},
	mailbox.NotFetched:            {409, "the MeMo was not fetched yet"},
	mailbox.ReplyElsewhere:        {422, "an answer goes to who wrote; write a new message to others"},
	mailbox.ReceiptGiven:          {422, "another receipt was given before, and stands"},
	organisation.NotYours:         {403, "a system changes its own authority's contact structure alone"},
	organisation.NoSuchGroup:      {422, "there is no such contact group"},
	organisation.NoSuchPoint:      {422, "there is no such contact point"},
	organisation.NoSuchSystem:     {422, "there is no such recipient system of the organisation"},
	organisation.LastVisiblePoint: {422, "an organisation keeps one contact point at least that can be seen"},
	organisation.GroupNotEmpty:    {422, "the contact group holds groups or points"},
	organisation.GroupTooDeep:     {422, "contact groups lie at most 16 deep within one another"},
	mailbox.NothingToForward:      {422, "the message has no documents to send on"},
	mailbox.TooManyEMails:         {429, "a mailbox forwards at most 50 e-mails a day"},
	organisation.GroupCycle:       {422, "a contact group can't lie within itself"},
	organisation.TooManyContacts:  {422, "an organisation has at most 2,000 contact groups, and as many points"},
	mailbox.LabelNotAllowed:       {400, "a label has at most 256 characters, none of them one that is not seen"},
	mailbox.DraftTooLarge:         {422, "a draft has at most 24 KiB of words, and 74,625,000 bytes of files"},
	organisation.NoSuchRecipient:  {422, "there is no such authority"},
	mailbox.LabelMissing:          {422, "a message needs a label"},
	mailbox.RecipientMissing:      {422, "a message needs a recipient"},
	mailbox.MainMissing:           {422, "a message needs a main document, and each document a file"},
	mailbox.FileIncomplete:        {422, "a file's pieces are not all there"},
	organisation.CategoryRequired: {422, "the authority has several contact points: choose one"},
	organisation.PointClosed:      {422, "the contact point takes no post of yours"},
	mailbox.TooManyAttachments:    {422, "the contact point does not take so many attachments"},
	mailbox.TooLargeForPoint:      {422, "the message is larger than the contact point takes"},
	mailbox.NotReplyable:          {422, "the message can't be answered"},
	organisation.SenderClosed:     {422, "the sender can't be answered any more: write a new message"},
	mailbox.CommentTooLong:        {422, "a comment has at most 512 characters"},
	mailbox.EMailNotConfirmed:     {422, "e-mail leaves Digital Post: say that this is meant, with confirmed"},
	mailbox.EMailNotAvailable:     {422, "this server sends no e-mail"},
	mailbox.CriterionUnknown:      {422, "criteria are those of the form"},
	mailbox.AddressNotAllowed:     {422, "an address has at most 500 characters"},
	mailbox.NoConsentNeeded:       {422, "this platform needs no consent"},
	mailbox.OwnerNotFound:         {422, "nobody has that number and name"},
	mailbox.NoDocumentation:       {422, "say what documentation was shown, in 1 to 1,000 characters"},
	mailbox.NameNotAllowed:        {400, "a folder's name has 1 to 256 characters, none of them one that is not seen"},
	mailbox.NoteTooLong:           {400, "a note has at most 4,000 characters"},

	mailbox.ConsentMissing: {422, "this platform shows public post, and writes it, for those alone who consented"},
	mailbox.CompanyCriterion: {422, "a company is exempt only without broadband, or if its owner or manager can't " +
		"and nobody else can"},
	mailbox.DocumentNotAllowed: {400, "a document's label has at most 256 characters, none of them a control " +
		"character"},
	mailbox.FileNotAllowed: {400, "a file has a name and an encodingFormat of at most 256 characters, and a " +
		"language of two letters"},
	mailbox.TooManyDocuments: {422, "a draft has one main document, at most 31 documents, and at most 10 files in " +
		"each"},
	mailbox.PartNotNext: {422, "a piece begins where the last one ended, and ends within the whole: ask for the " +
		"file to see how much is there"},
	mailbox.ForwardNotAllowed: {422, "a message is forwarded to a CPR or CVR number that is not the mailbox's own, " +
		"or to an e-mail address"},
	mailbox.GranteeNoMailbox: {422, "access is for persons and companies that have a mailbox, named by number and " +
		"name"},
}

// fieldOf names the part of a request that a reason is about, where it is about one.
var fieldOf = map[domain.Reason]string{
	mailbox.LabelNotAllowed:       "label",
	mailbox.DocumentNotAllowed:    "label",
	mailbox.FileNotAllowed:        "file",
	mailbox.NameNotAllowed:        "name",
	mailbox.NoteTooLong:           "note",
	"file.extension.not.allowed":  "filename",
	"file.name.not.allowed":       "filename",
	"file.empty.not.allowed":      "content",
	mailbox.AccessPast:            "privilegeEndDate",
	organisation.NoSuchPoint:      "contactPointId",
	organisation.NoSuchRecipient:  "recipientId",
	mailbox.ReplyElsewhere:        "recipient",
	mailbox.CommentTooLong:        "comment",
	mailbox.EMailNotConfirmed:     "confirmed",
	mailbox.ForwardNotAllowed:     "recipientId",
	mailbox.FolderNotFound:        "folderId",
	mailbox.FolderNotAllowed:      "folderId",
	mailbox.NameTaken:             "name",
	mailbox.CriterionUnknown:      "criteria",
	mailbox.CompanyCriterion:      "criteria",
	mailbox.AddressNotAllowed:     "alternativeAddress",
	mailbox.NoDocumentation:       "documentation",
	mailbox.NotOffered:            "language",
	mailbox.FollowsDevice:         "device",
	mailbox.LabelMissing:          "label",
	mailbox.RecipientMissing:      "recipient",
	mailbox.MainMissing:           "documents",
	mailbox.FileIncomplete:        "documents",
	organisation.CategoryRequired: "contactPointId",
	organisation.PointClosed:      "contactPointId",
	mailbox.TooManyAttachments:    "documents",
	mailbox.TooLargeForPoint:      "documents",
	organisation.NoSuchGroup:      "contactGroups",
	organisation.NoSuchSystem:     "systemId",
	organisation.GroupCycle:       "parent",
	organisation.GroupTooDeep:     "parent",
	mailbox.OwnerNotFound:         "accessTo",
	mailbox.GranteeNoMailbox:      "cprNumber",
	mailbox.AccessKind:            "privileges",
	mailbox.ContactNotAllowed:     "email",
	mailbox.PartNotNext:           "Content-Range",
}

// Known reports whether a reason has an answer.
func Known(r domain.Reason) bool { _, ok := reasons[r]; return ok }

// Of turns any error into an answer. A fault becomes 500 and is shown to nobody. It looks through wrapped errors.
func Of(err error) *Error {
	var e *Error
	var form *memo.FormError
	var rejection *domain.Rejection
	var limited *core.LimitedError
	var damage *engine.DamagedError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &form):
		first := form.Errors[0]
		out := New(400, first.Code, "the MeMo is not valid: "+strings.TrimPrefix(first.Path+": ", ": ")+first.Rule)
		for _, f := range form.Errors {
			out.Fields = append(out.Fields, Field{Resource: "MeMo", Field: f.Path, Code: f.Code, Message: f.Rule})
		}
		return out
	case errors.As(err, &rejection):
		r, ok := reasons[rejection.Reason]
		if rule, known := memo.RuleOf(string(rejection.Reason)); !ok && known {
			r.status, r.text = 422, rule.Text
		} else if !ok {
			r.status, r.text = 422, string(rejection.Reason)
		}
		out := &Error{Status: r.status, Code: string(rejection.Reason), Message: r.text, Version: rejection.Version}
		if f := fieldOf[rejection.Reason]; f != "" {
			out.Fields = []Field{{Field: f, Code: out.Code, Message: r.text}}
		}
		return out
	case errors.As(err, &limited) && limited.What == core.LimitRequests:
		return later(429, int(limited.Retry/time.Second)+1, "requests.too.many",
			"too much was asked of others today, or of this one")
	case errors.As(err, &limited):
		return later(429, int(limited.Retry/time.Second)+1, "lookups.too.many",
			"too many numbers were asked for that nobody has, or that are another's")
	case errors.As(err, &damage):
		return later(503, 30, "view.damaged", "what is shown was damaged, and is being made anew from the log")
	case errors.Is(err, core.ErrTooLarge):
		return New(413, "memo.too.large", "a MeMo has at most 99,500,000 bytes")
	case errors.Is(err, core.ErrNotFound):
		return New(404, "not.found", "there is no such thing, or not for you")
	case errors.Is(err, core.ErrForbidden):
		return New(403, "forbidden", "this mailbox is not yours")
	case errors.Is(err, core.ErrKeyReused):
		return New(422, "idempotency.key.reused", "the Idempotency-Key was used for another command")
	case errors.Is(err, changes.ErrTooMany):
		return later(429, 15, "too.many.streams", "a person has at most 64 open streams of changes, and a platform 16")
	case errors.Is(err, core.ErrParked):
		return later(503, 60, "mailbox.parked", "the mailbox can't be shown before an operator has looked at it")
	case errors.Is(err, core.ErrNoRoom), errors.Is(err, eventstore.ErrDiskFull):
		return later(503, 60, "storage.full", "there is no room for more")
	case errors.Is(err, eventstore.ErrClock):
		return later(503, 60, "clock.not.trusted", "the server's clock has jumped; an operator must confirm it")
	case errors.Is(err, eventstore.ErrConflict):
		return later(503, 1, "busy", "others change the same thing, try again")
	case errors.Is(err, eventstore.ErrClosed):
		return later(503, 5, "closed", "the server is going down")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return New(503, "cancelled", "the request ended before its answer")
	}

	return New(500, "internal.error", "something went wrong here, and has been noted")
}

// later makes an answer to one who may try again in so many seconds.
func later(status, seconds int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message, Retry: seconds}
}

// Write answers with an error, and logs it if it is a fault.
func Write(w http.ResponseWriter, log *slog.Logger, err error) {
	e := Of(err)
	if e.Status == 500 {
		log.Error("request failed", "error", err)
	}

	body := map[string]any{
		"type":    "about:blank",
		"title":   http.StatusText(e.Status),
		"status":  e.Status,
		"code":    e.Code,
		"message": e.Message,
		"detail":  e.Message,
	}
	if e.Fields != nil {
		body["fieldErrors"] = e.Fields
	} else {
		body["fieldErrors"] = []Field{}
	}

	h := w.Header()
	if e.Version != 0 {
		body["version"] = e.Version
		h.Set("ETag", ETag(e.Version))
	}
	if e.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(e.Retry))
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away needs no answer
}

// Versioned answers with a resource, and its version as the ETag.
func Versioned(w http.ResponseWriter, status int, version uint32, v any) {
	w.Header().Set("ETag", ETag(version))
	JSON(w, status, v)
}

// ETag is how a version is written.
func ETag(version uint32) string { return `"` + strconv.FormatUint(uint64(version), 10) + `"` }

// JSON answers with a value.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // as above
}

// ReadJSON reads a JSON value of at most so many bytes, in which no member stands twice. What breaks that is a bad
// body, by the rule that is given; an error of reading is the body's own.
func ReadJSON(body io.Reader, most int64, into any, rule string) error {
	raw, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return err
	}

	if int64(len(raw)) > most || json.Unmarshal(raw, into) != nil {
		return BadField("body", "body.not.valid", rule)
	}
	if name := Repeated(raw); name != "" {
		name = strings.ToValidUTF8(name[:min(len(name), 64)], "?")
		return BadField(name, "field.repeated", "stands twice in an object")
	}

	return nil
}

// IfMatch reads If-Match: 3, "3", W/"3" or *; 0 for any version.
func IfMatch(r *http.Request) (uint32, error) {
	s := strings.Trim(strings.TrimPrefix(strings.TrimSpace(r.Header.Get("If-Match")), "W/"), `"`)
	if s == "" || s == "*" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, BadField("If-Match", "header.not.valid", "must be a version, in quotes or not, or *")
	}
	return uint32(n), nil
}

// Only refuses a parameter that a list does not have.
func Only(r *http.Request, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(names, name) {
			name = strings.ToValidUTF8(name[:min(len(name), 64)], "?")
			return BadField(name, "parameter.not.valid", "is no parameter of this list")
		}
	}

	return nil
}

// Page reads page and size: from 0, and 1 to 1,000 with 100 as its default.
func Page(r *http.Request) (page, size int, err error) {
	q := r.URL.Query()
	size = 100
	if s := q.Get("page"); s != "" {
		if page, err = strconv.Atoi(s); err != nil || page < 0 || page > 1<<30 {
			return 0, 0, BadField("page", "parameter.not.valid", "must be a number from 0")
		}
	}
	if s := q.Get("size"); s != "" {
		if size, err = strconv.Atoi(s); err != nil || size < 1 || size > 1000 {
			return 0, 0, BadField("size", "parameter.not.valid", "must be a number from 1 to 1,000")
		}
	}
	return page, size, nil
}
