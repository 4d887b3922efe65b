package mailbox

// A Lens is which post of a mailbox somebody is shown: public post unless it is hidden, their own drafts with it, and
// the private post of one platform.
type Lens struct {
	Private  string // the platform; empty: no private post
	NoPublic bool   // the platform needs a consent that was not given
	Author   string // whose drafts: see AuthorOnly
}

// Shows reports whether a message of an audience is shown: see Message.
func (l Lens) Shows(audience string) bool {
	switch {
	case audience == "":
		return !l.NoPublic
	case ForAuthor(audience):
		return !l.NoPublic && audience == l.Author
	}

	return audience == l.Private
}
