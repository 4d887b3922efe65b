// Package folders is the folders of a mailbox: those of the system, and a person's own.
package folders

import (
	"context"
	"errors"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// A Folder is a folder as its owner sees it.
type Folder struct {
	ID     domain.FolderID
	Parent domain.FolderID
	Type   string // INBOX, DRAFTS, SENT, DELETED or USER_DEFINED
	Name   string
	Count  mailbox.Count
	Row    mailbox.Folder
	Latest time.Time // arrival of the newest message, where that was asked for; zero for none
}

// Folders shows and changes them. It may be used by many goroutines at once.
type Folders struct{ core *core.Core }

// New makes one.
func New(c *core.Core) *Folders { return &Folders{c} }

// All gives a mailbox's folders with their counts, system folders first; and, if latest is asked for, when the newest
// message in each arrived, which reads the last row of each.
func (f *Folders) All(ctx context.Context, p access.Principal, box domain.MailboxID, latest bool) ([]Folder, error) {
	v, err := f.core.Enter(ctx, p, box, access.List)
	if err != nil {
		return nil, err
	}
	defer v.Close()

	return f.in(v, latest)
}

func (f *Folders) in(v *core.Visit, latest bool) (out []Folder, err error) {
	rows, err := v.View.Folders(v.Mailbox)
	if err != nil {
		return nil, err
	}

	box, ok, err := v.View.Mailbox(v.Mailbox)
	if err == nil && !ok {
		err = core.ErrNotFound
	}

	if err != nil {
		return nil, err
	}

	since := mailbox.FolderShown{At: box.Shown.At, Last: box.Shown.At}
	for _, id := range mailbox.SystemFolders {
		row := mailbox.Folder{Version: 1, Shown: since}
		out = append(out, Folder{ID: id, Type: mailbox.FolderType(id), Name: mailbox.FolderType(id), Row: row})
	}

	for id, row := range rows {
		shown, err := f.show(v.Mailbox, id, row)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}

	if v.Lens.NoPublic {
		out, err = f.withPost(v, out)
		if err != nil {
			return nil, err
		}
	}

	for i := range out {
		if out[i].Count, err = v.View.Count(v.Mailbox, out[i].ID, v.Lens); err != nil {
			return nil, err
		}

		if !latest {
			continue
		}

		if out[i].Latest, err = v.View.Latest(v.Mailbox, out[i].ID, v.Lens); err != nil {
			return nil, err
		}
	}

	return out, nil
}

// withPost leaves out the owner's folders in which nothing is shown: on a platform that shows no public post, that
// there are such folders, and what they are called, is not shown either.
func (f *Folders) withPost(v *core.Visit, all []Folder) (out []Folder, err error) {
	for _, one := range all {
		n, err := v.View.Count(v.Mailbox, one.ID, v.Lens)
		if err != nil {
			return nil, err
		}

		if mailbox.IsSystem(one.ID) || n.Total > 0 {
			out = append(out, one)
		}
	}

	return out, nil
}

// show unseals a folder of a person's own.
func (f *Folders) show(box domain.MailboxID, id domain.FolderID, row mailbox.Folder) (Folder, error) {
	name, err := f.core.Opened(box, row.Leaf, row.Shown.Sealed, "name", row.Shown.Name)
	return Folder{ID: id, Parent: row.Parent, Type: mailbox.FolderType(id), Name: string(name), Row: row}, err
}

// nameKey gives the keyed hash by which names are compared.
func (f *Folders) nameKey(box domain.MailboxID, name string) (domain.UUID, error) {
	k, err := f.core.Key(box, 0)
	if err != nil {
		return domain.UUID{}, err
	}

	return k.Hash("folder name", text.FoldName(name)), nil
}

// creation is the request to make a folder.
type creation struct {
	Name   string
	Parent domain.FolderID
}

// Create makes a folder, and gives it.
func (f *Folders) Create(
	ctx context.Context, ask core.Ask, name string, parent domain.FolderID,
) (Folder, eventstore.Position, error) {
	a, err := f.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Organise)
	if err != nil {
		return Folder{}, 0, err
	}

	name = text.Name(name)
	id := domain.FolderID(f.core.ID(ask, "folder"))
	e := mailbox.FolderCreated{Folder: id, Parent: parent}
	if e.NameKey, err = f.nameKey(ask.Mailbox, name); err != nil {
		return Folder{}, 0, err
	}

	done, err := f.core.Execute(ctx, a, ask.OfFolder(creation{name, parent}, id), mailbox.CreateFolder{
		Created: e, Name: name, Seal: f.core.Sealing(ask.Mailbox, e, "name", []byte(name)),
	})

	return f.after(a, id, done, err)
}

