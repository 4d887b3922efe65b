package mailbox_test

import (
	"reflect"
	"slices"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// partOf gives a state of just the parts that are asked for, taken from a whole one, as a view loads them: what is not
// there is loaded as that. The sender of private post that waits for its date comes with it.
func partOf(whole mailbox.State, parts domain.Parts) mailbox.State {
	var box mailbox.Box
	if parts.Box {
		box = whole.Box
	}

	s := mailbox.PartOf(box, whole.NextLeaf)
	for _, id := range messagesOf(whole, parts) {
		m := whole.Messages()[id]
		s.SetMessage(id, m)

		if m.Stage == mailbox.Scheduled && m.Audience != "" {
			setSender(&s, whole, m.Sender)
		}
	}

	for _, id := range parts.Folders {
		s.SetFolder(id, whole.Folders()[id])
	}

	for _, id := range parts.Grants {
		s.SetGrant(id, whole.Grants()[id])
	}

	for _, id := range parts.Senders {
		setSender(&s, whole, id)
	}

	setAll(&s, whole, parts)

	return s
}

// setAll loads the parts that are asked for altogether.
func setAll(s *mailbox.State, whole mailbox.State, parts domain.Parts) {
	if parts.AllFolders {
		there := map[domain.FolderID]mailbox.Folder{}
		for id, f := range whole.Folders() {
			if f.Version > 0 {
				there[id] = f
			}
		}
		s.SetFolders(there)
	}

	if parts.AllGrants {
		there := map[domain.GrantID]mailbox.Grant{}
		for id, g := range whole.Grants() {
			if !g.Ended() {
				there[id] = g
			}
		}
		s.SetGrants(there)
	}

	if parts.Counts {
		s.SetCounts(whole.Held())
	}
}

// messagesOf gives the messages among parts, those that lie in a folder with them.
func messagesOf(whole mailbox.State, parts domain.Parts) []domain.MessageID {
	ids := parts.Messages
	if parts.Within == (domain.FolderID{}) {
		return ids
	}

	for id, m := range whole.Messages() {
		if m.Stage == mailbox.Here && m.Folder == parts.Within {
			ids = append(ids, id)
		}
	}

	return ids
}

// setSender loads what was said to a sender.
func setSender(s *mailbox.State, whole mailbox.State, id domain.OrganisationID) {
	s.SetSender(id, saidTo(whole, id))
}

func saidTo(whole mailbox.State, id domain.OrganisationID) map[mailbox.PrivateSender]mailbox.SenderConsent {
	said := map[mailbox.PrivateSender]mailbox.SenderConsent{}
	for to, c := range whole.Senders() {
		if to.Organisation == id {
			said[to] = c
		}
	}

	return said
}

// none reports whether parts are no more than the mailbox's own row, which every command has.
func none(parts domain.Parts) bool { return reflect.DeepEqual(parts, domain.Parts{Box: true}) }

// without gives parts with one need left out, for each of them.
func without(parts domain.Parts) map[string]domain.Parts {
	out := map[string]domain.Parts{}
	leave := func(name string, needed bool, fn func(*domain.Parts)) {
		if needed {
			less := parts
			fn(&less)
			out[name] = less
		}
	}

	leave("messages", len(parts.Messages) > 0, func(p *domain.Parts) { p.Messages = nil })
	leave("folders", len(parts.Folders) > 0, func(p *domain.Parts) { p.Folders = nil })
	leave("grants", len(parts.Grants) > 0, func(p *domain.Parts) { p.Grants = nil })
	leave("senders", len(parts.Senders) > 0, func(p *domain.Parts) { p.Senders = nil })
	leave("all folders", parts.AllFolders, func(p *domain.Parts) { p.AllFolders = false })
	leave("all grants", parts.AllGrants, func(p *domain.Parts) { p.AllGrants = false })
	leave("counts", parts.Counts, func(p *domain.Parts) { p.Counts = false })

	return out
}

// A command that is decided on no more than it needs comes to what it comes to on the whole mailbox. With a need left
// out it is a fault, or it comes to the same; never to anything else. With all left out it is a fault.
func TestNeedsAreEnough(t *testing.T) {
	everyRow(t, func(t *testing.T, row scenario) {
		needsAreEnough(t, stateOf(row), row.Ordered(order))
	})
}

func needsAreEnough(t *testing.T, whole mailbox.State, o mailbox.Order) {
	t.Helper()

	needs := mailbox.Needs(o)
	want, wantErr := mailbox.Decider.Decide(whole, o)
	part := partOf(whole, needs)

	got, err := mailbox.Decider.Decide(part, o)
	if fault := part.Fault(); fault != nil {
		t.Fatalf("Decide(%+v) on its needs: fault %v, want none", o.Command, fault)
	}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
		t.Fatalf("Decide(%+v) on its needs = %+v, %v, want %+v, %v", o.Command, got, err, want, wantErr)
	}

	for what, less := range without(needs) {
		part := partOf(whole, less)
		got, err := mailbox.Decider.Decide(part, o)
		if part.Fault() != nil {
			faulty(t, "without "+what, o, got, err)
		} else if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
			t.Errorf("Decide(%+v) without %s = %+v, %v, want a fault, or %+v, %v",
				o.Command, what, got, err, want, wantErr)
		}
	}

	if wantErr == nil && !none(needs) {
		got, err := mailbox.Decider.Decide(partOf(whole, domain.Parts{Box: true}), o)
		faulty(t, "without its needs", o, got, err)
	}
}

