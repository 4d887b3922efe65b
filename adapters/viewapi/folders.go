package viewapi

import (
	"bytes"
	"net/http"
	"sort"
	"strings"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/folders"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
)

// folderHandlers serve a mailbox's folders.
type folderHandlers struct{ *api }

func (a folderHandlers) register(r routes) {
	r.list("GET", "mailboxes/{box}/folders", a.folders)
	r.list("POST", "mailboxes/{box}/folders", a.createFolder)
	r.list("GET", "mailboxes/{box}/folders/summary", a.summary)
	r.one("GET", "mailboxes/{box}/folders/{folder}", a.folder)
	r.one("PUT", "mailboxes/{box}/folders/{folder}", a.changeFolder)
	r.one("DELETE", "mailboxes/{box}/folders/{folder}", a.deleteFolder)
}

// list gives the folders, system folders first and the rest by name.
func (a folderHandlers) list(r request, latest bool) ([]folders.Folder, error) {
	all, err := a.b.Folders.All(r.Context(), r.p, r.box, latest)
	sort.SliceStable(all, func(i, j int) bool {
		if si, sj := all[i].Type != "USER_DEFINED", all[j].Type != "USER_DEFINED"; si || sj {
			return si && !sj
		}
		if a, b := strings.ToLower(all[i].Name), strings.ToLower(all[j].Name); a != b {
			return a < b
		}

		return bytes.Compare(all[i].ID[:], all[j].ID[:]) < 0
	})
	return all, err
}

func (a folderHandlers) folders(w http.ResponseWriter, r request) error {
	all, err := a.list(r, false)
	if err != nil {
		return err
	}
	var shown []Folder
	for _, f := range all {
		shown = append(shown, folderOf(r.box, f))
	}
	result := func(p Page, some Listed[Folder]) any { return FolderSearchResult{p, some} }
	return paged(w, r, shown, result)
}

func (a folderHandlers) summary(w http.ResponseWriter, r request) error {
	all, err := a.list(r, true)
	if err != nil {
		return err
	}
	shown := []FolderMessageSummary{}
	for _, f := range all {
		shown = append(shown, summaryOf(r.box, f))
	}
	problem.JSON(w, http.StatusOK, FolderMessageSummaryResult{shown})
	return nil
}

func (a folderHandlers) folder(w http.ResponseWriter, r request) error {
	id, err := pathID(r, "folder")
	if err != nil {
		return err
	}

	all, err := a.list(r, false)
	if err != nil {
		return err
	}

	for _, f := range all {
		if f.ID == readFolder(r.box, id) {
			problem.Versioned(w, http.StatusOK, f.Row.Version, folderOf(r.box, f))
			return nil
		}
	}

	return core.ErrNotFound
}

// readOnly are fields of a Folder that clients send back as they got them; they are not looked at.
var readOnly = []string{
	"id", "version", "transactionId", "createdDateTime", "lastUpdated", "mailboxId", "folderType"}

func (a folderHandlers) createFolder(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	in, err := fields(r, append([]string{"name", "parentFolderId"}, readOnly...)...)
	if err != nil {
		return err
	}

	name, err := field[string](in, "name", "must be the folder's name")
	if err != nil {
		return err
	}

	if name == nil {
		return problem.BadField("name", "field.missing", "is required")
	}

	parent, err := parentOf(in, r.box)
	if err != nil {
		return err
	}

	if parent == nil {
		parent = &domain.FolderID{}
	}

	ask.Version = 0
	f, at, err := a.b.Folders.Create(r.Context(), ask, *name, *parent)
	if err != nil {
		return err
	}

	a.position(w, at)
	problem.Versioned(w, http.StatusCreated, f.Row.Version, folderOf(r.box, f))
	return nil
}

// parentOf reads parentFolderId; null is the top.
func parentOf(in map[string]rawJSON, box domain.MailboxID) (*domain.FolderID, error) {
	if string(in["parentFolderId"]) == "null" {
		return &domain.FolderID{}, nil
	}
	return idField(in, "parentFolderId", box)
}

func (a folderHandlers) changeFolder(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "folder")
	if err != nil {
		return err
	}

	in, err := fields(r, append([]string{"name", "parentFolderId"}, readOnly...)...)
	if err != nil {
		return err
	}

	name, err := field[string](in, "name", "must be the folder's name")
	if err != nil {
		return err
	}

	parent, err := parentOf(in, r.box)
	if err != nil {
		return err
	}

	to := folders.Change{Name: name, Parent: parent}
	f, at, err := a.b.Folders.Change(r.Context(), ask, readFolder(r.box, id), to)
	if err != nil {
		return missing(err)
	}

	a.position(w, at)
	problem.Versioned(w, http.StatusOK, f.Row.Version, folderOf(r.box, f))
	return nil
}

func (a folderHandlers) deleteFolder(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "folder")
	if err != nil {
		return err
	}
	at, err := a.b.Folders.Delete(r.Context(), ask, readFolder(r.box, id))
	if err != nil {
		return missing(err)
	}
	a.position(w, at)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
