package mailbox

import (
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about folders.
const (
	FolderNotFound   domain.Reason = "folder.not.found"
	FolderTaken      domain.Reason = "folder.id.taken"
	FolderNotAllowed domain.Reason = "folder.not.allowed"
	NameNotAllowed   domain.Reason = "folder.name.not.allowed"
	NameTaken        domain.Reason = "folder.name.taken"
	SystemFolder     domain.Reason = "folder.is.system"
	Cycle            domain.Reason = "folder.cycle"
	FolderNotEmpty   domain.Reason = "folder.not.empty"
	TooManyFolders   domain.Reason = "folder.too.many"
)

// Bounds of folders.
const (
	MaxFolders = 1000 // of its own that a mailbox may have
	MaxName    = 256  // characters of a folder's name
)

// A Folder is a folder of a person's own.
type Folder struct {
	Parent  domain.FolderID `cbor:"1,keyasint,omitzero"` // zero: at the top
	NameKey domain.UUID     `cbor:"2,keyasint"`          // keyed hash of the folded name
	Leaf    uint32          `cbor:"3,keyasint"`
	Version uint32          `cbor:"4,keyasint"` // from 1; 0: there is no such folder
	Shown   FolderShown     `cbor:"5,keyasint"`
}

// A FolderShown is what only people see of a folder.
type FolderShown struct {
	Name   domain.Sealed `cbor:"1,keyasint"`
	Sealed string        `cbor:"2,keyasint"` // the event type that the name is bound to
	At     time.Time     `cbor:"3,keyasint"`
	Last   time.Time     `cbor:"4,keyasint"`
}

// onFolder is the effect of an event that changes a folder.
func onFolder(f domain.FolderID) domain.Effect {
	return domain.Effect{
		Touches: domain.Parts{Folders: []domain.FolderID{f}},
		Tells:   &domain.Change{Folder: f},
	}
}

// folderEvents are the zero values of this file's event types.
var folderEvents = []Event{FolderCreated{}, FolderRenamed{}, FolderMoved{}, FolderDeleted{}}

// FolderCreated records a new folder.
type FolderCreated struct {
	Folder  domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Parent  domain.FolderID `cbor:"2,keyasint" json:"parent"`
	Leaf    uint32          `cbor:"3,keyasint" json:"leaf"`
	Name    domain.Sealed   `cbor:"4,keyasint" json:"name"`
	NameKey domain.UUID     `cbor:"5,keyasint" json:"nameKey"`
}

// EventType is the stored name.
func (FolderCreated) EventType() string { return "mailbox.folder-created" }

// Effect begins the folder.
func (e FolderCreated) Effect() domain.Effect {
	out := onFolder(e.Folder)
	out.Begins = e.Leaf

	return out
}

func (e FolderCreated) evolve(s *State, at domain.Moment) {
	s.take(e.Leaf)
	s.folders[e.Folder] = Folder{
		Parent: e.Parent, NameKey: e.NameKey, Leaf: e.Leaf, Version: 1,
		Shown: FolderShown{Name: e.Name, Sealed: at.Type, At: at.Recorded, Last: at.Recorded},
	}
}

// FolderRenamed records a folder's new name.
type FolderRenamed struct {
	Folder  domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Name    domain.Sealed   `cbor:"2,keyasint" json:"name"`
	NameKey domain.UUID     `cbor:"3,keyasint" json:"nameKey"`
}

// EventType is the stored name.
func (FolderRenamed) EventType() string { return "mailbox.folder-renamed" }

// Effect is on the folder alone.
func (e FolderRenamed) Effect() domain.Effect { return onFolder(e.Folder) }

func (e FolderRenamed) evolve(s *State, at domain.Moment) {
	s.changeFolder(e.Folder, at, func(f *Folder) {
		f.NameKey, f.Shown.Name, f.Shown.Sealed = e.NameKey, e.Name, at.Type
	})
}

// FolderMoved records a folder's new parent.
type FolderMoved struct {
	Folder domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Parent domain.FolderID `cbor:"2,keyasint" json:"parent"`
}

// EventType is the stored name.
func (FolderMoved) EventType() string { return "mailbox.folder-moved" }

// Effect is on the folder alone.
func (e FolderMoved) Effect() domain.Effect { return onFolder(e.Folder) }

func (e FolderMoved) evolve(s *State, at domain.Moment) {
	s.changeFolder(e.Folder, at, func(f *Folder) { f.Parent = e.Parent })
}

// FolderDeleted records that a folder is gone. Private post that the acting platform does not show may have lain in it;
// it lies in the inbox from then on.
type FolderDeleted struct {
	Folder domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Leaf   uint32          `cbor:"2,keyasint" json:"leaf"`
}

// EventType is the stored name.
func (FolderDeleted) EventType() string { return "mailbox.folder-deleted" }

// Effect touches every message in the folder, and frees its name.
func (e FolderDeleted) Effect() domain.Effect {
	out := onFolder(e.Folder)
	out.Touches.Within = e.Folder
	out.Frees.Leaves = []domain.Leaf{{Leaf: e.Leaf}}

	return out
}

func (e FolderDeleted) evolve(s *State, at domain.Moment) {
	s.folders[e.Folder] = Folder{}
	for id, m := range s.messages {
		if m.Stage == Here && m.Folder == e.Folder {
			s.change(id, at, true, func(m *Message) { m.Folder = Inbox })
		}
	}

	// What is left are the counts of messages that are not loaded.
	for p, n := range s.held {
		if p.Folder != e.Folder {
			continue
		}
		delete(s.held, p)
		in := s.held[Place{Inbox, p.Audience}]
		s.held[Place{Inbox, p.Audience}] = Count{in.Total + n.Total, in.Unread + n.Unread}
	}
}

// changeFolder applies fn to a folder that is there.
func (s *State) changeFolder(id domain.FolderID, at domain.Moment, fn func(*Folder)) {
	f, ok := s.folder(id)
	if !ok {
		s.miss("an event changes a folder that is not there:", id)
		return
	}

	fn(&f)
	f.Version++
	f.Shown.Last = at.Recorded
	s.folders[id] = f
}

// withFolders is the needs of commands that look at every folder.
func withFolders() domain.Parts { return domain.Parts{AllFolders: true} }

func organising() Leave { return Leave{Actions: []access.Action{access.Organise}} }

// CreateFolder makes a folder. It takes the mailbox's next leaf.
type CreateFolder struct {
	Created FolderCreated
	Name    string // in the open
	Seal    domain.Seal
}

func (CreateFolder) needs() domain.Parts { return withFolders() }

func (CreateFolder) leave(*State) Leave { return organising() }

func (c CreateFolder) decide(s *State) ([]Event, error) {
	e := c.Created
	if err := JudgeName(c.Name); err != nil {
		return nil, err
	}

	if err := s.mayHold(e.Parent); err != nil {
		return nil, err
	}

	there := 0
	for _, f := range s.allFolders() {
		if f.Version > 0 {
			there++
		}
	}

	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.exists(e.Folder):
		return nil, domain.Refuse(FolderTaken)
	case there >= MaxFolders:
		return nil, domain.Refuse(TooManyFolders)
	case !s.freeName(e.Parent, e.Folder, e.NameKey):
		return nil, domain.Refuse(NameTaken)
	}

	var err error
	e.Leaf = s.NextLeaf
	if e.Name, err = c.Seal.Under(e.Leaf, e.Name); err != nil {
		return nil, err
	}

	return []Event{e}, nil
}

