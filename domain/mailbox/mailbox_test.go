package mailbox_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

// books are the rule books of this package, by subject.
var books = map[string][]scenario{
	"mailbox":    mailboxRules,
	"messages":   messageRules,
	"marks":      markRules,
	"moves":      moveRules,
	"folders":    folderRules,
	"access":     accessRules,
	"exemption":  exemptionRules,
	"consents":   consentRules,
	"settings":   settingRules,
	"contacts":   contactRules,
	"notices":    noticeRules,
	"nemsms":     nemSMSRules,
	"life":       lifeRules,
	"visibility": visibilityRules,
	"drafts":     draftRules,
	"sending":    sendingRules,
	"handover":   handoverRules,
}

// judgements are the tables of what is judged from facts alone, by subject.
var judgements = map[string][]domaintest.Judgement{
	"folders": folderJudgements,
	"drafts":  draftJudgements,
	"sending": sendingJudgements,
}

// everyRow calls fn with each row of each book, as a subtest.
func everyRow(t *testing.T, fn func(*testing.T, scenario)) {
	t.Helper()

	for _, name := range slices.Sorted(maps.Keys(books)) {
		for _, row := range books[name] {
			t.Run(name+"/"+row.Name, func(t *testing.T) { fn(t, row) })
		}
	}
}

func TestRules(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(books)) {
		t.Run(name, func(t *testing.T) {
			domaintest.Run(t, mailbox.Decider, mailbox.Codec, order, books[name])
		})
	}
}

func TestJudgements(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(judgements)) {
		t.Run(name, func(t *testing.T) { domaintest.Judge(t, judgements[name]) })
	}
}

