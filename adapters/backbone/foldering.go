package backbone

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// foldName gives the form in which folder names are compared: NFC, case folded, white space trimmed. "Aa" is not "Å".
func foldName(s string) string { return Fold(strings.TrimSpace(s)) }

func checkName(s string) (string, error) {
	s = norm.NFC.String(strings.TrimSpace(s))
	if s == "" || utf8.RuneCountInString(s) > maxName || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) || !utf8.ValidString(s) {
		return "", domain.Refuse(NameNotAllowed)
	}
	return s, nil
}

func (b *Backbone) nameKey(id domain.MailboxID, name string) (domain.UUID, error) {
	k, err := b.vault.Key(vault.Owner(id), 0)
	if err != nil {
		return domain.UUID{}, err
	}
	return k.Hash("folder name", foldName(name)), nil
}

// CreateFolder makes a folder.
func (b *Backbone) CreateFolder(ctx context.Context, a Ask, name string, parent domain.FolderID) (Folder, eventstore.Position, error) {
	name, err := checkName(name)
	if err != nil {
		return Folder{}, 0, err
	}
	nameKey, err := b.nameKey(a.Mailbox, name)
	if err != nil {
		return Folder{}, 0, err
	}
	id := domain.FolderID(b.newID())
	if a.Key != "" {
		who := identityOf(a.Principal)
		id = domain.DeriveID("folder", a.Mailbox[:], who[:], []byte(a.Platform), []byte(a.Key))
	}
	e := mailbox.FolderCreated{Folder: id, Parent: parent, NameKey: nameKey}
	first, at, err := b.run(ctx, &a, access.Organise, domain.MessageID{}, id, fmt.Sprintf("create %q %s", name, parent), func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		e.Leaf = s.NextLeaf
		k, err := b.vault.Key(vault.Owner(a.Mailbox), e.Leaf)
		if err != nil {
			return nil, nil, err
		}
		e.Name = k.Seal(e.EventType(), "name", []byte(name))
		return mailbox.CreateFolder{Created: e}, nil, nil
	})
	if err != nil {
		return Folder{}, 0, err
	}
	return b.afterFolder(ctx, a, id, first, at)
}

func (b *Backbone) afterFolder(ctx context.Context, a Ask, id domain.FolderID, first *projections.Result, at eventstore.Position) (Folder, eventstore.Position, error) {
	if first != nil {
		f, err := b.showFolder(a.Mailbox, id, first.FolderAs)
		return f, at, err
	}
	all, err := b.Folders(ctx, a.Principal, a.Mailbox, false)
	for _, f := range all {
		if f.ID == id {
			return f, at, nil
		}
	}
	if err == nil {
		err = ErrNotFound
	}
	return Folder{}, at, err
}

// ChangeFolder renames a folder, moves it, or both, in one append; nil fields stay.
func (b *Backbone) ChangeFolder(ctx context.Context, a Ask, id domain.FolderID, name *string, parent *domain.FolderID) (Folder, eventstore.Position, error) {
	var nameKey domain.UUID
	if name != nil {
		n, err := checkName(*name)
		if err != nil {
			return Folder{}, 0, err
		}
		name = &n
		if nameKey, err = b.nameKey(a.Mailbox, n); err != nil {
			return Folder{}, 0, err
		}
	}
	first, at, err := b.run(ctx, &a, access.Organise, domain.MessageID{}, id, "change "+words(name)+" "+words(parent), func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		all, version := mailbox.All{}, a.Version
		if parent != nil {
			all = append(all, mailbox.MoveFolder{Folder: id, Version: version, Parent: *parent})
			version = 0
		}
		if name != nil {
			c := mailbox.RenameFolder{Folder: id, Version: version, NameKey: nameKey}
			if f, ok := s.Folders[id]; ok {
				k, err := b.vault.Key(vault.Owner(a.Mailbox), f.Leaf)
				if err != nil {
					return nil, nil, err
				}
				c.Name = k.Seal(mailbox.FolderRenamed{}.EventType(), "name", []byte(*name))
				if c.Same, err = b.sameName(a.Mailbox, id, *name); err != nil {
					return nil, nil, err
				}
			}
			all = append(all, c)
		}
		if len(all) == 0 {
			all = append(all, mailbox.RenameFolder{Folder: id, Version: version, Same: true})
		}
		return all, nil, nil
	})
	if err != nil {
		return Folder{}, 0, err
	}
	return b.afterFolder(ctx, a, id, first, at)
}

func (b *Backbone) sameName(box domain.MailboxID, id domain.FolderID, name string) (bool, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return false, err
	}
	defer s.Close()
	rows, err := s.Folders(box)
	if err != nil {
		return false, err
	}
	r, ok := rows[id]
	if !ok {
		return false, nil
	}
	f, err := b.showFolder(box, id, r)
	return f.Name == name, err
}

// DeleteFolder deletes a folder that looks empty on the platform.
func (b *Backbone) DeleteFolder(ctx context.Context, a Ask, id domain.FolderID) (eventstore.Position, error) {
	_, at, err := b.run(ctx, &a, access.DeleteFolder, domain.MessageID{}, id, "delete folder", func(mailbox.State) (mailbox.Command, []access.Action, error) {
		return mailbox.DeleteFolder{Folder: id, Version: a.Version, Platform: a.by.lens.Private}, nil, nil
	})
	if err != nil {
		return 0, err
	}
	return at, b.waitForgotten(ctx, at)
}
