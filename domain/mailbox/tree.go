package mailbox

import (
	"strings"
	"unicode/utf8"

	"digitalpost/domain"
)

// The system folders are the same in every mailbox and can't be changed.
var (
	Inbox   = systemFolder(1)
	Drafts  = systemFolder(2)
	Sent    = systemFolder(3)
	Deleted = systemFolder(4)
)

// SystemFolders are in the order in which people see them.
var SystemFolders = []domain.FolderID{Inbox, Drafts, Sent, Deleted}

func systemFolder(n byte) (id domain.FolderID) { id[15] = n; return id }

// FolderType names a folder as platforms know it: INBOX, DRAFTS, SENT, DELETED, or USER_DEFINED.
func FolderType(id domain.FolderID) string {
	switch id {
	case Inbox:
		return "INBOX"
	case Drafts:
		return "DRAFTS"
	case Sent:
		return "SENT"
	case Deleted:
		return "DELETED"
	}

	return "USER_DEFINED"
}

// ShownFolder gives the id by which a folder is known outside: that of a system folder follows from its mailbox's.
func ShownFolder(box domain.MailboxID, f domain.FolderID) domain.FolderID {
	if IsSystem(f) {
		id := domain.FolderID(box)
		id[15] ^= f[15]

		return id
	}

	return f
}

// IsSystem reports whether a folder is one of the four.
func IsSystem(id domain.FolderID) bool {
	return id == Inbox || id == Drafts || id == Sent || id == Deleted
}

// exists reports whether messages can lie in a folder.
func (s *State) exists(id domain.FolderID) bool {
	if IsSystem(id) {
		return true
	}
	_, own := s.folder(id)

	return own
}

// freeName reports whether no sibling under parent but self has the name.
func (s *State) freeName(parent, self domain.FolderID, key domain.UUID) bool {
	for id, f := range s.allFolders() {
		if id != self && f.Version > 0 && f.Parent == parent && f.NameKey == key {
			return false
		}
	}

	return true
}

// mayHold refuses a parent under which no folder of a person's own may lie: it is at the top, under the inbox, or under
// another of their own.
func (s *State) mayHold(parent domain.FolderID) error {
	if parent == (domain.FolderID{}) || parent == Inbox {
		return nil
	}

	if IsSystem(parent) {
		return domain.Refuse(FolderNotAllowed)
	}

	if _, ok := s.folder(parent); !ok {
		return domain.Refuse(FolderNotFound)
	}

	return nil
}

// own gives a folder that a person may change, at the version that the caller knows (0: any).
func (s *State) own(id domain.FolderID, version uint32) (Folder, error) {
	if IsSystem(id) {
		return Folder{}, domain.Refuse(SystemFolder)
	}

	f, ok := s.folder(id)
	if !ok || s.Owner == "" {
		return f, domain.Refuse(FolderNotFound)
	}

	return f, domain.AtVersion(f.Version, version)
}

// JudgeName refuses a name that no folder may have: empty, over MaxName characters, or with characters
// that are not seen: see domain.Hidden.
func JudgeName(name string) error {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxName ||
		strings.ContainsFunc(name, domain.Hidden) {
		return domain.Refuse(NameNotAllowed)
	}

	return nil
}
