package memo

import (
	"strings"
)

// The format of MeMo 1.1 and 1.2, in the project's own words. A line is an element and what it holds, in this order;
// one that begins with a tab goes on with the element above it:
//
//	name=type   an element of that simple type           Name   an element that has a line of its own
//	?           none or one        *  any number         +      one or more        ?4  up to four
//	~           optional in 1.2, required in 1.1          !      in 1.2 only
//	A|B         one of them, or none
//
// A prefix names the namespace (namespaces below); without one, an element is in that of the line it stands in.
const format = `
Message: MessageHeader MessageBody?
MessageHeader: messageType=messageType messageUUID=uuid messageID?=text messageCode?=text label=text
	notification?=notification additionalNotification?=text reply?=default-false replyByDateTime?=dateTime
	doNotDeliverUntilDate?=date mandatory~=default-false legalNotification~=default-false postType?=text Sender
	Recipient ContentData? ForwardData? ReplyData*
Sender: senderID=text idType=text idTypeLabel?=text label=text AttentionData? ContactPoint? Representative?!
Recipient: recipientID=text idType=text idTypeLabel?=text label?=text AttentionData? ContactPoint?
Representative: representativeID?=text idType?=text idTypeLabel?=text label?=text
ContactPoint: contactGroup?=text contactPointID=text label?=text ContactInfo?2
ContactInfo: label=text value=text
AttentionData: AttentionPerson? grd:ProductionUnit? gln:GlobalLocationNumber? EMail? grd:SEnumber? Telephone? grd:EID?
	ContentResponsible? GeneratingSystem? sor:SORdata? grd:Address? grd:UnstructuredAddress?
AttentionPerson: personID?=text label?=text
EMail: emailAddress=text relatedAgent?=text
Telephone: telephoneNumber=text relatedAgent?=text
ContentResponsible: contentResponsibleID?=text label?=text
GeneratingSystem: generatingSystemID=text label?=text
ContentData: grd:CPRdata? grd:CVRdata? dmv:MotorVehicle? grd:PropertyNumber? CaseID? kle:KLEdata? form:FORMdata?
	grd:ProductionUnit? udd:Education? grd:Address? grd:UnstructuredAddress? AdditionalContentData?10
CaseID: caseID=text caseSystem=text
AdditionalContentData: contentDataType?=text contentDataName=text contentDataValue=text
ForwardData: messageUUID=uuid originalMessageDateTime=dateTime originalSender=text originalContentResponsible?=text
	originalRepresentative?!=text contactPointID?=text comment?=comment
ReplyData: messageID?=text messageUUID=uuid replyUUID?=uuid senderID?=text recipientID?=text caseID?=text
	contactPointID?=text generatingSystemID?=text comment?=comment AdditionalReplyData?4
AdditionalReplyData: label=text value=text
MessageBody: createdDateTime=dateTime MainDocument AdditionalDocument* TechnicalDocument*
MainDocument: mainDocumentID?=text label?=text File+ Action*
AdditionalDocument: additionalDocumentID?=text label?=text File+ Action*
TechnicalDocument: technicalDocumentID?=text label?=text File+
File: encodingFormat=text filename=text language=language content=base64
Action: label=text actionCode=text startDateTime?=dateTime endDateTime?=dateTime Reservation|EntryPoint
EntryPoint: url=uri
Reservation: description=text reservationUUID=uuid abstract=text location=text startDateTime=dateTime
	endDateTime=dateTime organizerMail?=text organizerName?=text
grd:CPRdata: cprNumber=text name?=text
grd:CVRdata: cvrNumber=text companyName?=text
grd:EID: eID=text label?=text
grd:ProductionUnit: productionUnitNumber=pNumber productionUnitName?=text
grd:SEnumber: seNumber=text companyName?=text
grd:PropertyNumber: propertyNumber=text
grd:UnstructuredAddress: unstructured=text
grd:Address: id?=text addressLabel?=text houseNumber?=text door?=text floor?=text co?=text zipCode?=text city?=text
	country?=text AddressPoint?
grd:AddressPoint: geographicEastingMeasure?=text geographicNorthingMeasure?=text geographicHeightMeasure?=text
gln:GlobalLocationNumber: globalLocationNumber=gln location?=text
dmv:MotorVehicle: licenseNumber=license chassisNumber?=text
kle:KLEdata: subjectKey=text version=text activityFacet?=text label=text
form:FORMdata: taskKey=text version=text activityFacet?=text label=text
sor:SORdata: sorIdentifier=text entryName?=text
udd:Education: educationCode=text educationName?=text
`

