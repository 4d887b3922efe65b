package viewapi

import (
	"net/http"
	"strings"

	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/looks"
)

// looks lists who has seen the mailbox, newest first.
func (a *api) looks(w http.ResponseWriter, r request) error {
	number, size, err := pageOf(r.Request)
	if err != nil {
		return err
	}
	all, total, err := a.b.Looks(r.Context(), r.p, r.box, number, size)
	if err != nil {
		return err
	}
	shown := []object{}
	for _, l := range all {
		o := object{"id": uint64(l.Position), "dateTime": stamp(l.At), "type": strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(l.Event.EventType(), "looks."), "-", "_")), "messageId": nil,
			"by": object{"identityId": domain.UUID(l.Meta.Actor.ID), "name": l.Name, "kind": l.Meta.Actor.Kind}, "grantId": nil, "platform": l.Meta.Platform}
		if e, ok := l.Event.(looks.ContentOpened); ok {
			o["messageId"] = e.Message
		}
		if l.Meta.Grant != ([16]byte{}) {
			o["grantId"] = domain.UUID(l.Meta.Grant)
		}
		shown = append(shown, o)
	}
	problem.JSON(w, http.StatusOK, page("looks", shown, number, size, total))
	return nil
}
