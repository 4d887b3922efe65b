// Package access decides who may do what with a mailbox. It is one pure function.
package access

import "digitalpost/domain"

// A Principal is who asks: a person or company by the mailbox that they own, through a platform.
type Principal struct {
	Identity domain.MailboxID
	Platform string
}

// May tells whether the principal may use a mailbox. Today only its owner may.
func May(p Principal, m domain.MailboxID) bool { return p.Identity == m }
