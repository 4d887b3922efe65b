package servertest

import (
	"fmt"
	"strings"
)

// A Message is what a platform shows of one.
type Message struct {
	ID, MessageUUID, Label, FolderID, ReceivedDateTime string
	Version                                            int
	Read, Reply                                        bool
	Sender                                             struct{ Label string }
	Documents                                          []struct {
		ID    string
		Files []struct{ ID, Filename string }
	}
}

// Content is the path of a message's first file, below that of the message.
func (m Message) Content() string {
	return "/documents/" + m.Documents[0].ID + "/files/" + m.Documents[0].Files[0].ID + "/content"
}

// A Mailbox is what a platform shows of one.
type Mailbox struct {
	ID       string
	Folders  map[string]string // names, by id
	Messages []Message
}

// Folder gives the id of the folder with a name; empty if there is none.
func (b Mailbox) Folder(name string) string {
	for id, n := range b.Folders {
		if n == name {
			return id
		}
	}
	return ""
}

// Look gives what the platform shows of the signed-in person's mailbox.
func (c *Client) Look() (v Mailbox, err error) {
	var boxes struct{ Mailboxes []struct{ ID string } }
	if _, err := c.Do("GET", "/apis/v1/mailboxes/", nil, &boxes); err != nil {
		return v, err
	}
	v.ID, v.Folders = boxes.Mailboxes[0].ID, map[string]string{}
	path := "/apis/v1/mailboxes/" + v.ID

	var folders struct{ Folders []struct{ ID, Name string } }
	if _, err := c.Do("GET", path+"/folders/?size=1000", nil, &folders); err != nil {
		return v, err
	}
	for _, f := range folders.Folders {
		v.Folders[f.ID] = f.Name
	}

	var list struct{ Messages []Message }
	_, err = c.Do("GET", path+"/messages/?size=1000", nil, &list)
	v.Messages = list.Messages
	return v, err
}

// See is Look, and fails the test where that has an error.
func (c *Client) See() Mailbox {
	c.w.T.Helper()
	v, err := c.Look()
	if err != nil {
		c.w.T.Fatal(err)
	}
	return v
}

// Shown gives the message with a label, and the mailbox that it is in.
func (c *Client) Shown(label string) (v Mailbox, m Message, err error) {
	v, err = c.Look()
	for _, m := range v.Messages {
		if m.Label == label {
			return v, m, err
		}
	}
	if err == nil {
		err = fmt.Errorf("%s: %w", label, errNotThere)
	}
	return v, m, err
}

// Find gives the message with a label, and its mailbox's id. It fails the test if there is none.
func (c *Client) Find(label string) (box string, m Message) {
	c.w.T.Helper()
	v, m, err := c.Shown(label)
	if err != nil {
		c.w.T.Fatal(err)
	}
	return v.ID, m
}

// Draft begins a draft with a main document that has one file, and gives its path.
func (c *Client) Draft(box, label, point, text string) string {
	c.w.T.Helper()
	const body = `{"label":%q,"recipient":{"contactPoint":{"contactPointId":%q}}}`
	path := box + c.Ask(201, "POST", box, fmt.Sprintf(body, label, point)).Text("id")
	c.Attach(path, "MAIN", "brev.txt", text)
	return path
}

// Attach adds a document with one file to a draft, and gives the file's path.
func (c *Client) Attach(path, kind, name, text string) string {
	c.w.T.Helper()
	document := fmt.Sprintf(`{"documentType":%q,"label":%q}`, kind, "Dokument "+name)
	files := path + "/documents/" + c.Ask(201, "POST", path+"/documents/", document).Text("id") + "/files/"

	file := files + c.Ask(201, "POST", files, TextFile(name)).Text("id")
	put := c.Ask(200, "PUT", file+"/content", text, "Content-Type", "text/plain")
	if put.Text("fileSize") != fmt.Sprint(len(text)) {
		c.w.T.Errorf("%s has %s bytes, want %d", name, put.Text("fileSize"), len(text))
	}
	return file
}

// TextFile is the body that adds a file of text to a draft's document.
func TextFile(name string) string {
	return fmt.Sprintf(`{"encodingFormat":"text/plain","filename":%q,"language":"da"}`, name)
}

// An Access is what is shown of one, of a request for one, or of an exemption.
type Access struct {
	ID, State, MailboxID, IdentityID, OwnerName, IdentityName, RequestState, PrivilegeEndDate string
}

// Access sends a request about access, and gives what it answers. path is below /apis/v1/.
func (c *Client) Access(method, path, body string) (x Access) {
	c.w.T.Helper()
	_, err := c.Do(method, "/apis/v1/"+path, strings.NewReader(body), &x, "Content-Type", "application/json")
	if err != nil {
		c.w.T.Fatalf("%s %s: %v", method, path, err)
	}
	return x
}

// Grant lets the person at a place in the directory into the mailbox of another, whose owner the client is.
func (c *Client) Grant(owner, to int, right string) Access {
	c.w.T.Helper()
	p := c.w.People[to]
	return c.Access("POST", "mailboxes/"+c.w.People[owner].Mailbox+"/accesses/",
		fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":[%q]}`, p.CPR, p.Name, right))
}
