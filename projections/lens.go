package projections

// A Lens is which post somebody is shown: public post unless it is hidden, and the private post of one platform.
type Lens struct {
	Private  string // the platform; empty: no private post
	NoPublic bool   // the platform needs a consent that was not given
}

// Shows tells whether a message is shown: by the platform that alone shows it, empty for public post.
func (l Lens) Shows(platform string) bool {
	if platform == "" {
		return !l.NoPublic
	}
	return platform == l.Private
}
