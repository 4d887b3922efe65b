package openapi_test

import (
	"encoding"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"digitalpost/adapters/backbone/changes"
	"digitalpost/adapters/officeapi"
	"digitalpost/adapters/senderapi"
	"digitalpost/adapters/viewapi"
)

// answers are the structs of the faces' answers, each with the name of its schema.
var answers = []any{
	viewapi.Page{}, viewapi.Mailbox{}, viewapi.MailboxAccess{}, viewapi.MailboxSearchResult{}, viewapi.Unread{},
	viewapi.Folder{}, viewapi.FolderSearchResult{}, viewapi.FolderMessageSummaryResult{},
	viewapi.FolderMessageSummary{}, viewapi.MessageCount{}, viewapi.SenderInformationResult{},
	viewapi.SenderInformation{}, viewapi.Look{}, viewapi.LookBy{}, viewapi.LookSearchResult{}, viewapi.Consents{},
	viewapi.Consent{}, viewapi.RegisteredSender{}, viewapi.SenderSearchResult{}, viewapi.Platforms{},
	viewapi.Platform{}, viewapi.Language{}, viewapi.InterfaceTexts{},

	viewapi.Access{}, viewapi.AccessSearchResult{}, viewapi.AccessRequest{}, viewapi.Identity{},
	viewapi.AccessRequestSearchResult{}, viewapi.DirectPrivilege{}, viewapi.DirectPrivilegeSearchResult{},
	viewapi.EmailNotificationSubscription{}, viewapi.SmsNotificationSubscription{},
	viewapi.RegisteredContact{}, viewapi.NemSmsSubscription{},
	viewapi.Exemption{}, viewapi.ExemptionCase{}, viewapi.FoundOwner{},
	viewapi.ExemptionSearchResult{}, changes.CloudEvent{}, changes.EventData{},
	viewapi.Digest{}, viewapi.MailboxDigest{}, viewapi.Attestation{}, viewapi.Subscription{},

	viewapi.Organisation{}, viewapi.OrganisationSearchResult{}, viewapi.ContactGroup{}, viewapi.OrganisationName{},
	viewapi.ContactGroupName{}, viewapi.ContactGroupSearchResult{}, viewapi.ContactPoint{}, viewapi.SearchTerm{},
	viewapi.ContactPointSearchResult{},

	viewapi.Message{}, viewapi.MessageSearchResult{}, viewapi.SentReceipt{}, viewapi.Sender{},
	viewapi.Representative{}, viewapi.Recipient{}, viewapi.AttentionData{}, viewapi.Address{},
	viewapi.MessageContactPoint{}, viewapi.ContactInfo{}, viewapi.ContentData{}, viewapi.AdditionalContentData{},
	viewapi.ForwardData{}, viewapi.ReplyData{}, viewapi.AdditionalReplyData{}, viewapi.Document{},
	viewapi.DocumentListResult{}, viewapi.File{}, viewapi.FileListResult{}, viewapi.Action{}, viewapi.BulkResult{},
	viewapi.BulkStatus{},

	senderapi.Receipt{}, senderapi.ReceiptSearchResult{}, senderapi.PagingResultUUID{}, senderapi.PageRequest{},
	senderapi.ContactSearchResult{}, senderapi.Contact{}, senderapi.MailboxSubscription{}, senderapi.SelfService{},
	senderapi.Validation{}, senderapi.Reached{},
	senderapi.Endpoint{},
	senderapi.ContactSubscription{}, senderapi.SingleContact{},
	senderapi.OrganisationSubscription{}, senderapi.ContactGroupKept{}, senderapi.ContactPointKept{},
	senderapi.MailSystem{},

	officeapi.Mandate{}, officeapi.Proposal{}, officeapi.ProposalList{}, officeapi.SystemKey{}, officeapi.Clock{},
	officeapi.RebuiltView{}, officeapi.RegisterStatus{}, officeapi.RegisterTask{}, officeapi.RegisterTaken{},
	officeapi.Effect{}, officeapi.EffectList{}, officeapi.RebuiltViews{},
}

// Each answer's struct has the fields of its schema, of the same types, and what is never left out is required.
func TestAnswersAreAsTheirSchemas(t *testing.T) {
	doc := description(t)
	for _, x := range answers {
		typ := reflect.TypeOf(x)
		schema := doc.Components.Schemas[typ.Name()]
		if schema == nil {
			t.Errorf("%s has no schema", typ)
			continue
		}
		described, required := propertiesOf(schema.Value)
		for _, f := range reflect.VisibleFields(typ) {
			name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous {
				continue
			}
			p := described[name]
			if p == nil {
				t.Errorf("%s has %s, which its schema does not have", typ, name)
				continue
			}
			if kind := kindOf(f.Type); !p.Value.Type.Is(kind) {
				t.Errorf("%s.%s is %s, its schema has %v", typ, name, kind, p.Value.Type)
			}
			if option == "" && !slices.Contains(required, name) {
				t.Errorf("%s.%s is never left out, and not required", typ, name)
			}
			delete(described, name)
		}
		for name := range described {
			t.Errorf("%s does not have %s, which its schema has", typ, name)
		}
	}
}

// propertiesOf gives the properties of a schema and of what it is made of, and which are required.
func propertiesOf(s *openapi3.Schema) (map[string]*openapi3.SchemaRef, []string) {
	out, required := map[string]*openapi3.SchemaRef{}, slices.Clone(s.Required)
	for _, part := range s.AllOf {
		some, more := propertiesOf(part.Value)
		required = append(required, more...)
		for name, p := range some {
			out[name] = p
		}
	}
	for name, p := range s.Properties {
		out[name] = p
		if len(p.Value.AllOf) > 0 { // of a resource, whose fields are described apart
			out[name] = &openapi3.SchemaRef{Value: &openapi3.Schema{Type: &openapi3.Types{"object"}}}
		}
	}
	return out, required
}

// kindOf gives what a type is in JSON.
func kindOf(t reflect.Type) string {
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return "string"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	}
	return "integer"
}

// No struct of an answer is forgotten above. What others embed is described as a part of them.
func TestEveryAnswerIsHeldAgainstItsSchema(t *testing.T) {
	embedded := []string{"Resource", "Granted"}
	for _, face := range []string{"viewapi", "senderapi", "officeapi"} {
		files, _ := filepath.Glob("../" + face + "/answers*.go")
		if len(files) == 0 {
			t.Errorf("%s has no answers", face)
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok || !spec.Name.IsExported() || slices.Contains(embedded, spec.Name.Name) {
					return true
				}
				is := func(x any) bool { return reflect.TypeOf(x).String() == face+"."+spec.Name.Name }
				if _, isStruct := spec.Type.(*ast.StructType); isStruct && !slices.ContainsFunc(answers, is) {
					t.Errorf("%s.%s is not held against its schema", face, spec.Name.Name)
				}
				return true
			})
		}
	}
}
