package viewapi

import "digitalpost/domain"

// A Message is a message with all of its header and the list of its documents. What comes from the MeMo is absent where
// the MeMo does not have it; answers_memo.go says which element is shown where.
type Message struct {
	Resource
	MessageUUID      domain.UUID      `json:"messageUUID"`
	MailboxID        domain.MailboxID `json:"mailboxId"`
	TransactionID    domain.UUID      `json:"transactionId"`
	CreatedDateTime  string           `json:"createdDateTime"`
	LastUpdated      string           `json:"lastUpdated"`
	MessageDateTime  string           `json:"messageDateTime"`
	ReceivedDateTime string           `json:"receivedDateTime"`
	SendDateTime     string           `json:"sendDateTime,omitempty"` // absent of a draft
	FolderID         domain.FolderID  `json:"folderId"`
	MessageType      string           `json:"messageType"`  // REGULAR, MANDATORY or LEGAL_NOTIFICATION
	MessageState     string           `json:"messageState"` // DRAFT, SENT or RECEIVED
	Marks
	Reply                  bool         `json:"reply"` // it can be answered
	Forward                bool         `json:"forward"`
	LegallyNotified        bool         `json:"legallyNotified"`
	WelcomeMessage         bool         `json:"welcomeMessage"`
	ErrorMessage           bool         `json:"errorMessage"` // its recipient refused it
	Label                  *string      `json:"label,omitempty"`
	MessageIdentifier      *string      `json:"messageIdentifier,omitempty"`
	MessageCode            *string      `json:"messageCode,omitempty"`
	PostType               *string      `json:"postType,omitempty"`
	ReplyByDateTime        *string      `json:"replyByDateTime,omitempty"`
	Notification           *string      `json:"notification,omitempty"`
	AdditionalNotification *string      `json:"additionalNotification,omitempty"`
	DoNotDeliverUntilDate  *string      `json:"doNotDeliverUntilDate,omitempty"`
	MemoCreatedDateTime    *string      `json:"memoCreatedDateTime,omitempty"`
	Sender                 Sender       `json:"sender"`
	Recipient              *Recipient   `json:"recipient,omitempty"` // absent of a draft that has none yet
	ContentData            *ContentData `json:"contentData,omitempty"`
	ForwardData            *ForwardData `json:"forwardData,omitempty"`
	ReplyData              []ReplyData  `json:"replyData"`
	Documents              []Document   `json:"documents"`           // the main one first
	Receipt                *SentReceipt `json:"receipt,omitempty"`   // of what was sent
	LateReply              *bool        `json:"lateReply,omitempty"` // of what was sent
}

// A MessageSearchResult is a page of messages.
type MessageSearchResult struct {
	Page
	Messages Listed[Message] `json:"messages"`
}

// A SentReceipt is what became of a message that was sent: RECEIVED until its recipient has answered.
type SentReceipt struct {
	Resource
	TransactionID domain.UUID `json:"transactionId"`
	MessageUUID   domain.UUID `json:"messageUUID"`
	ReceiptStatus string      `json:"receiptStatus"`
	TimeStamp     string      `json:"timeStamp"`
	HandedOver    bool        `json:"handedOver"`             // to the recipient's system, or delivered
	ErrorCode     string      `json:"errorCode,omitempty"`    // in the recipient's words
	ErrorMessage  string      `json:"errorMessage,omitempty"` // in the recipient's words
}

// A Sender is who wrote a message.
type Sender struct {
	Resource
	SenderID          *string               `json:"senderId,omitempty"`
	SenderIDType      string                `json:"senderIdType"` // such as CVR; empty where the MeMo has none
	SenderIDTypeLabel *string               `json:"senderIdTypeLabel,omitempty"`
	Label             *string               `json:"label,omitempty"`
	OrganisationID    domain.OrganisationID `json:"organisationId,omitzero"` // a person has none
	AttentionData     *AttentionData        `json:"attentionData,omitempty"`
	ContactPoint      *MessageContactPoint  `json:"contactPoint,omitempty"`
	Representative    *Representative       `json:"representative,omitempty"`
}

// A Representative is who wrote a message for its sender.
type Representative struct {
	Resource
	RepresentativeID *string `json:"representativeId,omitempty"`
	IDType           *string `json:"idType,omitempty"`
	IDTypeLabel      *string `json:"idTypeLabel,omitempty"`
	Label            *string `json:"label,omitempty"`
}

// A Recipient is whom a message is for.
type Recipient struct {
	Resource
	RecipientID          *string              `json:"recipientId,omitempty"`
	RecipientIDType      string               `json:"recipientIdType"` // such as CVR; empty where the MeMo has none
	RecipientIDTypeLabel *string              `json:"recipientIdTypeLabel,omitempty"`
	Label                *string              `json:"label,omitempty"`
	AttentionData        *AttentionData       `json:"attentionData,omitempty"`
	ContactPoint         *MessageContactPoint `json:"contactPoint,omitempty"`
}

