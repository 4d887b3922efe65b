package viewapi

import "digitalpost/adapters/backbone/messages"

// Marks are what people set on a message.
type Marks struct {
	Read bool   `json:"read"`
	Flag bool   `json:"flag"`
	Note string `json:"note"`
}

func marksOf(m messages.Message) Marks {
	return Marks{Read: m.Row.Read, Flag: m.Row.Flag, Note: m.Note}
}

// patchable are the fields of a message that a person can change, and bulkFields those of a change among many.
var (
	patchable  = []string{"read", "folderId", "flag", "note"}
	bulkFields = append([]string{"id", "version"}, patchable...)
)

func readPatch(r request, in map[string]rawJSON) (p messages.Patch, err error) {
	if p.Read, err = field[bool](in, "read", "must be true or false"); err != nil {
		return p, err
	}
	if p.Flag, err = field[bool](in, "flag", "must be true or false"); err != nil {
		return p, err
	}
	if p.Note, err = field[string](in, "note", "must be a text"); err != nil {
		return p, err
	}
	if p.Folder, err = idField(in, "folderId", r.box); err != nil {
		return p, err
	}
	return p, nil
}