// faulty fails the test unless a decision came to a fault, and to nothing else.
func faulty(t *testing.T, how string, o mailbox.Order, got []mailbox.Event, err error) {
	t.Helper()

	if _, refused := domain.Refused(err); err == nil || refused || len(got) != 0 {
		t.Errorf("Decide(%+v) %s = %+v, %v, want no events and a fault", o.Command, how, got, err)
	}
}

// An event that is evolved on no more than it touches changes that as it does in the whole mailbox, and changes nothing
// else there.
func TestTouchesAreEnough(t *testing.T) {
	everyRow(t, func(t *testing.T, row scenario) {
		state := mailbox.Decider.Initial()
		events := append(given(row.Given...), row.Then...)

		for i, e := range events {
			at := domain.Moment{Position: uint64(i + 1), Recorded: noon, Type: e.EventType()}
			if i < len(events)-20 { // of a crowd, which are all alike, the last are enough
				state = mailbox.Decider.Evolve(state, e, at)
				continue
			}
			state = touchesAreEnough(t, state, e, at)
		}
	})
}

// touchesAreEnough gives the state after an event.
func touchesAreEnough(t *testing.T, before mailbox.State, e mailbox.Event, at domain.Moment) mailbox.State {
	t.Helper()

	effect := e.Effect()
	touches := effect.Touches
	touches.Messages = messagesOf(before, touches)

	after := mailbox.Decider.Evolve(before.Clone(), e, at)
	part := mailbox.Decider.Evolve(partOf(before, effect.Touches), e, at)

	for _, s := range []mailbox.State{after, part} {
		if fault := s.Fault(); fault != nil {
			t.Fatalf("%s %+v: fault %v, want none", e.EventType(), e, fault)
		}
	}

	samePart(t, e, touches, part, after)
	sameElse(t, e, touches, before, after)
	countsFollow(t, e, after)

	if want := max(before.NextLeaf, effect.Begins+1); after.NextLeaf != want || part.NextLeaf != want {
		t.Errorf("%s %+v: next leaf %d, on parts %d, want %d",
			e.EventType(), e, after.NextLeaf, part.NextLeaf, want)
	}

	return after
}