// An AttentionData says whom a message is to be seen by, or comes from, within an organisation.
type AttentionData struct {
	Resource
	PersonID                *string  `json:"personId,omitempty"`
	PersonLabel             *string  `json:"personLabel,omitempty"`
	ProductionUnitNumber    *string  `json:"productionUnitNumber,omitempty"`
	ProductionUnitName      *string  `json:"productionUnitName,omitempty"`
	GlobalLocationNumber    *string  `json:"globalLocationNumber,omitempty"`
	Location                *string  `json:"location,omitempty"`
	EmailAddress            *string  `json:"emailAddress,omitempty"`
	RelatedEmailAgent       *string  `json:"relatedEmailAgent,omitempty"`
	SENumber                *string  `json:"seNumber,omitempty"`
	SECompanyName           *string  `json:"seCompanyName,omitempty"`
	TelephoneNumber         *string  `json:"telephoneNumber,omitempty"`
	RelatedTelephoneAgent   *string  `json:"relatedTelephoneAgent,omitempty"`
	EID                     *string  `json:"eid,omitempty"`
	EIDLabel                *string  `json:"eidLabel,omitempty"`
	ContentResponsibleID    *string  `json:"contentResponsibleId,omitempty"`
	ContentResponsibleLabel *string  `json:"contentResponsibleLabel,omitempty"`
	GeneratingSystemID      *string  `json:"generatingSystemId,omitempty"`
	GeneratingSystemLabel   *string  `json:"generatingSystemLabel,omitempty"`
	SORDataSORIdentifier    *string  `json:"sorDataSorIdentifier,omitempty"`
	SORDataEntryName        *string  `json:"sorDataEntryName,omitempty"`
	UnstructuredAddress     *string  `json:"unstructuredAddress,omitempty"`
	Address                 *Address `json:"address,omitempty"`
}

// An Address is a postal address.
type Address struct {
	Resource
	AddressID                 *string `json:"addressId,omitempty"`
	AddressLabel              *string `json:"addressLabel,omitempty"`
	HouseNumber               *string `json:"houseNumber,omitempty"`
	Door                      *string `json:"door,omitempty"`
	Floor                     *string `json:"floor,omitempty"`
	CO                        *string `json:"co,omitempty"`
	ZipCode                   *string `json:"zipCode,omitempty"`
	City                      *string `json:"city,omitempty"`
	Country                   *string `json:"country,omitempty"`
	GeographicEastingMeasure  *string `json:"geographicEastingMeasure,omitempty"`
	GeographicNorthingMeasure *string `json:"geographicNorthingMeasure,omitempty"`
	GeographicHeightMeasure   *string `json:"geographicHeightMeasure,omitempty"`
}

// A MessageContactPoint is the contact point of a message's sender or recipient, in the MeMo's words.
type MessageContactPoint struct {
	Resource
	ContactGroup   *string       `json:"contactGroup,omitempty"`
	ContactPointID *string       `json:"contactPointId,omitempty"`
	Label          *string       `json:"label,omitempty"`
	ContactInfo    []ContactInfo `json:"contactInfo"`
}

// A ContactInfo is a line of a contact point, such as its opening hours.
type ContactInfo struct {
	Resource
	Label *string `json:"label,omitempty"`
	Value *string `json:"value,omitempty"`
}

// A ContentData says what a message is about.
type ContentData struct {
	Resource
	CPRDataCPRNumber          *string                 `json:"cprDataCprNumber,omitempty"`
	CPRDataName               *string                 `json:"cprDataName,omitempty"`
	CVRDataCVRNumber          *string                 `json:"cvrDataCvrNumber,omitempty"`
	CVRDataCompanyName        *string                 `json:"cvrDataCompanyName,omitempty"`
	MotorVehicleLicenseNumber *string                 `json:"motorVehicleLicenseNumber,omitempty"`
	MotorVehicleChassisNumber *string                 `json:"motorVehicleChassisNumber,omitempty"`
	PropertyNumber            *string                 `json:"propertyNumber,omitempty"`
	CaseID                    *string                 `json:"caseId,omitempty"`
	CaseSystem                *string                 `json:"caseSystem,omitempty"`
	KLEDataSubjectKey         *string                 `json:"kleDataSubjectKey,omitempty"`
	KLEDataVersion            *string                 `json:"kleDataVersion,omitempty"`
	KLEDataActivityFacet      *string                 `json:"kleDataActivityFacet,omitempty"`
	KLEDataLabel              *string                 `json:"kleDataLabel,omitempty"`
	FormDataTaskKey           *string                 `json:"formDataTaskKey,omitempty"`
	FormDataVersion           *string                 `json:"formDataVersion,omitempty"`
	FormDataActivityFacet     *string                 `json:"formDataActivityFacet,omitempty"`
	FormDataLabel             *string                 `json:"formDataLabel,omitempty"`
	ProductionUnitNumber      *int64                  `json:"productionUnitNumber,omitempty"`
	ProductionUnitName        *string                 `json:"productionUnitName,omitempty"`
	EducationCode             *string                 `json:"educationCode,omitempty"`
	EducationName             *string                 `json:"educationName,omitempty"`
	UnstructuredAddress       *string                 `json:"unstructuredAddress,omitempty"`
	Address                   *Address                `json:"address,omitempty"`
	AdditionalContentData     []AdditionalContentData `json:"additionalContentData"`
}

