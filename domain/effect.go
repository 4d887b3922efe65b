package domain

// An Effect is what an event does beyond the state of its own stream, as plain values. Views, feeds, forgetting, the
// sweep and verify ask it; none of them knows what an event means otherwise.
type Effect struct {
	// Touches are the parts of a mailbox that the event changes. Whoever evolves a state of parts loads them first.
	Touches Parts
	// Begins is the leaf that the thing which the event begins takes for good; 0: it begins none.
	Begins uint32
	// Keeps are documents that the log names from this event on, until another frees them.
	Keeps []Document
	// Frees is what nobody needs after this event: its keys are destroyed, its bytes given back.
	Frees Freed
	// Tells is what followers are told; nil: nothing.
	Tells *Change
	// Readers says that who reads the mailbox on a platform may be others from this event on.
	Readers bool
}

// Parts are parts of a mailbox: those that an event touches, or that a command asks for.
type Parts struct {
	Box      bool // the mailbox's own row, which every command has
	Messages []MessageID
	Within   FolderID // every message that lies in it, however many; zero: none
	Folders  []FolderID
	Grants   []GrantID
	Senders  []OrganisationID // what the owner has said to them, on every platform

	AllFolders bool
	AllGrants  bool // that are not ended
	Counts     bool // of messages, by folder and audience
}

// And joins parts.
func (p Parts) And(more Parts) Parts {
	p.Messages = append(p.Messages[:len(p.Messages):len(p.Messages)], more.Messages...)
	p.Folders = append(p.Folders[:len(p.Folders):len(p.Folders)], more.Folders...)
	p.Grants = append(p.Grants[:len(p.Grants):len(p.Grants)], more.Grants...)
	p.Senders = append(p.Senders[:len(p.Senders):len(p.Senders)], more.Senders...)
	p.Box = p.Box || more.Box
	p.AllFolders, p.AllGrants = p.AllFolders || more.AllFolders, p.AllGrants || more.AllGrants
	p.Counts = p.Counts || more.Counts

	if more.Within != (FolderID{}) {
		p.Within = more.Within
	}

	return p
}

// A Document is a kept document as an event names it.
type Document struct {
	ID     DocumentID
	Length int64  // bytes that are kept, before they are sealed
	Hash   []byte // SHA-256 of the sealed bytes
	Of     MessageID
	// Apart says that it lies under a root of its own: it outlives the stream's root.
	Apart bool
}

// Freed is what an event lets go of.
type Freed struct {
	Leaves    []Leaf
	Roots     []UUID       // roots of their own, such as that of a copy that was handed over
	Documents []DocumentID // named by the event itself
	// Received are messages whose MeMo goes as it came in: the event does not name the document, the one that received
	// it did.
	Received []MessageID
	// All frees the stream's own root, and every document under it.
	All bool
}

// A Leaf is a key of a stream.
type Leaf struct {
	Leaf  uint32
	Other bool     // it is another stream's than the event's own
	Of    [16]byte // that stream's id, which may be all zeros
}

// A Change is what followers are told of an event: what happened to what, and nothing that anybody wrote.
type Change struct {
	Message MessageID
	Folder  FolderID // where the message is now, or the folder that changed
	From    FolderID // where the message was
	Grant   GrantID
	Grantee MailboxID
	// Audience is who was shown the message before the event, where the event may have changed that; empty: whoever
	// is shown it now.
	Audience string
}

// Seal seals what a person wrote under a leaf. It stands in a command beside the words, since only deciding tells under
// which leaf they go; it is called again when a command is decided again. A nil one leaves what is sealed already.
type Seal func(leaf uint32) (Sealed, error)

// Under gives the words sealed under a leaf; without a Seal, those that were given.
func (f Seal) Under(leaf uint32, given Sealed) (Sealed, error) {
	if f == nil {
		return given, nil
	}

	return f(leaf)
}
