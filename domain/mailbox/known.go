package mailbox

import (
	"errors"
	"fmt"
	"maps"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Known are the things in a mailbox, all of them or those that were loaded. A thing that was not loaded never answers
// "not there": asking for it is a fault, which Decide gives in place of any outcome.
type Known struct {
	messages map[domain.MessageID]Message
	folders  map[domain.FolderID]Folder
	grants   map[domain.GrantID]Grant
	senders  map[PrivateSender]SenderConsent
	held     map[Place]Count

	loaded loaded
	fault  *fault // shared by copies
}

// loaded says which things are known, beside those that stand in the maps.
type loaded struct {
	whole, folders, grants, counts bool
	senders                        map[domain.OrganisationID]bool
}

// A fault is what was asked and could not be answered.
type fault struct{ err error }

// SetMessage loads a message; the zero one says that it is known not to be there. The same goes for the other setters.
func (k *Known) SetMessage(id domain.MessageID, m Message) { k.messages[id] = m }

// SetFolder loads a folder of the owner's own.
func (k *Known) SetFolder(id domain.FolderID, f Folder) { k.folders[id] = f }

// SetFolders loads all folders.
func (k *Known) SetFolders(all map[domain.FolderID]Folder) {
	maps.Copy(k.folders, all)
	k.loaded.folders = true
}

// SetGrant loads a grant or a request for one.
func (k *Known) SetGrant(id domain.GrantID, g Grant) { k.grants[id] = g }

// SetGrants loads all grants and requests that are not ended.
func (k *Known) SetGrants(open map[domain.GrantID]Grant) {
	maps.Copy(k.grants, open)
	k.loaded.grants = true
}

// SetSender loads what the owner has said to a sender, on every platform.
func (k *Known) SetSender(id domain.OrganisationID, said map[PrivateSender]SenderConsent) {
	maps.Copy(k.senders, said)
	k.loaded.senders[id] = true
}

// SetCounts loads all counts.
func (k *Known) SetCounts(all map[Place]Count) {
	maps.Copy(k.held, all)
	k.loaded.counts = true
}

// Has reports whether a message is loaded.
func (k *Known) Has(id domain.MessageID) bool {
	_, ok := k.messages[id]
	return ok || k.loaded.whole
}

// Fault gives what was asked of the state and was not loaded, or what an event changed that is not there; nil for
// nothing. It is for good.
func (k *Known) Fault() error { return k.fault.err }

func (k *Known) faultOr(err error) error {
	if k.fault.err != nil {
		return k.fault.err
	}

	return err
}

func (k *Known) miss(what string, id any) {
	k.fault.err = errors.Join(k.fault.err, fmt.Errorf("mailbox: %s %v", what, id))
}

// Message gives a message; the zero one if it never was.
func (k *Known) Message(id domain.MessageID) Message {
	m, ok := k.messages[id]
	if !ok && !k.loaded.whole {
		k.miss("message was not loaded:", id)
	}

	return m
}

// Messages are those that are loaded.
func (k *Known) Messages() map[domain.MessageID]Message { return k.messages }

// Folders are those that are loaded.
func (k *Known) Folders() map[domain.FolderID]Folder { return k.folders }

// Grants are those that are loaded.
func (k *Known) Grants() map[domain.GrantID]Grant { return k.grants }

// Senders are those that are loaded.
func (k *Known) Senders() map[PrivateSender]SenderConsent { return k.senders }

// Held are the counts, where they are loaded.
func (k *Known) Held() map[Place]Count { return k.held }

// folder gives a folder of the owner's own; false if there is none.
func (k *Known) folder(id domain.FolderID) (Folder, bool) {
	f, ok := k.folders[id]
	if !ok && !k.loaded.whole && !k.loaded.folders {
		k.miss("folder was not loaded:", id)
	}

	return f, ok && f.Version > 0
}

// allFolders gives the owner's own folders.
func (k *Known) allFolders() map[domain.FolderID]Folder {
	if !k.loaded.whole && !k.loaded.folders {
		k.miss("folders were not loaded", "")
	}

	return k.folders
}

// grant gives a grant or a request, ended or not; the zero one if it never was.
func (k *Known) grant(id domain.GrantID) Grant {
	g, ok := k.grants[id]
	if !ok && !k.loaded.whole {
		k.miss("grant was not loaded:", id)
	}

	return g
}

// openGrants gives grants and requests, those that were ended among them where they are loaded.
func (k *Known) openGrants() map[domain.GrantID]Grant {
	if !k.loaded.whole && !k.loaded.grants {
		k.miss("grants were not loaded", "")
	}

	return k.grants
}

// inForce gives the grants that were not ended; whether their time is over is for the clock to say.
func (k *Known) inForce() map[domain.GrantID]access.Grant {
	var out map[domain.GrantID]access.Grant

	for id, g := range k.openGrants() {
		if g.State != Granted {
			continue
		}

		if out == nil {
			out = map[domain.GrantID]access.Grant{}
		}
		out[id] = g.Grant
	}

	return out
}

// said gives what the owner has said to a private sender; false if they were never asked.
func (k *Known) said(to PrivateSender) (SenderConsent, bool) {
	if !k.loaded.whole && !k.loaded.senders[to.Organisation] {
		k.miss("sender was not loaded:", to.Organisation)
	}
	c, ok := k.senders[to]

	return c, ok
}

// count gives what lies in a place.
func (k *Known) count(p Place) Count {
	if !k.loaded.whole && !k.loaded.counts {
		k.miss("counts were not loaded", "")
	}

	return k.held[p]
}
