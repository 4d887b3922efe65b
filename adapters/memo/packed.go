package memo

import (
	"fmt"
	"strings"
)

// A Packed is a MeMo's outline as a list keeps it: its elements in the order of their beginnings, in parallel lists. It
// is small, and quick to read by the thousand.
type Packed struct {
	_        struct{} `cbor:",toarray"`
	Version  int
	Names    []byte   // of each element: its place in packedNames
	Children []byte   // of each element: how many it has; at most 255
	Texts    []string // of each element
	Sizes    []int64  // of the content elements, in their order: bytes of the file
}

// packedNames are the elements that a packed outline may have. What is stored names their places: they stay as they
// are, and more come at the end.
var packedNames = strings.Fields(`Message MessageHeader messageType messageUUID messageID messageCode label notification
	additionalNotification reply replyByDateTime doNotDeliverUntilDate mandatory legalNotification postType Sender
	Recipient ForwardData senderID recipientID idType idTypeLabel ContactPoint contactPointID contactGroup
	Representative representativeID MessageBody createdDateTime MainDocument AdditionalDocument TechnicalDocument
	mainDocumentID additionalDocumentID technicalDocumentID File encodingFormat filename language content
	originalMessageDateTime originalSender comment originalContentResponsible originalRepresentative
	ReplyData replyUUID caseID generatingSystemID AdditionalReplyData value
	Action actionCode startDateTime endDateTime EntryPoint url Reservation description reservationUUID abstract location
	organizerMail organizerName`)

var packedPlaces = func() map[string]byte {
	out := map[string]byte{}
	for i, name := range packedNames {
		out[name] = byte(i)
	}
	return out
}()

// Pack packs an outline whose elements all can be: see Listing.
func (m *Message) Pack() (p Packed, err error) {
	p.Version = m.Version
	err = p.add(m.Root)

	return p, err
}

func (p *Packed) add(n *Node) error {
	place, ok := packedPlaces[n.Name]
	if !ok || len(n.Children) > 255 {
		return fmt.Errorf("memo: element %s is not one that is packed", n.Name)
	}

	p.Names, p.Children = append(p.Names, place), append(p.Children, byte(len(n.Children)))
	p.Texts = append(p.Texts, n.Text)
	if n.File != nil {
		p.Sizes = append(p.Sizes, n.File.Size)
	}

	for _, c := range n.Children {
		if err := p.add(c); err != nil {
			return err
		}
	}

	return nil
}

// Message gives the outline again. Of a file it has the size, and not where it lies.
func (p Packed) Message() (*Message, error) {
	n := len(p.Names)
	if n == 0 || len(p.Children) != n || len(p.Texts) != n {
		return nil, fmt.Errorf("memo: a packed outline has lists of %d, %d and %d", n, len(p.Children), len(p.Texts))
	}

	u := unpacking{Packed: p, nodes: make([]Node, n), links: make([]*Node, 0, n)}
	root, err := u.next(0)
	if err == nil && u.at != n {
		err = fmt.Errorf("memo: a packed outline has %d elements beside its root", n-u.at)
	}

	return &Message{Version: p.Version, Root: root}, err
}

// unpacking takes elements off a packed outline, all of them from one allocation.
type unpacking struct {
	Packed
	nodes []Node
	links []*Node // children, of all elements
	at    int     // the next element
	file  int     // the next file
}

// packedDepth is how deep the elements of an outline may lie.
const packedDepth = 8

func (u *unpacking) next(depth int) (*Node, error) {
	if u.at == len(u.nodes) || int(u.Names[u.at]) >= len(packedNames) || depth > packedDepth {
		return nil, fmt.Errorf("memo: a packed outline breaks off at element %d", u.at)
	}

	n, children := &u.nodes[u.at], int(u.Children[u.at])
	n.Name, n.Text = packedNames[u.Names[u.at]], u.Texts[u.at]
	u.at++

	if n.Name == "content" && u.file < len(u.Sizes) {
		n.File = &Extent{Size: u.Sizes[u.file]}
		u.file++
	}

	if children == 0 {
		return n, nil
	}

	if len(u.links)+children > cap(u.links) {
		return nil, fmt.Errorf("memo: a packed outline has more children than elements")
	}
	from := len(u.links)
	u.links = u.links[:from+children]
	n.Children = u.links[from : from+children : from+children]

	for i := range n.Children {
		var err error
		if n.Children[i], err = u.next(depth + 1); err != nil {
			return nil, err
		}
	}

	return n, nil
}