// after gives a folder as a command left it: as it is now, or, for a repeat, as it was then.
func (f *Folders) after(
	a core.Admission, id domain.FolderID, done core.Done, err error,
) (Folder, eventstore.Position, error) {
	if err != nil {
		return Folder{}, 0, err
	}

	if done.Repeat != nil {
		shown, err := f.show(a.Mailbox, id, done.Repeat.FolderAs)
		if errors.Is(err, vault.ErrForgotten) { // it was deleted since, and its name with it
			err = core.ErrNotFound
		}

		return shown, done.Position, err
	}

	a.Action = access.List
	v, err := f.core.Return(a)
	if err != nil {
		return Folder{}, done.Position, err
	}
	defer v.Close()

	row, ok, err := v.View.Folder(a.Mailbox, id)
	if err == nil && !ok {
		err = core.ErrNotFound
	}

	if err != nil {
		return Folder{}, done.Position, err
	}

	shown, err := f.show(a.Mailbox, id, row)
	if err == nil {
		shown.Count, err = v.View.Count(a.Mailbox, id, v.Lens)
	}

	return shown, done.Position, err
}

// A Change is what a person changes of a folder; nil fields stay.
type Change struct {
	Name   *string
	Parent *domain.FolderID
}

// Change renames a folder, moves it, or both, in one append.
func (f *Folders) Change(
	ctx context.Context, ask core.Ask, id domain.FolderID, to Change,
) (Folder, eventstore.Position, error) {
	a, err := f.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Organise)
	if err != nil {
		return Folder{}, 0, err
	}

	all, version := mailbox.All{}, ask.Version
	if to.Parent != nil {
		all = append(all, mailbox.MoveFolder{Folder: id, Version: version, Parent: *to.Parent})
		version = 0
	}

	if to.Name != nil {
		rename, err := f.renaming(ask.Mailbox, id, version, text.Name(*to.Name))
		if err != nil {
			return Folder{}, 0, err
		}
		all = append(all, rename)
	}

	var cmd mailbox.Command = all
	if len(all) == 0 { // nothing is asked for, but the folder must be there, at the version
		cmd = mailbox.CheckFolder{Folder: id, Version: version}
	}
	done, err := f.core.Execute(ctx, a, ask.OfFolder(to, id), cmd)

	return f.after(a, id, done, err)
}

func (f *Folders) renaming(
	box domain.MailboxID, id domain.FolderID, version uint32, name string,
) (mailbox.Command, error) {
	key, err := f.nameKey(box, name)
	if err != nil {
		return nil, err
	}

	return mailbox.RenameFolder{
		Folder: id, Version: version, NameKey: key, Name: name,
		Seal: f.core.Sealing(box, mailbox.FolderRenamed{}, "name", []byte(name)),
		Same: func(row mailbox.Folder) (bool, error) {
			shown, err := f.show(box, id, row)
			return shown.Name == name, err
		},
	}, nil
}

// deletion is the request to delete a folder.
type deletion struct{ Folder domain.FolderID }

// Delete deletes a folder that looks empty on the platform. When it returns, its name is forgotten.
func (f *Folders) Delete(ctx context.Context, ask core.Ask, id domain.FolderID) (eventstore.Position, error) {
	a, err := f.core.Admit(ctx, ask.Principal, ask.Mailbox, access.DeleteFolder)
	if err != nil {
		return 0, err
	}

	done, err := f.core.Execute(ctx, a, ask.OfFolder(deletion{id}, id), mailbox.DeleteFolder{
		Folder: id, Version: ask.Version, Platform: a.Lens.Private,
	})

	return done.Position, err
}
