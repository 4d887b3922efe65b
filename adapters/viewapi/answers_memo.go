package viewapi

import (
	"net/http"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone"
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

func mapperOf(m backbone.Message) mapper {
	if m.Row.State.Draft != nil {
		return mapper{m.ID, m.Row.State.Version}
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
func (m mapper) node(path string) Resource { return Resource{backbone.PartID(m.message, path), 1} }

// text gives the text of the element at a path within n; nil where it is not there.
func text(n *memo.Node, path ...string) *string {
	for _, p := range path {
		n = n.Child(p)
	}
	if n == nil {
		return nil
	}
	return &n.Text
}

// messageOf shows a message, whose MeMo has been opened.
func messageOf(msg backbone.Message) Message {
	m := mapperOf(msg)
	h, body, row := msg.Memo.Header(), msg.Memo.Root.Child("MessageBody"), msg.Row
	uuid, received := msg.Memo.UUID(), stamp(row.Received)
	out := Message{
		Resource:    Resource{domain.UUID(msg.ID), row.State.Version},
		MessageUUID: uuid, MailboxID: msg.Mailbox, TransactionID: uuid,
		CreatedDateTime: received, LastUpdated: stamp(row.Last), MessageDateTime: received, ReceivedDateTime: received,
		FolderID:    showFolder(msg.Mailbox, row.State.Folder),
		MessageType: msg.Memo.Kind(), MessageState: stateOf(row.State),
		Read: row.State.Read, Flag: row.State.Flag, Note: msg.Note,
		Reply: h.Get("reply") == "true", Forward: h.Child("ForwardData") != nil,

		Label:                  text(h, "label"),
		MessageIdentifier:      text(h, "messageID"),
		MessageCode:            text(h, "messageCode"),
		PostType:               text(h, "postType"),
		ReplyByDateTime:        text(h, "replyByDateTime"),
		Notification:           text(h, "notification"),
		AdditionalNotification: text(h, "additionalNotification"),
		DoNotDeliverUntilDate:  text(h, "doNotDeliverUntilDate"),
		MemoCreatedDateTime:    text(body, "createdDateTime"),

		Sender:      m.sender(h.Child("Sender"), msg.Letter.Letter.Sender),
		Recipient:   m.recipient(h.Child("Recipient")),
		ContentData: m.contentData(h.Child("ContentData")),
		ForwardData: m.forwardData(h.Child("ForwardData")),
		ReplyData:   each(h.All("ReplyData"), m.reply),
		Documents:   m.documents(msg),
	}
	if row.State.Draft == nil {
		out.SendDateTime = received
	}
	if sent := row.State.Out; sent != nil {
		out.Receipt, out.LateReply = m.receipt(msg), &sent.Late
		out.ErrorMessage = sent.Receipt != "" && sent.Receipt != "COMPLETED"
	}
	return out
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
func (m mapper) receipt(msg backbone.Message) *SentReceipt {
	sent, uuid := msg.Row.State.Out, msg.Letter.Letter.UUID
	out := &SentReceipt{
		Resource:      m.node("receipt"),
		TransactionID: uuid, MessageUUID: uuid,
		ReceiptStatus: "RECEIVED", TimeStamp: stamp(msg.Row.Received),
		HandedOver: sent.Fetched || sent.Taken && sent.System == (domain.SystemID{}),
		ErrorCode:  msg.Answer.Code, ErrorMessage: msg.Answer.Text,
	}
	if sent.Receipt != "" {
		out.ReceiptStatus, out.TimeStamp = sent.Receipt, stamp(msg.Row.Answered)
	}
	return out
}

// sender shows who wrote, by which organisation; by is zero of a person.
func (m mapper) sender(s *memo.Node, by domain.OrganisationID) Sender {
	out := Sender{
		Resource: m.node("sender"),
		SenderID: text(s, "senderID"), SenderIDType: strings.ToUpper(s.Get("idType")),
		SenderIDTypeLabel: text(s, "idTypeLabel"), Label: text(s, "label"),
		OrganisationID: by,
		AttentionData:  m.attention(s.Child("AttentionData"), "sender/attention"),
		ContactPoint:   m.contactPoint(s.Child("ContactPoint"), "sender"),
	}
	if r := s.Child("Representative"); r != nil {
		out.Representative = &Representative{
			Resource:         m.node("representative"),
			RepresentativeID: text(r, "representativeID"),
			IDType:           text(r, "idType"), IDTypeLabel: text(r, "idTypeLabel"), Label: text(r, "label"),
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
		RecipientID: text(r, "recipientID"), RecipientIDType: strings.ToUpper(r.Get("idType")),
		RecipientIDTypeLabel: text(r, "idTypeLabel"), Label: text(r, "label"),
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
		PersonID:                text(a, "AttentionPerson", "personID"),
		PersonLabel:             text(a, "AttentionPerson", "label"),
		ProductionUnitNumber:    text(a, "grd:ProductionUnit", "grd:productionUnitNumber"),
		ProductionUnitName:      text(a, "grd:ProductionUnit", "grd:productionUnitName"),
		GlobalLocationNumber:    text(a, "gln:GlobalLocationNumber", "gln:globalLocationNumber"),
		Location:                text(a, "gln:GlobalLocationNumber", "gln:location"),
		EmailAddress:            text(a, "EMail", "emailAddress"),
		RelatedEmailAgent:       text(a, "EMail", "relatedAgent"),
		SENumber:                text(a, "grd:SEnumber", "grd:seNumber"),
		SECompanyName:           text(a, "grd:SEnumber", "grd:companyName"),
		TelephoneNumber:         text(a, "Telephone", "telephoneNumber"),
		RelatedTelephoneAgent:   text(a, "Telephone", "relatedAgent"),
		EID:                     text(a, "grd:EID", "grd:eID"),
		EIDLabel:                text(a, "grd:EID", "grd:label"),
		ContentResponsibleID:    text(a, "ContentResponsible", "contentResponsibleID"),
		ContentResponsibleLabel: text(a, "ContentResponsible", "label"),
		GeneratingSystemID:      text(a, "GeneratingSystem", "generatingSystemID"),
		GeneratingSystemLabel:   text(a, "GeneratingSystem", "label"),
		SORDataSORIdentifier:    text(a, "sor:SORdata", "sor:sorIdentifier"),
		SORDataEntryName:        text(a, "sor:SORdata", "sor:entryName"),
		UnstructuredAddress:     text(a, "grd:UnstructuredAddress", "grd:unstructured"),
		Address:                 m.address(a.Child("grd:Address"), path+"/address"),
	}
}

func (m mapper) contactPoint(c *memo.Node, path string) *MessageContactPoint {
	if c == nil {
		return nil
	}
	return &MessageContactPoint{
		Resource:     m.node(path + "/contact"),
		ContactGroup: text(c, "contactGroup"), ContactPointID: text(c, "contactPointID"), Label: text(c, "label"),
		ContactInfo: each(c.All("ContactInfo"), func(n *memo.Node, i int) ContactInfo {
			return ContactInfo{m.node(path + "/info/" + strconv.Itoa(i)), text(n, "label"), text(n, "value")}
		}),
	}
}

func (m mapper) address(a *memo.Node, path string) *Address {
	if a == nil {
		return nil
	}
	return &Address{
		Resource:                  m.node(path),
		AddressID:                 text(a, "grd:id"),
		AddressLabel:              text(a, "grd:addressLabel"),
		HouseNumber:               text(a, "grd:houseNumber"),
		Door:                      text(a, "grd:door"),
		Floor:                     text(a, "grd:floor"),
		CO:                        text(a, "grd:co"),
		ZipCode:                   text(a, "grd:zipCode"),
		City:                      text(a, "grd:city"),
		Country:                   text(a, "grd:country"),
		GeographicEastingMeasure:  text(a, "grd:AddressPoint", "grd:geographicEastingMeasure"),
		GeographicNorthingMeasure: text(a, "grd:AddressPoint", "grd:geographicNorthingMeasure"),
		GeographicHeightMeasure:   text(a, "grd:AddressPoint", "grd:geographicHeightMeasure"),
	}
}

func (m mapper) contentData(c *memo.Node) *ContentData {
	if c == nil {
		return nil
	}
	out := &ContentData{
		Resource:                  m.node("content"),
		CPRDataCPRNumber:          text(c, "grd:CPRdata", "grd:cprNumber"),
		CPRDataName:               text(c, "grd:CPRdata", "grd:name"),
		CVRDataCVRNumber:          text(c, "grd:CVRdata", "grd:cvrNumber"),
		CVRDataCompanyName:        text(c, "grd:CVRdata", "grd:companyName"),
		MotorVehicleLicenseNumber: text(c, "dmv:MotorVehicle", "dmv:licenseNumber"),
		MotorVehicleChassisNumber: text(c, "dmv:MotorVehicle", "dmv:chassisNumber"),
		PropertyNumber:            text(c, "grd:PropertyNumber", "grd:propertyNumber"),
		CaseID:                    text(c, "CaseID", "caseID"),
		CaseSystem:                text(c, "CaseID", "caseSystem"),
		KLEDataSubjectKey:         text(c, "kle:KLEdata", "kle:subjectKey"),
		KLEDataVersion:            text(c, "kle:KLEdata", "kle:version"),
		KLEDataActivityFacet:      text(c, "kle:KLEdata", "kle:activityFacet"),
		KLEDataLabel:              text(c, "kle:KLEdata", "kle:label"),
		FormDataTaskKey:           text(c, "form:FORMdata", "form:taskKey"),
		FormDataVersion:           text(c, "form:FORMdata", "form:version"),
		FormDataActivityFacet:     text(c, "form:FORMdata", "form:activityFacet"),
		FormDataLabel:             text(c, "form:FORMdata", "form:label"),
		ProductionUnitName:        text(c, "grd:ProductionUnit", "grd:productionUnitName"),
		EducationCode:             text(c, "udd:Education", "udd:educationCode"),
		EducationName:             text(c, "udd:Education", "udd:educationName"),
		UnstructuredAddress:       text(c, "grd:UnstructuredAddress", "grd:unstructured"),
		Address:                   m.address(c.Child("grd:Address"), "content/address"),
		AdditionalContentData: each(c.All("AdditionalContentData"), func(n *memo.Node, i int) AdditionalContentData {
			return AdditionalContentData{m.node("content/" + strconv.Itoa(i)),
				text(n, "contentDataType"), text(n, "contentDataName"), text(n, "contentDataValue")}
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
		OriginalMessageID:          text(f, "messageUUID"),
		OriginalMessageDateTime:    text(f, "originalMessageDateTime"),
		OriginalSender:             text(f, "originalSender"),
		OriginalContentResponsible: text(f, "originalContentResponsible"),
		OriginalRepresentative:     text(f, "originalRepresentative"),
		ContactPointID:             text(f, "contactPointID"),
		Comment:                    text(f, "comment"),
	}
}

func (m mapper) reply(r *memo.Node, i int) ReplyData {
	path := "reply/" + strconv.Itoa(i)
	return ReplyData{
		Resource:           m.node(path),
		MessageIdentifier:  text(r, "messageID"),
		ParentMessageID:    text(r, "messageUUID"),
		ChildMessageID:     text(r, "replyUUID"),
		SenderID:           text(r, "senderID"),
		RecipientID:        text(r, "recipientID"),
		CaseID:             text(r, "caseID"),
		ContactPointID:     text(r, "contactPointID"),
		GeneratingSystemID: text(r, "generatingSystemID"),
		Comment:            text(r, "comment"),
		AdditionalReplyData: each(r.All("AdditionalReplyData"), func(n *memo.Node, j int) AdditionalReplyData {
			return AdditionalReplyData{m.node(path + "/" + strconv.Itoa(j)), text(n, "label"), text(n, "value")}
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
func (m mapper) documents(msg backbone.Message) []Document {
	return each(msg.Memo.Documents(), m.document)
}

func (m mapper) document(d *memo.Node, i int) Document {
	path := documentPath(d, i)
	return Document{
		Resource:     m.part(path),
		Label:        text(d, "label"),
		DocumentID:   text(d, strings.ToLower(d.Name[:1])+d.Name[1:]+"ID"),
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
		Label:                text(a, "label"),
		ActionCode:           text(a, "actionCode"),
		ActionStartTime:      text(a, "startDateTime"),
		ActionEndTime:        text(a, "endDateTime"),
		EntryPointURL:        text(a, "EntryPoint", "url"),
		Description:          text(a, "Reservation", "description"),
		ReservationUUID:      text(a, "Reservation", "reservationUUID"),
		ReservationAbstract:  text(a, "Reservation", "abstract"),
		Location:             text(a, "Reservation", "location"),
		ReservationStartTime: text(a, "Reservation", "startDateTime"),
		ReservationEndTime:   text(a, "Reservation", "endDateTime"),
		OrganizerMail:        text(a, "Reservation", "organizerMail"),
		OrganizerName:        text(a, "Reservation", "organizerName"),
	}
}

func (m mapper) file(f *memo.Node, path string) File {
	return File{
		Resource:       m.part(path),
		EncodingFormat: text(f, "encodingFormat"),
		Filename:       text(f, "filename"),
		Language:       text(f, "language"),
		FileSize:       f.Child("content").File.Size,
	}
}

// bulkStatusOf shows what came of the change of one message.
func bulkStatusOf(x backbone.BulkItem) BulkStatus {
	out := BulkStatus{ID: x.Message, Status: http.StatusOK, Version: x.Now}
	if x.Err != nil {
		e := problem.Of(x.Err)
		out.Status, out.Code, out.Message = e.Status, e.Code, e.Message
	}
	return out
}