// An AdditionalContentData says more of what a message is about, in the sender's own fields.
type AdditionalContentData struct {
	Resource
	ContentDataType  *string `json:"contentDataType,omitempty"`
	ContentDataName  *string `json:"contentDataName,omitempty"`
	ContentDataValue *string `json:"contentDataValue,omitempty"`
}

// A ForwardData says which message was forwarded, and whose it was.
type ForwardData struct {
	Resource
	OriginalMessageID          *string `json:"originalMessageId,omitempty"`
	OriginalMessageDateTime    *string `json:"originalMessageDateTime,omitempty"`
	OriginalSender             *string `json:"originalSender,omitempty"`
	OriginalContentResponsible *string `json:"originalContentResponsible,omitempty"`
	OriginalRepresentative     *string `json:"originalRepresentative,omitempty"`
	ContactPointID             *string `json:"contactPointId,omitempty"`
	Comment                    *string `json:"comment,omitempty"`
}

// A ReplyData names a message of the thread that a message answers.
type ReplyData struct {
	Resource
	MessageIdentifier   *string               `json:"messageIdentifier,omitempty"`
	ParentMessageID     *string               `json:"parentMessageId,omitempty"`
	ChildMessageID      *string               `json:"childMessageId,omitempty"`
	SenderID            *string               `json:"senderId,omitempty"`
	RecipientID         *string               `json:"recipientId,omitempty"`
	CaseID              *string               `json:"caseId,omitempty"`
	ContactPointID      *string               `json:"contactPointId,omitempty"`
	GeneratingSystemID  *string               `json:"generatingSystemId,omitempty"`
	Comment             *string               `json:"comment,omitempty"`
	AdditionalReplyData []AdditionalReplyData `json:"additionalReplyData"`
}

// An AdditionalReplyData says more of a message of the thread, in the sender's own fields.
type AdditionalReplyData struct {
	Resource
	Label *string `json:"label,omitempty"`
	Value *string `json:"value,omitempty"`
}

// A Document is a document of a message, with its files, which are the same text in several forms or languages.
type Document struct {
	Resource
	Label        *string  `json:"label,omitempty"`
	DocumentID   *string  `json:"documentId,omitempty"` // the sender's
	DocumentType string   `json:"documentType"`         // MAIN, ADDITIONAL or TECHNICAL
	Files        []File   `json:"files"`
	Actions      []Action `json:"actions"`
}

// A DocumentListResult has the documents of a message.
type DocumentListResult struct {
	Documents []Document `json:"documents"`
}

// A File is a file of a document. Its bytes are fetched apart.
type File struct {
	Resource
	EncodingFormat *string `json:"encodingFormat,omitempty"`
	Filename       *string `json:"filename,omitempty"`
	Language       *string `json:"language,omitempty"`
	FileSize       int64   `json:"fileSize"` // in bytes: of the file, not of its base64
}

// A FileListResult has the files of a document.
type FileListResult struct {
	Files []File `json:"files"`
}

// An Action is something to do about a document: a page to go to, or an appointment.
type Action struct {
	Resource
	Label                *string `json:"label,omitempty"`
	ActionCode           *string `json:"actionCode,omitempty"`
	ActionStartTime      *string `json:"actionStartTime,omitempty"`
	ActionEndTime        *string `json:"actionEndTime,omitempty"`
	EntryPointURL        *string `json:"entryPointUrl,omitempty"`
	Description          *string `json:"description,omitempty"`
	ReservationUUID      *string `json:"reservationUUID,omitempty"`
	ReservationAbstract  *string `json:"reservationAbstract,omitempty"`
	Location             *string `json:"location,omitempty"`
	ReservationStartTime *string `json:"reservationStartTime,omitempty"`
	ReservationEndTime   *string `json:"reservationEndTime,omitempty"`
	OrganizerMail        *string `json:"organizerMail,omitempty"`
	OrganizerName        *string `json:"organizerName,omitempty"`
}

// A BulkResult says what came of each of many changes, in their order.
type BulkResult struct {
	Messages []BulkStatus `json:"messages"`
}

// A BulkStatus is what came of the change of one message.
type BulkStatus struct {
	ID      domain.MessageID `json:"id"`
	Status  int              `json:"status"`            // as if the change had come alone
	Version uint32           `json:"version,omitempty"` // as the message stands now; absent: it is not there
	Code    string           `json:"code,omitempty"`    // why it was refused
	Message string           `json:"message,omitempty"` // why it was refused
}
