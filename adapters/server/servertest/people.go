package servertest

import (
	"fmt"
	"net/url"
	"strings"
)

// form is the header of a request whose body is a form.
var form = []string{"Content-Type", "application/x-www-form-urlencoded"}

// AsXML is the header of a request whose body is a MeMo.
var AsXML = []string{"Content-Type", "application/xml"}

// A Directory is who is made up, as development lists them.
type Directory struct {
	People        []Person
	Companies     []Company
	SenderSystems []SenderSystem
	Platforms     []Platform
}

// A Person is made up, and has a mailbox.
type Person struct{ CPR, Name, Mailbox string }

// A Company is made up, and has a mailbox.
type Company struct{ CVR, Name, Mailbox string }

// A SenderSystem is made up: Type says whether it is an authority's or a company's.
type SenderSystem struct{ ID, Key, Name, CVR, Type, Platform, Organisation string }

// A Platform has a server of its own, which proves who it is by a secret.
type Platform struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// Nobody is a client that does not say who it is.
func (w *World) Nobody() *Client { return newClient(w) }

// System is a sender system, by its place in the directory.
func (w *World) System(i int) *Client {
	return w.Basic(w.SenderSystems[i].ID, w.SenderSystems[i].Key)
}

// Basic is a client that says it is a sender system with that key.
func (w *World) Basic(id, key string) *Client {
	c := newClient(w)
	c.id, c.key = id, key
	return c
}

// Bearer is a client that has a token.
func (w *World) Bearer(token string) *Client {
	c := newClient(w)
	c.Token = token
	return c
}

// Person signs in on a platform as one with a CPR number, or a company's user with a CVR number. A right is RIGHT, or
// RIGHT:CVR.
func (w *World) Person(number, platform string, rights ...string) *Client {
	w.T.Helper()
	name := "cpr"
	if len(number) == 8 {
		name = "cvr"
	}
	in := url.Values{name: {number}, "client_id": {platform}, "priv": rights}
	var out struct {
		Token string `json:"access_token"`
	}
	if _, err := w.Nobody().Do("POST", "/dev/token", strings.NewReader(in.Encode()), &out, form...); err != nil {
		w.T.Fatal(err)
	}
	return w.Bearer(out.Token)
}

// User signs in as the person at a place in the directory.
func (w *World) User(i int, platform string) *Client {
	w.T.Helper()
	return w.Person(w.People[i].CPR, platform)
}

// PlatformServer is a platform's own server, by its client credentials.
func (w *World) PlatformServer(platform string) *Client {
	w.T.Helper()
	for _, p := range w.Platforms {
		if p.ID != platform {
			continue
		}
		form := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {platform}, "client_secret": {p.Secret},
		}
		return w.Bearer(w.Nobody().Ask(200, "POST", "/dev/oauth/token", form.Encode(),
			"Content-Type", "application/x-www-form-urlencoded").Text("access_token"))
	}
	w.T.Fatalf("there is no platform %s", platform)
	return nil
}

// Officer signs in as an officer of a municipality.
func (w *World) Officer() *Client {
	w.T.Helper()
	return w.Person(w.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
}

// Box is the path of a person's mailbox, by place in the directory, without a slash at its end.
func (w *World) Box(i int) string { return "/apis/v1/mailboxes/" + w.People[i].Mailbox }

// Messages is the path of the messages in a person's mailbox.
func (w *World) Messages(i int) string { return w.Box(i) + "/messages/" }

// AtTheCounter are the fields that an officer of a counter gives of one who applies for exemption.
const AtTheCounter = `"inPerson":true,"idShown":true,"declarationSigned":true`

// Exempt has an officer exempt somebody.
func (w *World) Exempt(cpr string) {
	w.T.Helper()
	w.Officer().Ask(201, "POST", "/apis/v1/exemptions/",
		fmt.Sprintf(`{"cprNumber":%q,"criteria":["LIMITED_DANISH"],%s}`, cpr, AtTheCounter))
}

// Point finds a contact point by its name.
func (w *World) Point(name string) Thing {
	w.T.Helper()
	x := w.Nobody().Ask(200, "GET", "/apis/v1/contact-points/?searchTerm="+url.QueryEscape(name), "")
	p, ok := x.At("contactPoints", 0).(map[string]any)
	if !ok || p["name"] != name {
		w.T.Fatalf("contact point %s: %v", name, x)
	}
	return p
}
