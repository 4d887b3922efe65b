package mailbox

import "digitalpost/domain"

// FolderCreated records a new folder.
type FolderCreated struct {
	Folder  domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Parent  domain.FolderID `cbor:"2,keyasint" json:"parent"`
	Leaf    uint32          `cbor:"3,keyasint" json:"leaf"`
	Name    domain.Sealed   `cbor:"4,keyasint" json:"name"`
	NameKey domain.UUID     `cbor:"5,keyasint" json:"nameKey"`
}

// FolderRenamed records a folder's new name.
type FolderRenamed struct {
	Folder  domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Name    domain.Sealed   `cbor:"2,keyasint" json:"name"`
	NameKey domain.UUID     `cbor:"3,keyasint" json:"nameKey"`
}

// FolderMoved records a folder's new parent.
type FolderMoved struct {
	Folder domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Parent domain.FolderID `cbor:"2,keyasint" json:"parent"`
}

// FolderDeleted records that a folder is gone. Private post that the acting platform does not show may have lain in it; it lies in the
// inbox from then on.
type FolderDeleted struct {
	Folder domain.FolderID `cbor:"1,keyasint" json:"folder"`
	Leaf   uint32          `cbor:"2,keyasint" json:"leaf"`
}

func (FolderCreated) EventType() string { return "mailbox.folder-created" }
func (FolderRenamed) EventType() string { return "mailbox.folder-renamed" }
func (FolderMoved) EventType() string   { return "mailbox.folder-moved" }
func (FolderDeleted) EventType() string { return "mailbox.folder-deleted" }

func (e FolderCreated) evolve(s *State) {
	s.NextLeaf = max(s.NextLeaf, e.Leaf+1)
	s.Folders[e.Folder] = Folder{Parent: e.Parent, NameKey: e.NameKey, Leaf: e.Leaf, Version: 1}
}

func (e FolderRenamed) evolve(s *State) {
	f := s.Folders[e.Folder]
	f.NameKey = e.NameKey
	f.Version++
	s.Folders[e.Folder] = f
}

func (e FolderMoved) evolve(s *State) {
	f := s.Folders[e.Folder]
	f.Parent = e.Parent
	f.Version++
	s.Folders[e.Folder] = f
}

func (e FolderDeleted) evolve(s *State) {
	delete(s.Folders, e.Folder)
	for p, n := range s.Held {
		if p.Folder == e.Folder {
			delete(s.Held, p)
			s.Held[Place{Inbox, p.Platform}] += n
		}
	}
	for id, m := range s.Messages {
		if m.Stage == Here && m.Folder == e.Folder {
			m.Folder = Inbox
			m.Version++
			s.Messages[id] = m
		}
	}
}

// freeName tells whether no sibling under parent but self has the name.
func (s State) freeName(parent, self domain.FolderID, key domain.UUID) bool {
	for id, f := range s.Folders {
		if id != self && f.Parent == parent && f.NameKey == key {
			return false
		}
	}
	return true
}

// mayHold tells whether a folder of a person's own may lie under parent: at the top, under the inbox, or under another of their own.
func (s State) mayHold(parent domain.FolderID) error {
	if parent == (domain.FolderID{}) || parent == Inbox {
		return nil
	}
	if IsSystem(parent) {
		return domain.Refuse(FolderNotAllowed)
	}
	if _, ok := s.Folders[parent]; !ok {
		return domain.Refuse(FolderNotFound)
	}
	return nil
}

// own gives a folder that a person may change, at the version that the caller knows (0: any).
func (s State) own(id domain.FolderID, version uint32) (Folder, error) {
	if IsSystem(id) {
		return Folder{}, domain.Refuse(SystemFolder)
	}
	f, ok := s.Folders[id]
	if !ok || s.Owner == "" {
		return f, domain.Refuse(FolderNotFound)
	}
	if version != 0 && version != f.Version {
		return f, &domain.Rejection{Reason: StaleVersion, Version: f.Version}
	}
	return f, nil
}

// CreateFolder makes a folder.
type CreateFolder struct{ Created FolderCreated }

func (c CreateFolder) decide(s State) ([]Event, error) {
	e := c.Created
	if err := s.mayHold(e.Parent); err != nil {
		return nil, err
	}
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.exists(e.Folder):
		return nil, domain.Refuse(FolderTaken)
	case len(s.Folders) >= MaxFolders:
		return nil, domain.Refuse(TooManyFolders)
	case !s.freeName(e.Parent, e.Folder, e.NameKey):
		return nil, domain.Refuse(NameTaken)
	case e.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	}
	return []Event{e}, nil
}

// RenameFolder gives a folder another name. The same folded name in another spelling is another name.
type RenameFolder struct {
	Folder  domain.FolderID
	Version uint32 // the version that the caller knows; 0: any
	Name    domain.Sealed
	NameKey domain.UUID
	Same    bool // the spelling is the one it has
}

func (c RenameFolder) decide(s State) ([]Event, error) {
	f, err := s.own(c.Folder, c.Version)
	switch {
	case err != nil || c.Same:
		return nil, err
	case !s.freeName(f.Parent, c.Folder, c.NameKey):
		return nil, domain.Refuse(NameTaken)
	}
	return []Event{FolderRenamed{Folder: c.Folder, Name: c.Name, NameKey: c.NameKey}}, nil
}

// MoveFolder puts a folder under another parent.
type MoveFolder struct {
	Folder  domain.FolderID
	Version uint32
	Parent  domain.FolderID
}

func (c MoveFolder) decide(s State) ([]Event, error) {
	f, err := s.own(c.Folder, c.Version)
	if err != nil || f.Parent == c.Parent {
		return nil, err
	}
	if err := s.mayHold(c.Parent); err != nil {
		return nil, err
	}
	for p := c.Parent; p != (domain.FolderID{}); p = s.Folders[p].Parent {
		if p == c.Folder {
			return nil, domain.Refuse(Cycle)
		}
	}
	if !s.freeName(c.Parent, c.Folder, f.NameKey) {
		return nil, domain.Refuse(NameTaken)
	}
	return []Event{FolderMoved{Folder: c.Folder, Parent: c.Parent}}, nil
}

// DeleteFolder deletes a folder that holds no folder and no message that the acting platform shows.
type DeleteFolder struct {
	Folder   domain.FolderID
	Version  uint32
	Platform string
}

func (c DeleteFolder) decide(s State) ([]Event, error) {
	f, err := s.own(c.Folder, c.Version)
	if err != nil {
		return nil, err
	}
	if s.Held[Place{c.Folder, ""}] > 0 || c.Platform != "" && s.Held[Place{c.Folder, c.Platform}] > 0 {
		return nil, domain.Refuse(FolderNotEmpty)
	}
	for _, other := range s.Folders {
		if other.Parent == c.Folder {
			return nil, domain.Refuse(FolderNotEmpty)
		}
	}
	return []Event{FolderDeleted{Folder: c.Folder, Leaf: f.Leaf}}, nil
}
