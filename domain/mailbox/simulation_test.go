package mailbox_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// The simulation plays random commands against a model that knows of each message only where it lies and whether it is
// read. Each command is decided on its needs, and each event evolved on what it touches, too.
func TestSimulation(t *testing.T) {
	rounds := 200
	if os.Getenv("LONG") != "" {
		rounds = 20_000
	}

	for round := range rounds {
		s := simulation{
			T: t, rng: rand.New(rand.NewPCG(uint64(round), 9)), seed: round,
			messages: map[domain.MessageID]*model{},
			folders:  map[domain.FolderID]bool{},
			state:    domain.Fold(mailbox.Decider, mailbox.Event(opened)),
		}

		for range 120 {
			s.play()
			s.compare()
		}
	}
}

// A model is what the simulation knows of a message.
type model struct {
	folder domain.FolderID
	read   bool
	gone   bool
}

type simulation struct {
	*testing.T
	rng        *rand.Rand
	seed, step int
	messages   map[domain.MessageID]*model
	folders    map[domain.FolderID]bool
	state      mailbox.State
}

// run runs a command, and compares how many events came of it, and why it was refused.
func (s *simulation) run(c mailbox.Command, want int, why domain.Reason) {
	s.Helper()

	o := order(c)
	if s.rng.IntN(8) == 0 { // of some: they cost more than the step itself
		needsAreEnough(s.T, s.state, o)
	}

	events, err := mailbox.Decider.Decide(s.state, o)
	if r, _ := domain.Refused(err); len(events) != want || r != why {
		s.Fatalf("seed %d, step %d: Decide(%+v) = %+v, %v; the model says %d events, %q",
			s.seed, s.step, c, events, err, want, why)
	}

	for _, e := range events {
		s.step++
		at := domain.Moment{Position: uint64(s.step), Recorded: noon, Type: e.EventType()}
		s.state = touchesAreEnough(s.T, s.state, e, at)
	}
}

// play plays a random command.
func (s *simulation) play() {
	s.Helper()

	m, f := domain.MessageID{byte(s.rng.IntN(8))}, domain.FolderID{1, byte(s.rng.IntN(4))}
	switch s.rng.IntN(6) {
	case 0:
		s.receive(m)
	case 1:
		s.mark(m, s.rng.IntN(2) == 0)
	case 2:
		s.move(m, f)
	case 3:
		s.delete(m)
	case 4:
		s.createFolder(f)
	case 5:
		s.deleteFolder(f)
	}
}

// alive gives a message that is there.
func (s *simulation) alive(m domain.MessageID) (*model, bool) {
	msg := s.messages[m]
	return msg, msg != nil && !msg.gone
}

func (s *simulation) receive(m domain.MessageID) {
	c := mailbox.Receive{Letter: letter(m, 0), At: noon}
	if s.messages[m] != nil {
		s.run(c, 0, mailbox.AlreadyReceived)
		return
	}

	s.run(c, 1, "")
	s.messages[m] = &model{folder: mailbox.Inbox}
}

func (s *simulation) mark(m domain.MessageID, read bool) {
	c := mailbox.MarkRead{Target: at(m), Read: read}
	switch msg, alive := s.alive(m); {
	case !alive:
		s.run(c, 0, mailbox.NoSuchMessage)
	case msg.read == read:
		s.run(c, 0, "")
	default:
		s.run(c, 1, "")
		msg.read = read
	}
}

func (s *simulation) move(m domain.MessageID, f domain.FolderID) {
	c := mailbox.Move{Target: at(m), To: f}
	switch msg, alive := s.alive(m); {
	case !alive:
		s.run(c, 0, mailbox.NoSuchMessage)
	case !s.folders[f]:
		s.run(c, 0, mailbox.FolderNotFound)
	case msg.folder == f:
		s.run(c, 0, "")
	default:
		s.run(c, 1, "")
		msg.folder = f
	}
}

func (s *simulation) delete(m domain.MessageID) {
	c := mailbox.Delete{Target: at(m)}
	msg, alive := s.alive(m)
	if !alive {
		s.run(c, 0, mailbox.NoSuchMessage)
		return
	}

	s.run(c, 1, "")
	msg.gone = msg.folder == mailbox.Deleted
	msg.folder = mailbox.Deleted
}

func (s *simulation) createFolder(f domain.FolderID) {
	c := newFolder(f, top, domain.UUID(f))
	if s.folders[f] {
		s.run(c, 0, mailbox.FolderTaken)
		return
	}

	s.run(c, 1, "")
	s.folders[f] = true
}

func (s *simulation) deleteFolder(f domain.FolderID) {
	c := mailbox.DeleteFolder{Folder: f, Platform: "app"}
	full := false
	for _, m := range s.messages {
		full = full || !m.gone && m.folder == f
	}

	switch {
	case !s.folders[f]:
		s.run(c, 0, mailbox.FolderNotFound)
	case full:
		s.run(c, 0, mailbox.FolderNotEmpty)
	default:
		s.run(c, 1, "")
		delete(s.folders, f)
	}
}

// compare compares the state with the model.
func (s *simulation) compare() {
	s.Helper()

	held := map[domain.FolderID]int{}
	for id, m := range s.messages {
		if m.gone {
			continue
		}

		held[m.folder]++
		if is := s.state.Message(id); is.Folder != m.folder || is.Read != m.read {
			s.Fatalf("seed %d, step %d: message %v is %+v, the model says %+v", s.seed, s.step, id, is, m)
		}
	}

	for p, n := range s.state.Held() {
		if n.Total != held[p.Folder] {
			s.Fatalf("seed %d, step %d: folder %v holds %+v, the model says %d",
				s.seed, s.step, p.Folder, n, held[p.Folder])
		}
	}
}
