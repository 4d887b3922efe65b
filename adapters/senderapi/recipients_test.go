package senderapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// What a citizen has written waits for the recipient system, which fetches it, answers it, and then deletes it. Nobody
// else's system sees it.
func TestRecipientSystem(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, sys := w.User(0, "app"), w.Sender
	draft := me.Draft(w.Messages(0), "Ny carport", w.Point("Byggesager").Text("id"), "Må jeg bygge en carport?")
	uuid := me.Ask(200, "POST", draft+"/send", "").Text("messageUUID")
	memo := "/apis/v1/memos/" + uuid
	list := sys.Ask(200, "GET", "/apis/v1/memos/", "")
	if list.Text("content", 0) != uuid || list.Text("totalElements") != "1" {
		t.Errorf("memos/ = %v, want %s", list, uuid)
	}
	sys.Refuse(409, "memo.not.fetched", "DELETE", memo, "")
	sys.Refuse(409, "memo.not.fetched", "POST", memo+"/receipt", `{"receiptStatus":"COMPLETED"}`)
	sys.Fetch(uuid)
	if x := me.Ask(200, "GET", draft, ""); x.Text("receipt", "handedOver") != "true" {
		t.Errorf("fetched, it is %v", x)
	}

	region := w.System(1)
	region.Ask(404, "GET", memo, "")
	region.Ask(404, "DELETE", memo, "")
	region.Ask(404, "POST", memo+"/receipt", `{"receiptStatus":"COMPLETED"}`)
	sys.Ask(400, "POST", memo+"/receipt", `{"receiptStatus":"READ"}`)
	sys.Ask(200, "POST", memo+"/receipt", `{"receiptStatus":"RECEIVED"}`)
	region.Ask(404, "POST", memo+"/receipt", `{"receiptStatus":"RECEIVED"}`)
	sys.Ask(200, "POST", memo+"/receipt", `{"receiptStatus":"COMPLETED","messageUUID":"`+uuid+`",
		"errorCode":null,"errorMessage":"Sag 2026-117"}`)
	sys.Ask(200, "POST", memo+"/receipt", `{"receiptStatus":"COMPLETED"}`)
	sys.Refuse(422, "receipt.already.given", "POST", memo+"/receipt", `{"receiptStatus":"INVALID"}`)
	if x := me.Ask(200, "GET", draft, ""); x.Text("receipt", "errorMessage") != "Sag 2026-117" {
		t.Errorf("answered, it is %v", x)
	}
	sys.Ask(204, "DELETE", memo, "")
	sys.Ask(404, "GET", memo, "")
	sys.Ask(404, "DELETE", memo, "")
}

// Whether somebody takes Digital Post is told to sender systems; whether they are exempt, to authorities.
func TestWhoTakesDigitalPost(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	const contacts, exempt = "/apis/v1/contacts/?cprNumber=", "/apis/v1/self-service-exemptions?cprNumber="
	cpr := w.People[0].CPR
	w.Sender.Want(200, "REGISTERED", "GET", contacts+cpr, "")
	w.Sender.Want(200, `"contacts":[]`, "GET", contacts+"6701011111", "")

	w.Exempt(cpr)
	w.Sender.Want(200, `"publicRegistrationStatus":"EXEMPT"`, "GET", contacts+cpr, "")
	w.Sender.Want(200, `{"result":true}`, "GET", exempt+cpr, "")
	w.Sender.Want(200, `{"result":false}`, "GET", exempt+w.People[1].CPR, "")
	w.Sender.Want(200, `{"result":false}`, "GET", exempt+"6702901234", "")
	w.System(2).Want(403, "", "GET", exempt+cpr, "")
	if body := w.System(2).Body("GET", contacts+cpr, ""); strings.Contains(body, "EXEMPT") ||
		!strings.Contains(body, "REGISTERED") { // private post comes through an exemption
		t.Errorf("a company is told %s", body)
	}
}

// A list that does not know a parameter says so; receipts are found by the MeMo's UUID.
func TestSenderListsKnowTheirParameters(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	uuid, _ := w.Send("Et")
	w.Send("Andet")
	for _, path := range []string{"receipts", "receipts-bulk", "memos", "contacts"} {
		w.Sender.Want(400, "foo", "GET", "/apis/v1/"+path+"/?foo=1", "")
	}
	w.Sender.Want(200, `"totalElements":2`, "GET", "/apis/v1/receipts-bulk/", "")
	body := w.Sender.Body("GET", "/apis/v1/receipts-bulk/?messageUUID="+uuid, "")
	if !strings.Contains(body, `"totalElements":1`) || !strings.Contains(body, uuid) {
		t.Errorf("the receipt of %s: %s", uuid, body)
	}
	w.Sender.Want(200, `"totalElements":0`, "GET", "/apis/v1/receipts/?messageUUID="+servertest.NewUUID(), "")
	w.Sender.Want(400, "messageUUID", "GET", "/apis/v1/receipts/?messageUUID=x", "")
}

// A recipient system sets where it is brought what people write; an address that does not answer for itself is refused.
func TestMemoEndpoint(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	const path = "/apis/v1/memos/endpoint"
	w.Sender.Ask(404, "GET", path, "")
	w.Sender.Refuse(400, "url.not.valid", "PUT", path, `{}`)
	w.Sender.Refuse(400, "url.not.verified", "PUT", path, `{"url":"http://user:pw@127.0.0.1:1/"}`)
	w.Sender.Ask(200, "PUT", path, `{"url":"`+w.Outbox.Webhook("memos")+`"}`)
	w.Sender.Ask(200, "GET", path, "")
	w.Sender.Ask(204, "DELETE", path, "")
}

// What a system is told changes of is its own to see and to end.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	for _, path := range []string{"/apis/v1/contacts/subscriptions/", "/apis/v1/organisations/subscriptions/"} {
		operation, created := "ALL_CITIZENS", 200
		if strings.Contains(path, "organisations") {
			operation, created = "NEW_ORGANISATIONS", 201
		}
		body := fmt.Sprintf(`{"notificationUrl":%q,"subscriptionOperations":[%q]}`, w.Outbox.Webhook("x"), operation)
		one := path + w.Sender.Ask(created, "POST", path, body).Text("id")
		if list := w.Sender.Body("GET", path, ""); !strings.Contains(list, operation) {
			t.Errorf("%s lists %s", path, list)
		}
		if list := w.System(1).Body("GET", path, ""); strings.Contains(list, operation) {
			t.Errorf("%s lists another's: %s", path, list)
		}
		w.Sender.Ask(200, "PUT", one, body)
		w.Sender.Ask(204, "DELETE", one, "")
		w.Sender.Refuse(404, "not.found", "DELETE", one, "")
	}
}