// namespaces gives each prefix of the format its namespace; the MeMo's own has none there.
var namespaces = map[string]string{
	"":     "https://DigitalPost.dk/MeMo-1",
	"grd":  "https://data.gov.dk/model/core/",
	"gln":  "https://www.gs1.dk/gs1-standarder/identifikation/gln-global-location-number/",
	"udd":  "https://www.dst.dk/da/TilSalg/Forskningsservice/Dokumentation/hoejkvalitetsvariable/elevregister-2/udd#",
	"form": "http://www.form-online.dk/",
	"kle":  "http://kle-online.dk/",
	"dmv":  "https://motorregister.skat.dk/",
	"sor":  "https://services.nsi.dk/en/Services/SOR",
}

const (
	typesNamespace  = "https://data.gov.dk/model/dataTypes/"
	xsNamespace     = "http://www.w3.org/2001/XMLSchema"
	xsiNamespace    = "http://www.w3.org/2001/XMLSchema-instance"
	unboundedOccurs = 1 << 30
)

// A particle is one place in an element's sequence: one name, or a choice of two.
type particle struct {
	names    []qname
	types    []string // "" for an element with a line of its own
	min, max int
	min12    int  // the least number in 1.2
	only12   bool // not in 1.1
}

type qname struct{ space, local string }

var elements = parseFormat()

// parseFormat reads the format: the particles of each element that has a line of its own.
func parseFormat() map[qname][]particle {
	out := map[qname][]particle{}
	split := func(s, home string) qname {
		if prefix, local, ok := strings.Cut(s, ":"); ok {
			return qname{namespaces[prefix], local}
		}
		return qname{home, s}
	}
	var q qname
	for line := range strings.Lines(strings.TrimSpace(format)) {
		rest := line
		if line[0] != '\t' {
			var name string
			name, rest, _ = strings.Cut(line, ": ")
			q = split(name, namespaces[""])
		}
		for _, f := range strings.Fields(rest) {
			p := particle{min: 1, max: 1, min12: 1}
			f, typ, _ := strings.Cut(f, "=")
			if f, p.only12 = strings.CutSuffix(f, "!"); p.only12 {
				p.min12 = 0
			}

			base := strings.TrimRight(f, "?*+~0123456789")
			switch marks := f[len(base):]; {
			case strings.Contains(base, "|"):
				p.min, p.min12 = 0, 0
			case marks == "?":
				p.min, p.min12 = 0, 0
			case marks == "*":
				p.min, p.min12, p.max = 0, 0, unboundedOccurs
			case marks == "+":
				p.max = unboundedOccurs
			case marks == "~":
				p.min12 = 0
			case marks == "?2":
				p.min, p.min12, p.max = 0, 0, 2
			case marks == "?4":
				p.min, p.min12, p.max = 0, 0, 4
			case marks == "?10":
				p.min, p.min12, p.max = 0, 0, 10
			}

			for _, n := range strings.Split(base, "|") {
				p.names = append(p.names, split(n, q.space))
				p.types = append(p.types, typ)
			}

			out[q] = append(out[q], p)
		}
	}

	return out
}

// prefixOf returns the format's prefix of a namespace, with its colon.
func prefixOf(space string) string {
	for p, s := range namespaces {
		if s == space && p != "" {
			return p + ":"
		}
	}
	return ""
}

// schemaTypes gives the name that xsi:type may give for each simple type: saying what is so anyway changes nothing.
var schemaTypes = map[string]qname{
	"text":          {typesNamespace, "memoTextType"},
	"uuid":          {typesNamespace, "memoUuidType"},
	"comment":       {typesNamespace, "memoCommentType"},
	"notification":  {typesNamespace, "memoNotificationType"},
	"dateTime":      {typesNamespace, "memoDateTimeType"},
	"date":          {xsNamespace, "date"},
	"default-false": {xsNamespace, "boolean"},
	"messageType":   {typesNamespace, "memoMessageType"},
	"language":      {typesNamespace, "memoLanguageType"},
	"base64":        {xsNamespace, "base64Binary"},
	"uri":           {typesNamespace, "memoUriType"},
	"pNumber":       {typesNamespace, "memoPNumberType"},
	"gln":           {typesNamespace, "memoGLNType"},
	"license":       {typesNamespace, "memoLicenseNumberType"},
}
