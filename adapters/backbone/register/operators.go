package register

import (
	"context"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/register"
	"digitalpost/eventstore"
)

// Allow lets lines up to one close as many mailboxes as they do: an operator has looked at them.
func (r *Registers) Allow(ctx context.Context, by Operator, lane register.Lane, until uint64) error {
	_, _, err := r.handler.Execute(ctx, stream(lane), r.meta(by),
		register.AllowClosings{Allowed: register.ClosingsAllowed{Lane: lane, Until: until}})

	return err
}

// An Operator is who runs the registers: somebody in that office, or nobody known, at the console.
type Operator struct {
	access.Principal
	Console bool
}

func (r *Registers) meta(by Operator) eventstore.Meta {
	if by.Console {
		return core.Machine{Kind: access.Operations, Thing: r.core.NewID()}.Meta()
	}
	meta := core.InOffice(by.Principal, access.Operator)
	meta.Command = r.core.NewID()

	return meta
}

// CloseTask notes that an operator has seen to a task.
func (r *Registers) CloseTask(ctx context.Context, by Operator, lane register.Lane, task domain.UUID) error {
	_, _, err := r.handler.Execute(ctx, stream(lane), r.meta(by), register.CloseTask{Task: task})

	return core.Found(err)
}
