package mailbox_test

import (
	"digitalpost/domain/mailbox"
)

var moveRules = []scenario{
	{
		Name:  "move",
		Given: foldered,
		When:  mailbox.Move{Target: at(m1), To: f1},
		Then:  then(moved(m1, mailbox.Inbox, f1)),
	},
	{
		Name:  "move to where it is",
		Given: inF1,
		When:  mailbox.Move{Target: at(m1), To: f1},
	},
	{
		Name:  "two moves without a version: stream order decides [1]",
		Given: inF1,
		When:  mailbox.Move{Target: at(m1), To: mailbox.Inbox},
		Then:  then(moved(m1, f1, mailbox.Inbox)),
	},
	{
		Name:  "move what is not there",
		Given: foldered,
		When:  mailbox.Move{Target: at(m2), To: f1},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "move to a folder that is gone [26]",
		Given: foldered.and(folderDeleted(f1, 2)),
		When:  mailbox.Move{Target: at(m1), To: f1},
		Err:   refused(mailbox.FolderNotFound),
	},
	{
		Name:  "move into DRAFTS",
		Given: here,
		When:  mailbox.Move{Target: at(m1), To: mailbox.Drafts},
		Err:   refused(mailbox.FolderNotAllowed),
	},
	{
		Name:  "move into DELETED trashes",
		Given: inF1,
		When:  mailbox.Move{Target: at(m1), To: mailbox.Deleted},
		Then:  then(trashed(m1, f1)),
	},
	{
		Name:  "move into DELETED asks for the right to trash",
		Given: helped,
		When:  mailbox.Move{Target: at(m1), To: mailbox.Deleted},
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "move out of DELETED restores there",
		Given: inTrash,
		When:  mailbox.Move{Target: at(m1), To: mailbox.Inbox},
		Then:  then(mailbox.MessageRestored{Message: m1, To: mailbox.Inbox}),
	},
	{
		Name:  "move after purge [2]",
		Given: gone,
		When:  mailbox.Move{Target: at(m1), To: mailbox.Inbox},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "private post moved to the inbox with it",
		Given: private.and(folderDeleted(f1, 2)),
		When:  mailbox.Move{Target: mailbox.Target{Message: m1, Lens: eboks, Version: 3}, To: mailbox.Deleted},
		Then:  then(mailbox.MessageTrashed{Message: m1, From: mailbox.Inbox, Platform: "eboks"}),
	},
	{
		Name:  "delete trashes first",
		Given: here,
		When:  mailbox.Delete{Target: at(m1)},
		Then:  then(trashed(m1, mailbox.Inbox)),
	},
	{
		Name:  "delete purges what is trashed [33]",
		Given: inTrash,
		When:  mailbox.Delete{Target: at(m1)},
		Then:  then(purged(m1, 1)),
	},
	{
		Name:  "delete what is not there",
		Given: gone,
		When:  mailbox.Delete{Target: at(m1)},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "delete with a stale version",
		Given: inF1,
		When:  mailbox.Delete{Target: atVersion(m1, 1)},
		Err:   stale(2),
	},
	{
		Name:  "a delegate who may only read trashes",
		Given: helped,
		When:  mailbox.Delete{Target: at(m1)},
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "a delegate who may write trashes",
		Given: here.and(mayWrite),
		When:  mailbox.Delete{Target: at(m1)},
		Order: by(as(helper)),
		Then:  then(trashed(m1, mailbox.Inbox)),
	},
	{
		Name:  "a delegate who may write does not purge",
		Given: inTrash.and(mayWrite),
		When:  mailbox.Delete{Target: at(m1)},
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "private post in DELETED is not there for a delegate who does not see it",
		Given: private.and(mayWrite, mailbox.MessageTrashed{Message: m1, From: mailbox.Inbox, Platform: "eboks"}),
		When:  mailbox.Delete{Target: at(m1)},
		Order: by(as(helper)),
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "restore to the old folder",
		Given: inF1.and(trashed(m1, f1)),
		When:  mailbox.Restore{Target: at(m1)},
		Then:  then(mailbox.MessageRestored{Message: m1, To: f1}),
	},
	{
		Name:  "restore to the inbox if the old folder is gone [32]",
		Given: inF1.and(trashed(m1, f1), folderDeleted(f1, 2)),
		When:  mailbox.Restore{Target: at(m1)},
		Then:  then(mailbox.MessageRestored{Message: m1, To: mailbox.Inbox}),
	},
	{
		Name:  "restore what is not trashed",
		Given: here,
		When:  mailbox.Restore{Target: at(m1)},
		Err:   refused(mailbox.NotInTrash),
	},
	{
		Name:  "restore what is not there",
		Given: gone,
		When:  mailbox.Restore{Target: at(m1)},
		Err:   refused(mailbox.NoSuchMessage),
	},
}