// RenameFolder gives a folder another name. The same folded name in another spelling is another name.
type RenameFolder struct {
	Folder  domain.FolderID
	Version uint32 // the version that the caller knows; 0: any
	NameKey domain.UUID
	Name    string // in the open
	Seal    domain.Seal
	// Same reports whether a folder has this very spelling; nil: it has another.
	Same func(Folder) (bool, error)
}

func (RenameFolder) needs() domain.Parts { return withFolders() }

func (RenameFolder) leave(*State) Leave { return organising() }

func (c RenameFolder) decide(s *State) ([]Event, error) {
	if err := JudgeName(c.Name); err != nil {
		return nil, err
	}

	f, err := s.own(c.Folder, c.Version)
	if err != nil {
		return nil, err
	}

	if c.Same != nil {
		if same, err := c.Same(f); err != nil || same {
			return nil, err
		}
	}

	if !s.freeName(f.Parent, c.Folder, c.NameKey) {
		return nil, domain.Refuse(NameTaken)
	}

	name, err := c.Seal.Under(f.Leaf, nil)
	if err != nil {
		return nil, err
	}

	return []Event{FolderRenamed{Folder: c.Folder, Name: name, NameKey: c.NameKey}}, nil
}

// MoveFolder puts a folder under another parent.
type MoveFolder struct {
	Folder  domain.FolderID
	Version uint32
	Parent  domain.FolderID
}

func (MoveFolder) needs() domain.Parts { return withFolders() }

func (MoveFolder) leave(*State) Leave { return organising() }

func (c MoveFolder) decide(s *State) ([]Event, error) {
	f, err := s.own(c.Folder, c.Version)
	if err != nil || f.Parent == c.Parent {
		return nil, err
	}

	if err := s.mayHold(c.Parent); err != nil {
		return nil, err
	}

	for p := c.Parent; p != (domain.FolderID{}); p = s.allFolders()[p].Parent {
		if p == c.Folder {
			return nil, domain.Refuse(Cycle)
		}
	}

	if !s.freeName(c.Parent, c.Folder, f.NameKey) {
		return nil, domain.Refuse(NameTaken)
	}

	return []Event{FolderMoved{Folder: c.Folder, Parent: c.Parent}}, nil
}

// CheckFolder asks whether a folder is there and the caller's to change, at the version that they know.
type CheckFolder struct {
	Folder  domain.FolderID
	Version uint32
}

func (c CheckFolder) needs() domain.Parts { return withFolders() }

func (CheckFolder) leave(*State) Leave { return organising() }

func (c CheckFolder) decide(s *State) ([]Event, error) {
	_, err := s.own(c.Folder, c.Version)
	return nil, err
}

// DeleteFolder deletes a folder that holds no folder and no message that the acting platform shows.
type DeleteFolder struct {
	Folder   domain.FolderID
	Version  uint32
	Platform string
}

func (DeleteFolder) needs() domain.Parts { return domain.Parts{AllFolders: true, Counts: true} }

func (DeleteFolder) leave(*State) Leave { return Leave{Actions: []access.Action{access.DeleteFolder}} }

func (c DeleteFolder) decide(s *State) ([]Event, error) {
	f, err := s.own(c.Folder, c.Version)
	if err != nil {
		return nil, err
	}

	shown := s.count(Place{c.Folder, ""}).Total
	if c.Platform != "" {
		shown += s.count(Place{c.Folder, c.Platform}).Total
	}

	if shown > 0 {
		return nil, domain.Refuse(FolderNotEmpty)
	}

	for _, other := range s.allFolders() {
		if other.Version > 0 && other.Parent == c.Folder {
			return nil, domain.Refuse(FolderNotEmpty)
		}
	}

	return []Event{FolderDeleted{Folder: c.Folder, Leaf: f.Leaf}}, nil
}