// samePart compares what an event touches with what it came to in the whole mailbox.
func samePart(t *testing.T, e mailbox.Event, touches domain.Parts, part, after mailbox.State) {
	t.Helper()

	same := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s %+v on what it touches: %s = %+v, want %+v", e.EventType(), e, what, got, want)
		}
	}

	if touches.Box {
		same("box", part.Box, after.Box)
	} else {
		same("box that was not loaded", part.Box, mailbox.Box{})
	}

	for _, id := range touches.Messages {
		same("message "+id.String(), part.Messages()[id], after.Messages()[id])
	}

	for _, id := range touches.Folders {
		same("folder "+id.String(), part.Folders()[id], after.Folders()[id])
	}

	for _, id := range touches.Grants {
		same("grant "+id.String(), part.Grants()[id], after.Grants()[id])
	}

	for _, id := range touches.Senders {
		same("sender "+id.String(), saidTo(part, id), saidTo(after, id))
	}
}

// sameElse compares what an event does not touch with what it was.
func sameElse(t *testing.T, e mailbox.Event, touches domain.Parts, before, after mailbox.State) {
	t.Helper()

	if !touches.Box && !reflect.DeepEqual(before.Box, after.Box) {
		t.Errorf("%s %+v: box = %+v, want %+v: it is not touched", e.EventType(), e, after.Box, before.Box)
	}

	untouched(t, e, "message", touches.Messages, before.Messages(), after.Messages())
	untouched(t, e, "folder", touches.Folders, before.Folders(), after.Folders())
	untouched(t, e, "grant", touches.Grants, before.Grants(), after.Grants())

	for to, now := range after.Senders() {
		was, ok := before.Senders()[to]
		if !slices.Contains(touches.Senders, to.Organisation) && (!ok || was != now) {
			t.Errorf("%s %+v: sender %v = %+v, want %+v: it is not touched", e.EventType(), e, to, now, was)
		}
	}
}

func untouched[K comparable, V any](
	t *testing.T, e mailbox.Event, what string, touched []K, before, after map[K]V,
) {
	t.Helper()

	for id, now := range after {
		was, ok := before[id]
		if !slices.Contains(touched, id) && (!ok || !reflect.DeepEqual(was, now)) {
			t.Errorf("%s %+v: %s %v = %+v, want %+v: it is not touched", e.EventType(), e, what, id, now, was)
		}
	}

	for id := range before {
		if _, ok := after[id]; !ok {
			t.Errorf("%s %+v: %s %v is not there any more", e.EventType(), e, what, id)
		}
	}
}

// countsFollow counts a state's messages anew.
func countsFollow(t *testing.T, e mailbox.Event, s mailbox.State) {
	t.Helper()

	want := map[mailbox.Place]mailbox.Count{}
	for _, m := range s.Messages() {
		if m.Stage != mailbox.Here {
			continue
		}

		p := mailbox.Place{Folder: m.Folder, Audience: m.Audience}
		n := want[p]
		n.Total++
		if !m.Read {
			n.Unread++
		}
		want[p] = n
	}

	if !reflect.DeepEqual(s.Held(), want) {
		t.Errorf("%s %+v: counts = %+v, want %+v", e.EventType(), e, s.Held(), want)
	}
}

// States are values: who decides on one, or evolves a copy of it, leaves it as it was.
func TestStatesAreValues(t *testing.T) {
	everyRow(t, func(t *testing.T, row scenario) {
		state, want := stateOf(row), stateOf(row)
		o := row.Ordered(order)

		events, _ := mailbox.Decider.Decide(state, o)
		if !reflect.DeepEqual(state, want) {
			t.Fatalf("Decide(%+v) left the state as %+v, want %+v", o.Command, state, want)
		}

		copied := state.Clone()
		for _, e := range events {
			copied = mailbox.Decider.Evolve(copied, e, domain.Moment{Position: 99, Recorded: noon, Type: e.EventType()})
		}

		if !reflect.DeepEqual(state, want) {
			t.Errorf("%+v, evolved on a clone, left the state as %+v, want %+v", events, state, want)
		}
	})
}