func TestEachReasonHasARow(t *testing.T) {
	var expected []domain.Reason
	for _, rows := range books {
		for _, row := range rows {
			if row.Err != nil {
				expected = append(expected, row.Err.Reason)
			}
		}
	}

	for _, rows := range judgements {
		for _, row := range rows {
			expected = append(expected, row.Want)
		}
	}

	domaintest.Reasons(t, mailbox.Reasons, expected, map[domain.Reason]string{
		mailbox.OwnerNotFound:    "whose mailbox is asked for is looked up before there is a stream to ask",
		mailbox.TooManyDocuments: "a draft's documents are sealed: who opens them counts them",
	})
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// noted is an order whose repeat must be known though it changes nothing.
func noted(c mailbox.Command) mailbox.Order {
	o := order(c)
	o.Noted = &mailbox.Unchanged{Message: m1}

	return o
}

var mailboxRules = []scenario{
	{
		Name: "a mailbox opens",
		When: mailbox.Open{Opened: opened},
		Then: then(opened),
	},
	{
		Name:  "a mailbox opens once",
		Given: open,
		When:  mailbox.Open{Opened: opened},
		Err:   refused(mailbox.AlreadyOpen),
	},
	{
		Name:  "nobody opens a mailbox of their own accord",
		When:  mailbox.Open{Opened: opened},
		Order: by(as(own)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name: "15 tomorrow [15]",
		When: mailbox.Open{Opened: opened, Born: day(2011, 3, 2), Today: day(2026, 3, 1)},
		Err:  refused(mailbox.UnderAge),
	},
	{
		Name: "15 today [15]",
		When: mailbox.Open{Opened: opened, Born: day(2011, 3, 1), Today: day(2026, 3, 1)},
		Then: then(opened),
	},
	{
		Name: "born on a leap day, 28 February [16]",
		When: mailbox.Open{Opened: opened, Born: day(2012, 2, 29), Today: day(2027, 2, 28)},
		Err:  refused(mailbox.UnderAge),
	},
	{
		Name: "born on a leap day, 1 March [16]",
		When: mailbox.Open{Opened: opened, Born: day(2012, 2, 29), Today: day(2027, 3, 1)},
		Then: then(opened),
	},
	{
		Name:  "leaves of a lost history are passed over",
		Given: here,
		When:  mailbox.PassLeaves{Leaf: 9},
		Then:  then(mailbox.LeavesPassed{Leaf: 9}),
	},
	{
		Name:  "they are passed over once",
		Given: here.and(mailbox.LeavesPassed{Leaf: 9}),
		When:  mailbox.PassLeaves{Leaf: 9},
	},
	{
		Name:  "shred",
		Given: here,
		When:  mailbox.Shred{},
		Then:  then(mailbox.Shredded{}),
	},
	{
		Name:  "shredded by an operator's right",
		Given: here,
		When:  mailbox.Shred{},
		Order: by(office(access.Operator)),
		Then:  then(mailbox.Shredded{}),
	},
	{
		Name:  "the owner does not shred",
		Given: here,
		When:  mailbox.Shred{},
		Order: by(as(own)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name: "shred what is not open",
		When: mailbox.Shred{},
		Err:  refused(mailbox.NotOpen),
	},
	{
		Name:  "nothing goes on after it",
		Given: here.and(mailbox.Shredded{}),
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "several fields are one append",
		Given: foldered,
		When: mailbox.All{
			mailbox.Move{Target: atVersion(m1, 1), To: f1},
			mailbox.MarkRead{Target: at(m1), Read: true},
		},
		Then: then(moved(m1, mailbox.Inbox, f1), read(m1)),
	},
	{
		Name:  "several fields, one refused: none",
		Given: here,
		When: mailbox.All{
			mailbox.MarkRead{Target: at(m1), Read: true},
			mailbox.Move{Target: at(m1), To: f3},
		},
		Err: refused(mailbox.FolderNotFound),
	},
	{
		Name:  "several fields ask for the right of each",
		Given: helped,
		When: mailbox.All{
			mailbox.MarkRead{Target: at(m1), Read: true},
			mailbox.Move{Target: at(m1), To: mailbox.Deleted},
		},
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "several fields ask for what each means once those before it are done",
		Given: here.and(mayWrite),
		When: mailbox.All{
			mailbox.Move{Target: at(m1), To: mailbox.Deleted},
			mailbox.Delete{Target: at(m1)},
		},
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "a person gives no command of a machine's among their own",
		Given: here,
		When: mailbox.All{
			mailbox.Receive{Letter: letter(m2, 0), At: noon},
			mailbox.MarkRead{Target: at(m1), Read: true},
		},
		Err: refused(mailbox.AccessLimited),
	},
	{
		Name:  "a machine gives none of a person's among its own",
		Given: here,
		When: mailbox.All{
			mailbox.Receive{Letter: letter(m2, 0), At: noon},
			mailbox.MarkRead{Target: at(m1), Read: true},
		},
		Order: by(machine(access.System)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "nothing at all is nobody's to ask",
		Given: here,
		When:  mailbox.All{},
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "a known command that changes nothing is noted [31]",
		Given: here,
		When:  mailbox.MarkRead{Target: at(m1)},
		Order: noted,
		Then:  then(mailbox.Unchanged{Message: m1}),
	},
	{
		Name:  "a known command that changes something is not",
		Given: here,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Order: noted,
		Then:  then(read(m1)),
	},
	{
		Name:  "a known command that is refused is not",
		Given: here,
		When:  mailbox.MarkRead{Target: at(m2), Read: true},
		Order: noted,
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "many at once",
		Given: here,
		When: mailbox.Each{
			mailbox.MarkRead{Target: at(m1), Read: true},
			mailbox.Delete{Target: at(m1)},
		},
		Then: then(read(m1), trashed(m1, mailbox.Inbox)),
	},
}

// Of commands in bulk each is decided on what those before it have left; who is refused is told why, and holds up
// nobody.
func TestEach(t *testing.T) {
	state := domain.Fold(mailbox.Decider, here.and(deliveredOn("eboks", m2, 2))...)
	each := mailbox.Each{
		mailbox.MarkRead{Target: at(m1), Read: true},
		mailbox.MarkRead{Target: at(m2), Read: true},
		mailbox.MarkRead{Target: at(domain.MessageID{9}), Read: true},
		mailbox.Delete{Target: atVersion(m1, 2)},
		mailbox.Delete{Target: atVersion(m1, 2)},
	}

	got, err := mailbox.Decider.Decide(state, order(each))
	if want := then(read(m1), trashed(m1, mailbox.Inbox)); !slices.Equal(got, want) {
		t.Errorf("Decide = %+v, %v, want %+v", got, err, want)
	}

	wantRefused(t, err, "", mailbox.NoSuchMessage, mailbox.NoSuchMessage, "", mailbox.StaleVersion)
}

// Of commands in bulk each asks for its own right, as it is once those before it are done.
func TestEachAsksForEachRight(t *testing.T) {
	state := domain.Fold(mailbox.Decider, here.and(delivered(m2, 2), mayWrite)...)
	each := mailbox.Each{
		mailbox.Delete{Target: at(m1)},
		mailbox.Delete{Target: at(m1)}, // it lies in DELETED by now: this is for good
		mailbox.Receive{Letter: letter(domain.MessageID{3}, 0), At: noon},
		mailbox.Delete{Target: at(m2)},
	}

	got, err := mailbox.Decider.Decide(state, by(as(helper))(each))
	if want := then(trashed(m1, mailbox.Inbox), trashed(m2, mailbox.Inbox)); !slices.Equal(got, want) {
		t.Errorf("Decide = %+v, %v, want %+v", got, err, want)
	}

	wantRefused(t, err, "", mailbox.AccessLimited, mailbox.AccessLimited, "")
}

// wantRefused compares what came of each command of an Each.
func wantRefused(t *testing.T, err error, want ...domain.Reason) {
	t.Helper()

	partly, ok := err.(*domain.Partly)
	if !ok || !partly.Any || len(partly.Refused) != len(want) {
		t.Fatalf("error = %+v, want a *domain.Partly of %d commands", err, len(want))
	}

	for i, want := range want {
		if r, _ := domain.Refused(partly.Refused[i]); r != want {
			t.Errorf("command %d: error = %v, want %q", i+1, partly.Refused[i], want)
		}
	}
}
