package viewapi

import (
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// The mapping of MeMo to NgDP's Message. A line is a JSON field and the MeMo element that it shows; what is not listed is made here.
//
//	Message       label label, messageIdentifier messageID, messageCode messageCode, postType postType, reply reply, replyByDateTime replyByDateTime,
//	              memoCreatedDateTime MessageBody/createdDateTime, messageType legalNotification or mandatory, notification, additionalNotification and
//	              doNotDeliverUntilDate (added fields), messageUUID (an added field; id is ours)
//	Sender        senderId senderID, senderIdType idType, senderIdTypeLabel, label, attentionData, contactPoint, representative (an added field)
//	File          fileSize is of the file, not of its base64
type object = map[string]any

type mapper struct {
	message domain.MessageID
	draft   uint32 // a draft's version, at which its documents and files stand; 0: it is none
}

func mapperOf(m backbone.Message) mapper {
	if m.Row.State.Draft != nil {
		return mapper{m.ID, m.Row.State.Version}
	}
	return mapper{message: m.ID}
}

// part begins an object for a document or file.
func (m mapper) part(path string) object {
	o := m.node(path)
	if m.draft > 0 {
		o["version"] = m.draft
	}
	return o
}

// node begins an object with the id and version that every resource has; the id follows from the message and a path.
func (m mapper) node(path string) object {
	return object{"id": backbone.PartID(m.message, path), "version": 1}
}

// fill copies texts: pairs of a JSON field and a path of elements parted by '/'. What is not there is left out.
func fill(o object, n *memo.Node, pairs ...string) object {
	for i := 0; i < len(pairs); i += 2 {
		at := n
		for _, p := range strings.Split(pairs[i+1], "/") {
			at = at.Child(p)
		}
		if at != nil {
			o[pairs[i]] = at.Text
		}
	}
	return o
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func messageJSON(msg backbone.Message) object {
	m := mapperOf(msg)
	h, body, row := msg.Memo.Header(), msg.Memo.Root.Child("MessageBody"), msg.Row
	o := object{"id": msg.ID, "version": row.State.Version, "messageUUID": msg.Memo.UUID(), "mailboxId": msg.Mailbox,
		"transactionId": msg.Memo.UUID(), "createdDateTime": stamp(row.Received), "lastUpdated": stamp(row.Last), "messageDateTime": stamp(row.Received),
		"receivedDateTime": stamp(row.Received), "sendDateTime": stamp(row.Received), "folderId": showFolder(msg.Mailbox, row.State.Folder),
		"messageType": msg.Memo.Kind(), "messageState": stateOf(row.State), "read": row.State.Read, "flag": row.State.Flag, "note": msg.Note,
		"reply": h.Get("reply") == "true", "forward": h.Child("ForwardData") != nil, "legallyNotified": false, "welcomeMessage": false, "errorMessage": false}
	fill(o, h, "label", "label", "messageIdentifier", "messageID", "messageCode", "messageCode", "postType", "postType", "replyByDateTime", "replyByDateTime",
		"notification", "notification", "additionalNotification", "additionalNotification", "doNotDeliverUntilDate", "doNotDeliverUntilDate")
	fill(o, body, "memoCreatedDateTime", "createdDateTime")
	o["sender"] = m.sender(h.Child("Sender"), msg)
	if r := h.Child("Recipient"); r != nil {
		o["recipient"] = m.recipient(r)
	}
	if row.State.Draft != nil {
		delete(o, "sendDateTime")
	}
	if out := row.State.Out; out != nil {
		o["receipt"], o["lateReply"], o["errorMessage"] = m.receipt(msg), out.Late, out.Receipt != "" && out.Receipt != "COMPLETED"
	}
	if c := h.Child("ContentData"); c != nil {
		o["contentData"] = m.contentData(c)
	}
	if f := h.Child("ForwardData"); f != nil {
		o["forwardData"] = fill(m.node("forward"), f, "originalMessageId", "messageUUID", "originalMessageDateTime", "originalMessageDateTime", "originalSender", "originalSender",
			"originalContentResponsible", "originalContentResponsible", "originalRepresentative", "originalRepresentative", "contactPointId", "contactPointID", "comment", "comment")
	}
	replies := []object{}
	for i, r := range h.All("ReplyData") {
		replies = append(replies, m.reply(r, i))
	}
	o["replyData"] = replies
	docs := []object{}
	for i, d := range msg.Memo.Documents() {
		docs = append(docs, m.document(d, i))
	}
	o["documents"] = docs
	return o
}

func stateOf(m mailbox.Message) string {
	switch {
	case m.Draft != nil:
		return "DRAFT"
	case m.Out != nil:
		return "SENT"
	}
	return "RECEIVED"
}

// receipt tells what became of a message that was sent (an added field, in the shape of NgDP's Receipt): RECEIVED until its recipient has answered.
func (m mapper) receipt(msg backbone.Message) object {
	out, uuid := msg.Row.State.Out, msg.Letter.Letter.UUID
	o := m.node("receipt")
	o["transactionId"], o["messageUUID"], o["handedOver"] = uuid, uuid, out.Fetched || out.Taken && out.System == (domain.SystemID{})
	o["receiptStatus"], o["timeStamp"], o["errorCode"], o["errorMessage"] = "RECEIVED", stamp(msg.Row.Received), nil, nil
	if out.Receipt != "" {
		o["receiptStatus"], o["timeStamp"] = out.Receipt, stamp(msg.Row.Answered)
	}
	if msg.Answer.Code != "" {
		o["errorCode"] = msg.Answer.Code
	}
	if msg.Answer.Text != "" {
		o["errorMessage"] = msg.Answer.Text
	}
	return o
}

func (m mapper) sender(s *memo.Node, msg backbone.Message) object {
	o := fill(m.node("sender"), s, "senderId", "senderID", "senderIdTypeLabel", "idTypeLabel", "label", "label")
	o["senderIdType"] = strings.ToUpper(s.Get("idType"))
	if by := msg.Letter.Letter.Sender; by != (domain.OrganisationID{}) { // a person has none
		o["organisationId"] = by
	}
	m.common(o, s, "sender")
	if r := s.Child("Representative"); r != nil {
		o["representative"] = fill(m.node("representative"), r, "representativeId", "representativeID", "idType", "idType", "idTypeLabel", "idTypeLabel", "label", "label")
	}
	return o
}

func (m mapper) recipient(r *memo.Node) object {
	o := fill(m.node("recipient"), r, "recipientId", "recipientID", "recipientIdTypeLabel", "idTypeLabel", "label", "label")
	o["recipientIdType"] = strings.ToUpper(r.Get("idType"))
	m.common(o, r, "recipient")
	return o
}

// common fills what sender and recipient share.
func (m mapper) common(o object, n *memo.Node, path string) {
	if a := n.Child("AttentionData"); a != nil {
		x := fill(m.node(path+"/attention"), a, "personId", "AttentionPerson/personID", "personLabel", "AttentionPerson/label",
			"productionUnitNumber", "grd:ProductionUnit/grd:productionUnitNumber", "productionUnitName", "grd:ProductionUnit/grd:productionUnitName",
			"globalLocationNumber", "gln:GlobalLocationNumber/gln:globalLocationNumber", "location", "gln:GlobalLocationNumber/gln:location",
			"emailAddress", "EMail/emailAddress", "relatedEmailAgent", "EMail/relatedAgent", "seNumber", "grd:SEnumber/grd:seNumber", "seCompanyName", "grd:SEnumber/grd:companyName",
			"telephoneNumber", "Telephone/telephoneNumber", "relatedTelephoneAgent", "Telephone/relatedAgent", "eid", "grd:EID/grd:eID", "eidLabel", "grd:EID/grd:label",
			"contentResponsibleId", "ContentResponsible/contentResponsibleID", "contentResponsibleLabel", "ContentResponsible/label",
			"generatingSystemId", "GeneratingSystem/generatingSystemID", "generatingSystemLabel", "GeneratingSystem/label",
			"sorDataSorIdentifier", "sor:SORdata/sor:sorIdentifier", "sorDataEntryName", "sor:SORdata/sor:entryName",
			"unstructuredAddress", "grd:UnstructuredAddress/grd:unstructured")
		m.address(x, a, path+"/attention")
		o["attentionData"] = x
	}
	if c := n.Child("ContactPoint"); c != nil {
		x := fill(m.node(path+"/contact"), c, "contactGroup", "contactGroup", "contactPointId", "contactPointID", "label", "label")
		infos := []object{}
		for i, info := range c.All("ContactInfo") {
			infos = append(infos, fill(m.node(path+"/info/"+strconv.Itoa(i)), info, "label", "label", "value", "value"))
		}
		x["contactInfo"] = infos
		o["contactPoint"] = x
	}
}

func (m mapper) address(o object, n *memo.Node, path string) {
	a := n.Child("grd:Address")
	if a == nil {
		return
	}
	o["address"] = fill(m.node(path+"/address"), a, "addressId", "grd:id", "addressLabel", "grd:addressLabel", "houseNumber", "grd:houseNumber", "door", "grd:door",
		"floor", "grd:floor", "co", "grd:co", "zipCode", "grd:zipCode", "city", "grd:city", "country", "grd:country",
		"geographicEastingMeasure", "grd:AddressPoint/grd:geographicEastingMeasure", "geographicNorthingMeasure", "grd:AddressPoint/grd:geographicNorthingMeasure",
		"geographicHeightMeasure", "grd:AddressPoint/grd:geographicHeightMeasure")
}

func (m mapper) contentData(c *memo.Node) object {
	o := fill(m.node("content"), c, "cprDataCprNumber", "grd:CPRdata/grd:cprNumber", "cprDataName", "grd:CPRdata/grd:name",
		"cvrDataCvrNumber", "grd:CVRdata/grd:cvrNumber", "cvrDataCompanyName", "grd:CVRdata/grd:companyName",
		"motorVehicleLicenseNumber", "dmv:MotorVehicle/dmv:licenseNumber", "motorVehicleChassisNumber", "dmv:MotorVehicle/dmv:chassisNumber",
		"propertyNumber", "grd:PropertyNumber/grd:propertyNumber", "caseId", "CaseID/caseID", "caseSystem", "CaseID/caseSystem",
		"kleDataSubjectKey", "kle:KLEdata/kle:subjectKey", "kleDataVersion", "kle:KLEdata/kle:version", "kleDataActivityFacet", "kle:KLEdata/kle:activityFacet", "kleDataLabel", "kle:KLEdata/kle:label",
		"formDataTaskKey", "form:FORMdata/form:taskKey", "formDataVersion", "form:FORMdata/form:version", "formDataActivityFacet", "form:FORMdata/form:activityFacet", "formDataLabel", "form:FORMdata/form:label",
		"productionUnitName", "grd:ProductionUnit/grd:productionUnitName", "educationCode", "udd:Education/udd:educationCode", "educationName", "udd:Education/udd:educationName",
		"unstructuredAddress", "grd:UnstructuredAddress/grd:unstructured")
	if p := c.Child("grd:ProductionUnit"); p != nil {
		if n, err := strconv.ParseInt(strings.TrimPrefix(p.Get("grd:productionUnitNumber"), "+"), 10, 64); err == nil {
			o["productionUnitNumber"] = n // NgDP's type here is a number
		}
	}
	m.address(o, c, "content")
	more := []object{}
	for i, a := range c.All("AdditionalContentData") {
		more = append(more, fill(m.node("content/"+strconv.Itoa(i)), a, "contentDataType", "contentDataType", "contentDataName", "contentDataName", "contentDataValue", "contentDataValue"))
	}
	o["additionalContentData"] = more
	return o
}

func (m mapper) reply(r *memo.Node, i int) object {
	path := "reply/" + strconv.Itoa(i)
	o := fill(m.node(path), r, "messageIdentifier", "messageID", "parentMessageId", "messageUUID", "childMessageId", "replyUUID", "senderId", "senderID", "recipientId", "recipientID",
		"caseId", "caseID", "contactPointId", "contactPointID", "generatingSystemId", "generatingSystemID", "comment", "comment")
	more := []object{}
	for j, a := range r.All("AdditionalReplyData") {
		more = append(more, fill(m.node(path+"/"+strconv.Itoa(j)), a, "label", "label", "value", "value"))
	}
	o["additionalReplyData"] = more
	return o
}

var documentTypes = map[string]string{"MainDocument": "MAIN", "AdditionalDocument": "ADDITIONAL", "TechnicalDocument": "TECHNICAL"}

// documentPath names a document: by its place, or, of a draft, by the name that it has there for good.
func documentPath(d *memo.Node, i int) string {
	if d.Key != "" {
		return d.Key
	}
	return "document/" + strconv.Itoa(i)
}

func filePath(document string, f *memo.Node, j int) string {
	if f.Key != "" {
		return f.Key
	}
	return document + "/file/" + strconv.Itoa(j)
}

func (m mapper) document(d *memo.Node, i int) object {
	path := documentPath(d, i)
	o := fill(m.part(path), d, "label", "label", "documentId", strings.ToLower(d.Name[:1])+d.Name[1:]+"ID")
	o["documentType"] = documentTypes[d.Name]
	files := []object{}
	for j, f := range d.All("File") {
		files = append(files, m.file(f, filePath(path, f, j)))
	}
	o["files"] = files
	actions := []object{}
	for j, a := range d.All("Action") {
		x := fill(m.node(path+"/action/"+strconv.Itoa(j)), a, "label", "label", "actionCode", "actionCode", "actionStartTime", "startDateTime", "actionEndTime", "endDateTime",
			"entryPointUrl", "EntryPoint/url", "description", "Reservation/description", "reservationUUID", "Reservation/reservationUUID", "reservationAbstract", "Reservation/abstract",
			"location", "Reservation/location", "reservationStartTime", "Reservation/startDateTime", "reservationEndTime", "Reservation/endDateTime",
			"organizerMail", "Reservation/organizerMail", "organizerName", "Reservation/organizerName")
		actions = append(actions, x)
	}
	o["actions"] = actions
	return o
}

func (m mapper) file(f *memo.Node, path string) object {
	o := fill(m.part(path), f, "encodingFormat", "encodingFormat", "filename", "filename", "language", "language")
	o["fileSize"] = f.Child("content").File.Size
	return o
}

// showFolder gives a folder's id as clients see it. System folders have the same ids in every mailbox; outside, each mailbox's are its own.
func showFolder(box domain.MailboxID, f domain.FolderID) domain.FolderID {
	if mailbox.IsSystem(f) {
		id := domain.FolderID(box)
		id[15] ^= f[15]
		return id
	}
	return f
}

// readFolder is the inverse of showFolder.
func readFolder(box domain.MailboxID, shown domain.FolderID) domain.FolderID {
	for _, f := range mailbox.SystemFolders {
		if showFolder(box, f) == shown {
			return f
		}
	}
	if mailbox.IsSystem(shown) {
		return domain.FolderID{15: 0xFF} // the inner id of a system folder is nobody's outside
	}
	return shown
}
