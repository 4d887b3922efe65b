package problem

import (
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/mandate"
	"digitalpost/domain/oplog"
	"digitalpost/domain/organisation"
	"digitalpost/domain/subscription"
)

// danish gives each reason's text in Danish, for those who show it to people.
var danish = map[domain.Reason]string{
	mailbox.NotOpen:               "postkassen er ikke åben",
	mailbox.AlreadyOpen:           "postkassen er allerede åben",
	mailbox.NoSuchMessage:         "meddelelsen findes ikke",
	mailbox.StaleVersion:          "meddelelsen er ændret i mellemtiden",
	mailbox.AlreadyReceived:       "meddelelsen ligger allerede i postkassen",
	mailbox.AlreadyDelivered:      "meddelelsen er leveret og kan ikke kaldes tilbage",
	mailbox.NotInTrash:            "meddelelsen ligger ikke i Slettet post",
	mailbox.FolderNotFound:        "mappen findes ikke",
	mailbox.FolderTaken:           "mappen findes allerede",
	mailbox.FolderNotAllowed:      "meddelelsen kan ikke ligge i den mappe",
	mailbox.NameTaken:             "der er allerede en mappe med det navn",
	mailbox.SystemFolder:          "faste mapper kan ikke ændres",
	mailbox.Cycle:                 "en mappe kan ikke ligge i sig selv",
	mailbox.FolderNotEmpty:        "mappen er ikke tom",
	mailbox.TooManyFolders:        "en postkasse har højst 1.000 mapper",
	intake.AlreadyReceived:        "meddelelsen er modtaget i forvejen",
	intake.UUIDReused:             "id'et er brugt før til andet indhold",
	mandate.NotAllowed:            "et mandat har et formål på 1 til 1.000 tegn og et sagsnummer på 1 til 100",
	mandate.NotInForce:            "mandatet er udløbet, en andens eller findes ikke",
	subscription.NoPush:           "platformen får ikke besked fra rygraden",
	oplog.MandateMissing:          "headeren Mandate skal nævne det mandat, som det sker under",
	oplog.ReasonNotAllowed:        "en begrundelse på 1 til 1.000 tegn er nødvendig",
	oplog.MeasureUnknown:          "skridtet skal være SHRED_MAILBOX, med mailboxId, eller ROLL_KEYS, uden",
	oplog.ProposalNotOpen:         "forslaget er ikke åbent længere, eller har aldrig været det",
	oplog.ProposalOwn:             "en anden operatør end den, der foreslog det, skal godkende",
	oplog.TooManyProposals:        "højst 100 forslag er åbne på én gang",
	oplog.RestoreNotApproved:      "loggen er gendannet: en anden operatør skal godkende, før noget går videre",
	mailbox.NoConsent:             "modtageren har ikke givet samtykke til virksomhedens post",
	organisation.RightsNotAllowed: "en myndighed har en type og et lovgrundlag på højst 200 tegn",
	organisation.NotRegistered:    "der er ingen organisation med det CVR-nummer",
	organisation.BasisNotAllowed:  "consentBasis skal være CONTRACT eller EMPLOYMENT, og kun for virksomheder",
	organisation.NameNotAllowed:   "et navn har 1 til 256 tegn, og ingen, der ikke ses",
	access.NoAuthority:            "login skal vise, hvilken myndighed der handles på vegne af",
	mailbox.NoAccess:              "adgangen er ophørt eller har aldrig været der",
	mailbox.AccessLimited:         "adgangen rækker ikke så langt",
	mailbox.AccessSelf:            "man giver ikke sig selv adgang",
	mailbox.AccessDuplicate:       "adgangen eller anmodningen findes allerede",
	mailbox.AccessNotFound:        "adgangen findes ikke eller er ophørt",
	mailbox.AccessPast:            "datoen skal ligge i fremtiden",
	mailbox.AccessKind:            "den slags adgang kan du ikke give",
	mailbox.AccessTooMany:         "en postkasse har højst 200 adgange og anmodninger ad gangen",
	mailbox.RequestClosed:         "anmodningen er lukket",
	mailbox.RecipientExempt:       "modtageren er fritaget",
	mailbox.RecipientClosed:       "modtagerens postkasse er lukket",
	mailbox.AlreadyExempt:         "personen er allerede fritaget eller har søgt",
	mailbox.NotExempt:             "personen er ikke fritaget",
	mailbox.NotInPerson:           "man møder personligt op",
	mailbox.NoID:                  "der skal vises gyldig legitimation",
	mailbox.NoDeclaration:         "der skal være en underskrevet erklæring om mindst ét kriterium",
	mailbox.ProxyUnsigned:         "fuldmagten skal være underskrevet af begge",
	mailbox.ExemptionNotOpen:      "der er ingen ansøgning at afgøre",
	organisation.SubscriptionNotAllowed: "et abonnement har operationer, der findes, eller højst 1.000 enkelte; " +
		"det er en myndigheds",
	organisation.TooManySubscriptions: "et system har højst 10 abonnementer",
	mailbox.NoNemSMS:                  "modtageren er ikke tilmeldt NemSMS",
	mailbox.TermsNotAccepted:          "vilkårene for NemSMS skal accepteres i den version, der gælder",
	mailbox.NumberMissing:             "der er intet mobilnummer til ny post, som NemSMS kan dele",
	mailbox.DetailNotAllowed:          "der skal bruges en e-mailadresse eller et dansk mobilnummer på 8 cifre",
	mailbox.TooManyDetails:            "en person har højst 3 e-mailadresser og ét mobilnummer til en postkasse",
	mailbox.CodeSpent:                 "koden er prøvet 5 gange eller er ældre end 10 minutter: bed om en ny",
	mailbox.TooManyCodes:              "en person får højst 10 koder om dagen til en postkasse",
	contacts.CodeWrong:                "koden er ikke den, der blev sendt",
	mailbox.ContactNotAllowed:         "en e-mailadresse eller et dansk mobilnummer skal bekræftes",
	mailbox.NotADraft:                 "meddelelsen er ikke en kladde",
	mailbox.TooManyDrafts:             "man har højst 100 kladder i en postkasse",
	mailbox.TooManyParts:              "en kladde har højst 200 uploadede dele",
	mailbox.ConsentMissing:            "platformen viser og skriver kun offentlig post for dem, der har givet samtykke",
	mailbox.PrivatePost:               "privat post bliver på sin platform",
	mailbox.SenderDeclined:            "modtageren tager ikke imod denne virksomheds post på platformen",
	mailbox.UnderAge:                  "borgere får postkasse, når de fylder 15 år",
	mailbox.NotFetched:                "meddelelsen er ikke hentet endnu",
	mailbox.ReplyElsewhere:            "et svar går til den, der skrev; skriv en ny meddelelse til andre",
	mailbox.ReceiptGiven:              "der er allerede givet en anden kvittering, og den gælder",
	organisation.NotYours:             "et system ændrer kun sin egen myndigheds kontaktstruktur",
	organisation.NoSuchGroup:          "kontaktgruppen findes ikke",
	organisation.NoSuchPoint:          "kontaktpunktet findes ikke",
	organisation.NoSuchSystem:         "organisationen har ikke det modtagersystem",
	organisation.LastVisiblePoint:     "en organisation beholder mindst ét synligt kontaktpunkt",
	organisation.GroupNotEmpty:        "kontaktgruppen er ikke tom",
	organisation.GroupTooDeep:         "kontaktgrupper ligger højst 16 dybt i hinanden",
	mailbox.NothingToForward:          "meddelelsen har ingen dokumenter at videresende",
	mailbox.TooManyEMails:             "der kan højst videresendes 50 e-mails om dagen fra en postkasse",
	organisation.GroupCycle:           "en kontaktgruppe kan ikke ligge i sig selv",
	organisation.TooManyContacts:      "en organisation har højst 2.000 kontaktgrupper og lige så mange kontaktpunkter",
	mailbox.UnknownSender:             "ingen virksomhed med det id sender privat post",
	mailbox.WrongPlatform:             "virksomhedens post kommer på en anden platform",
	mailbox.NotOffered:                "platformen findes ikke på det sprog",
	mailbox.FollowsDevice:             "appen følger telefonens sprog",
	mailbox.LabelNotAllowed:           "et emne har højst 256 tegn og ingen styretegn",
	mailbox.DocumentNotAllowed:        "et dokuments titel har højst 256 tegn og ingen styretegn",
	mailbox.FileNotAllowed:            "en fil har navn, format og sprog på to bogstaver",
	mailbox.TooManyDocuments:          "en kladde har ét hoveddokument, højst 31 dokumenter og højst 10 filer i hvert",
	mailbox.DraftTooLarge:             "kladden er for stor",
	mailbox.PartNotNext:               "delen begynder ikke, hvor den forrige sluttede",
	organisation.NoSuchRecipient:      "myndigheden findes ikke",
	mailbox.LabelMissing:              "skriv et emne",
	mailbox.RecipientMissing:          "vælg en modtager",
	mailbox.MainMissing:               "der mangler et hoveddokument eller en fil i et dokument",
	mailbox.FileIncomplete:            "en fil er ikke uploadet færdig",
	organisation.CategoryRequired:     "vælg en kategori",
	organisation.PointClosed:          "kategorien tager ikke imod post fra dig",
	mailbox.TooManyAttachments:        "kategorien tager ikke imod så mange bilag",
	mailbox.TooLargeForPoint:          "meddelelsen er større, end kategorien tager imod",
	mailbox.NotReplyable:              "meddelelsen kan ikke besvares",
	organisation.SenderClosed:         "afsenderen kan ikke besvares mere: skriv en ny meddelelse",
	mailbox.CommentTooLong:            "en kommentar har højst 512 tegn",
	mailbox.EMailNotConfirmed:         "e-mail forlader Digital Post: bekræft, at det er meningen",
	mailbox.EMailNotAvailable:         "der kan ikke sendes e-mail herfra",
	mailbox.CriterionUnknown:          "kriterierne er dem på blanketten",
	mailbox.AddressNotAllowed:         "en adresse har højst 500 tegn",
	mailbox.NoConsentNeeded:           "platformen behøver intet samtykke",
	mailbox.GranteeNoMailbox:          "adgang gives til personer og virksomheder, der har postkasse",
	mailbox.OwnerNotFound:             "ingen har det nummer og navn",
	mailbox.NoDocumentation:           "skriv, hvilken dokumentation der er vist",
	mailbox.NameNotAllowed:            "en mappes navn har 1 til 256 tegn og ingen styretegn",
	mailbox.NoteTooLong:               "en note har højst 4.000 tegn",

	mailbox.CompanyCriterion: "en virksomhed fritages kun uden bredbånd, eller hvis ejer eller leder ikke kan, og " +
		"ingen anden kan",
	mailbox.ForwardNotAllowed: "videresend til et CPR- eller CVR-nummer, der ikke er postkassens eget, eller til en " +
		"e-mailadresse",
}

// Texts returns each reason's text in a language, da or en, by its code.
func Texts(language string) map[string]string {
	out := map[string]string{}
	for r, x := range reasons {
		if out[string(r)] = x.text; language == "da" {
			out[string(r)] = danish[r]
		}
	}
	return out
}
