package viewapi

import (
	"net/http"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// The mapping of MeMo to NgDP's Message. A line is a JSON field and the MeMo element that it shows; what is not
// listed is made here.
//
//	Message       label label, messageIdentifier messageID, messageCode messageCode, postType postType, reply reply,
//	              replyByDateTime replyByDateTime, memoCreatedDateTime MessageBody/createdDateTime, messageType
//	              legalNotification or mandatory, notification, additionalNotification and doNotDeliverUntilDate
//	              (added fields), messageUUID (an added field; id is ours)
//	Sender        senderId senderID, senderIdType idType, senderIdTypeLabel, label, attentionData, contactPoint,
//	              representative (an added field)
//	File          fileSize is of the file, not of its base64

// A mapper shows the parts of one message.
type mapper struct {
	message domain.MessageID
	draft   uint32 // a draft's version, at which its documents and files stand; 0: it is none
}

func mapperOf(m messages.Message) mapper {
	if m.Row.Draft != nil {
		return mapper{m.ID, m.Row.Version}
	}
	return mapper{message: m.ID}
}

// part begins a document or file.
func (m mapper) part(path string) Resource {
	out := m.node(path)
	if m.draft > 0 {
		out.Version = m.draft
	}
	return out
}

// node begins what has the id and version that every resource has; the id follows from the message and a path.
func (m mapper) node(path string) Resource { return Resource{content.PartID(m.message, path), 1} }

// element gives the text of the element at a path within n; nil where it is not there.
func element(n *memo.Node, path ...string) *string {
	for _, p := range path {
		n = n.Child(p)
	}
	if n == nil {
		return nil
	}
	return &n.Text
}

// messageOf shows a message, whose MeMo has been opened.
func messageOf(msg messages.Message) Message {
	m := mapperOf(msg)
	h, body, row := msg.Memo.Header(), msg.Memo.Root.Child("MessageBody"), msg.Row
	out := rowOf(msg)
	kind, uuid := msg.Memo.Kind(), msg.Memo.UUID()
	out.MessageUUID, out.TransactionID, out.MessageType = uuid, uuid, kind
	out.Reply, out.Forward = msg.Answerable, h.Child("ForwardData") != nil

	out.Label = element(h, "label")
	out.MessageIdentifier = element(h, "messageID")
	out.MessageCode = element(h, "messageCode")
	out.PostType = element(h, "postType")
	out.ReplyByDateTime = element(h, "replyByDateTime")
	out.Notification = element(h, "notification")
	out.AdditionalNotification = element(h, "additionalNotification")
	out.DoNotDeliverUntilDate = element(h, "doNotDeliverUntilDate")
	out.MemoCreatedDateTime = element(body, "createdDateTime")

	out.Sender = m.sender(h.Child("Sender"), msg.Row.Sender)
	out.Recipient = m.recipient(h.Child("Recipient"))
	out.ContentData = m.contentData(h.Child("ContentData"))
	out.ForwardData = m.forwardData(h.Child("ForwardData"))
	out.ReplyData = each(h.All("ReplyData"), m.reply)
	out.Documents = m.documents(msg)
	if row.Draft == nil {
		out.SendDateTime = out.ReceivedDateTime
	}
	if sent := row.Out; sent != nil {
		out.Receipt, out.LateReply = m.receipt(msg), &sent.Late
		out.ErrorMessage = sent.Receipt != "" && sent.Receipt != "COMPLETED"
	}
	return out
}

// rowOf shows what changes of a message, and nothing of its MeMo.
func rowOf(msg messages.Message) Message {
	row, received := msg.Row, stamp(msg.Row.Shown.Received)

	return Message{
		Resource:  Resource{domain.UUID(msg.ID), row.Version},
		MailboxID: msg.Mailbox, CreatedDateTime: received, LastUpdated: stamp(row.Shown.Last),
		MessageDateTime: received, ReceivedDateTime: received,
		FolderID: mailbox.ShownFolder(msg.Mailbox, row.Folder), MessageState: stateOf(row), Marks: marksOf(msg),
	}
}

// each shows nodes, in a list that is empty rather than absent where there are none.
func each[T any](nodes []*memo.Node, show func(*memo.Node, int) T) []T {
	out := make([]T, len(nodes))
	for i, n := range nodes {
		out[i] = show(n, i)
	}
	return out
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

// receipt shows what became of a message that was sent (an added field, in the shape of NgDP's Receipt).
func (m mapper) receipt(msg messages.Message) *SentReceipt {
	sent, uuid := msg.Row.Out, msg.Memo.UUID()
	out := &SentReceipt{
		Resource:      m.node("receipt"),
		TransactionID: uuid, MessageUUID: uuid,
		ReceiptStatus: "RECEIVED", TimeStamp: stamp(msg.Row.Shown.Received),
		HandedOver: sent.Fetched || sent.Taken && sent.System == (domain.SystemID{}),
		ErrorCode:  msg.Answer.Code, ErrorMessage: msg.Answer.Text,
	}
	if sent.Receipt != "" {
		out.ReceiptStatus, out.TimeStamp = sent.Receipt, stamp(msg.Row.Shown.Answered)
	}
	return out
}

// sender shows who wrote, by which organisation; by is zero of a person.
func (m mapper) sender(s *memo.Node, by domain.OrganisationID) Sender {
	out := Sender{
		Resource: m.node("sender"),
		SenderID: element(s, "senderID"), SenderIDType: strings.ToUpper(s.Get("idType")),
		SenderIDTypeLabel: element(s, "idTypeLabel"), Label: element(s, "label"),
		OrganisationID: by,
		AttentionData:  m.attention(s.Child("AttentionData"), "sender/attention"),
		ContactPoint:   m.contactPoint(s.Child("ContactPoint"), "sender"),
	}
	if r := s.Child("Representative"); r != nil {
		out.Representative = &Representative{
			Resource:         m.node("representative"),
			RepresentativeID: element(r, "representativeID"),
			IDType:           element(r, "idType"), IDTypeLabel: element(r, "idTypeLabel"), Label: element(r, "label"),
		}
	}

	return out
}

func (m mapper) recipient(r *memo.Node) *Recipient {
	if r == nil {
		return nil
	}
	return &Recipient{
		Resource:    m.node("recipient"),
		RecipientID: element(r, "recipientID"), RecipientIDType: strings.ToUpper(r.Get("idType")),
		RecipientIDTypeLabel: element(r, "idTypeLabel"), Label: element(r, "label"),
		AttentionData: m.attention(r.Child("AttentionData"), "recipient/attention"),
		ContactPoint:  m.contactPoint(r.Child("ContactPoint"), "recipient"),
	}
}

func (m mapper) attention(a *memo.Node, path string) *AttentionData {
	if a == nil {
		return nil
	}

	return &AttentionData{
		Resource:                m.node(path),
		PersonID:                element(a, "AttentionPerson", "personID"),
		PersonLabel:             element(a, "AttentionPerson", "label"),
		ProductionUnitNumber:    element(a, "grd:ProductionUnit", "grd:productionUnitNumber"),
		ProductionUnitName:      element(a, "grd:ProductionUnit", "grd:productionUnitName"),
		GlobalLocationNumber:    element(a, "gln:GlobalLocationNumber", "gln:globalLocationNumber"),
		Location:                element(a, "gln:GlobalLocationNumber", "gln:location"),
		EmailAddress:            element(a, "EMail", "emailAddress"),
		RelatedEmailAgent:       element(a, "EMail", "relatedAgent"),
		SENumber:                element(a, "grd:SEnumber", "grd:seNumber"),
		SECompanyName:           element(a, "grd:SEnumber", "grd:companyName"),
		TelephoneNumber:         element(a, "Telephone", "telephoneNumber"),
		RelatedTelephoneAgent:   element(a, "Telephone", "relatedAgent"),
		EID:                     element(a, "grd:EID", "grd:eID"),
		EIDLabel:                element(a, "grd:EID", "grd:label"),
		ContentResponsibleID:    element(a, "ContentResponsible", "contentResponsibleID"),
		ContentResponsibleLabel: element(a, "ContentResponsible", "label"),
		GeneratingSystemID:      element(a, "GeneratingSystem", "generatingSystemID"),
		GeneratingSystemLabel:   element(a, "GeneratingSystem", "label"),
		SORDataSORIdentifier:    element(a, "sor:SORdata", "sor:sorIdentifier"),
		SORDataEntryName:        element(a, "sor:SORdata", "sor:entryName"),
		UnstructuredAddress:     element(a, "grd:UnstructuredAddress", "grd:unstructured"),
		Address:                 m.address(a.Child("grd:Address"), path+"/address"),
	}
}

func (m mapper) contactPoint(c *memo.Node, path string) *MessageContactPoint {
	if c == nil {
		return nil
	}
	return &MessageContactPoint{
		Resource:     m.node(path + "/contact"),
		ContactGroup: element(c, "contactGroup"), ContactPointID: element(c, "contactPointID"),
		Label: element(c, "label"),
		ContactInfo: each(c.All("ContactInfo"), func(n *memo.Node, i int) ContactInfo {
			return ContactInfo{m.node(path + "/info/" + strconv.Itoa(i)), element(n, "label"), element(n, "value")}
		}),
	}
}

func (m mapper) address(a *memo.Node, path string) *Address {
	if a == nil {
		return nil
	}

	return &Address{
		Resource:                  m.node(path),
		AddressID:                 element(a, "grd:id"),
		AddressLabel:              element(a, "grd:addressLabel"),
		HouseNumber:               element(a, "grd:houseNumber"),
		Door:                      element(a, "grd:door"),
		Floor:                     element(a, "grd:floor"),
		CO:                        element(a, "grd:co"),
		ZipCode:                   element(a, "grd:zipCode"),
		City:                      element(a, "grd:city"),
		Country:                   element(a, "grd:country"),
		GeographicEastingMeasure:  element(a, "grd:AddressPoint", "grd:geographicEastingMeasure"),
		GeographicNorthingMeasure: element(a, "grd:AddressPoint", "grd:geographicNorthingMeasure"),
		GeographicHeightMeasure:   element(a, "grd:AddressPoint", "grd:geographicHeightMeasure"),
	}
}

func (m mapper) contentData(c *memo.Node) *ContentData {
	if c == nil {
		return nil
	}

	out := &ContentData{
		Resource:                  m.node("content"),
		CPRDataCPRNumber:          element(c, "grd:CPRdata", "grd:cprNumber"),
		CPRDataName:               element(c, "grd:CPRdata", "grd:name"),
		CVRDataCVRNumber:          element(c, "grd:CVRdata", "grd:cvrNumber"),
		CVRDataCompanyName:        element(c, "grd:CVRdata", "grd:companyName"),
		MotorVehicleLicenseNumber: element(c, "dmv:MotorVehicle", "dmv:licenseNumber"),
		MotorVehicleChassisNumber: element(c, "dmv:MotorVehicle", "dmv:chassisNumber"),
		PropertyNumber:            element(c, "grd:PropertyNumber", "grd:propertyNumber"),
		CaseID:                    element(c, "CaseID", "caseID"),
		CaseSystem:                element(c, "CaseID", "caseSystem"),
		KLEDataSubjectKey:         element(c, "kle:KLEdata", "kle:subjectKey"),
		KLEDataVersion:            element(c, "kle:KLEdata", "kle:version"),
		KLEDataActivityFacet:      element(c, "kle:KLEdata", "kle:activityFacet"),
		KLEDataLabel:              element(c, "kle:KLEdata", "kle:label"),
		FormDataTaskKey:           element(c, "form:FORMdata", "form:taskKey"),
		FormDataVersion:           element(c, "form:FORMdata", "form:version"),
		FormDataActivityFacet:     element(c, "form:FORMdata", "form:activityFacet"),
		FormDataLabel:             element(c, "form:FORMdata", "form:label"),
		ProductionUnitName:        element(c, "grd:ProductionUnit", "grd:productionUnitName"),
		EducationCode:             element(c, "udd:Education", "udd:educationCode"),
		EducationName:             element(c, "udd:Education", "udd:educationName"),
		UnstructuredAddress:       element(c, "grd:UnstructuredAddress", "grd:unstructured"),
		Address:                   m.address(c.Child("grd:Address"), "content/address"),
		AdditionalContentData: each(c.All("AdditionalContentData"), func(n *memo.Node, i int) AdditionalContentData {
			return AdditionalContentData{m.node("content/" + strconv.Itoa(i)),
				element(n, "contentDataType"), element(n, "contentDataName"), element(n, "contentDataValue")}
		}),
	}
	if p := c.Child("grd:ProductionUnit"); p != nil {
		digits := strings.TrimPrefix(p.Get("grd:productionUnitNumber"), "+")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			out.ProductionUnitNumber = &n // NgDP's type here is a number
		}
	}

	return out
}

func (m mapper) forwardData(f *memo.Node) *ForwardData {
	if f == nil {
		return nil
	}
	return &ForwardData{
		Resource:                   m.node("forward"),
		OriginalMessageID:          element(f, "messageUUID"),
		OriginalMessageDateTime:    element(f, "originalMessageDateTime"),
		OriginalSender:             element(f, "originalSender"),
		OriginalContentResponsible: element(f, "originalContentResponsible"),
		OriginalRepresentative:     element(f, "originalRepresentative"),
		ContactPointID:             element(f, "contactPointID"),
		Comment:                    element(f, "comment"),
	}
}

func (m mapper) reply(r *memo.Node, i int) ReplyData {
	path := "reply/" + strconv.Itoa(i)
	return ReplyData{
		Resource:           m.node(path),
		MessageIdentifier:  element(r, "messageID"),
		ParentMessageID:    element(r, "messageUUID"),
		ChildMessageID:     element(r, "replyUUID"),
		SenderID:           element(r, "senderID"),
		RecipientID:        element(r, "recipientID"),
		CaseID:             element(r, "caseID"),
		ContactPointID:     element(r, "contactPointID"),
		GeneratingSystemID: element(r, "generatingSystemID"),
		Comment:            element(r, "comment"),
		AdditionalReplyData: each(r.All("AdditionalReplyData"), func(n *memo.Node, j int) AdditionalReplyData {
			return AdditionalReplyData{m.node(path + "/" + strconv.Itoa(j)), element(n, "label"), element(n, "value")}
		}),
	}
}

var documentTypes = map[string]string{
	"MainDocument": "MAIN", "AdditionalDocument": "ADDITIONAL", "TechnicalDocument": "TECHNICAL"}

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

// documents shows a message's documents, the main one first.
func (m mapper) documents(msg messages.Message) []Document {
	return each(msg.Memo.Documents(), m.document)
}

func (m mapper) document(d *memo.Node, i int) Document {
	path := documentPath(d, i)
	return Document{
		Resource:     m.part(path),
		Label:        element(d, "label"),
		DocumentID:   element(d, strings.ToLower(d.Name[:1])+d.Name[1:]+"ID"),
		DocumentType: documentTypes[d.Name],
		Files:        each(d.All("File"), func(f *memo.Node, j int) File { return m.file(f, filePath(path, f, j)) }),
		Actions: each(d.All("Action"), func(a *memo.Node, j int) Action {
			return m.action(a, path+"/action/"+strconv.Itoa(j))
		}),
	}
}

func (m mapper) action(a *memo.Node, path string) Action {
	return Action{
		Resource:             m.node(path),
		Label:                element(a, "label"),
		ActionCode:           element(a, "actionCode"),
		ActionStartTime:      element(a, "startDateTime"),
		ActionEndTime:        element(a, "endDateTime"),
		EntryPointURL:        element(a, "EntryPoint", "url"),
		Description:          element(a, "Reservation", "description"),
		ReservationUUID:      element(a, "Reservation", "reservationUUID"),
		ReservationAbstract:  element(a, "Reservation", "abstract"),
		Location:             element(a, "Reservation", "location"),
		ReservationStartTime: element(a, "Reservation", "startDateTime"),
		ReservationEndTime:   element(a, "Reservation", "endDateTime"),
		OrganizerMail:        element(a, "Reservation", "organizerMail"),
		OrganizerName:        element(a, "Reservation", "organizerName"),
	}
}

func (m mapper) file(f *memo.Node, path string) File {
	return File{
		Resource:       m.part(path),
		EncodingFormat: element(f, "encodingFormat"),
		Filename:       element(f, "filename"),
		Language:       element(f, "language"),
		FileSize:       f.Child("content").File.Size,
	}
}

// bulkStatusOf shows what came of the change of one message.
func bulkStatusOf(id domain.MessageID, x messages.Outcome) BulkStatus {
	out := BulkStatus{ID: id, Status: http.StatusOK, Version: x.Version}
	if x.Err != nil {
		e := problem.Of(x.Err)
		out.Status, out.Code, out.Message = e.Status, e.Code, e.Message
	}
	return out
}
