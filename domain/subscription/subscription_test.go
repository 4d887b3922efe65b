package subscription_test

import (
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/subscription"
)

type (
	scenario = domaintest.Scenario[subscription.Command, subscription.Command, subscription.Event]
	events   = []subscription.Event
)

var (
	there    = subscription.Push{URL: "https://eboks.example/push", From: 7}
	set      = subscription.PushSet{Platform: "eboks", Push: there, Secret: 1}
	rotated  = subscription.SecretRotated{Platform: "eboks", Secret: 2}
	ended    = subscription.PushEnded{Platform: "eboks"}
	stopped  = subscription.PushStopped{Platform: "eboks", Position: 9}
	attested = subscription.CopyAttested{
		Platform: "eboks", Position: 9, Digest: []byte{1}, Verdict: subscription.Equal,
	}
	none = &domain.Rejection{Reason: subscription.NoPush}
)

var rules = []scenario{
	{Name: "a copy is attested", When: subscription.Attest{Attested: attested}, Then: events{attested}},
	{
		Name: "a platform is told", When: subscription.SetPush{Platform: "eboks", Push: there}, Then: events{set},
	},
	{
		Name: "it goes on with the secret that it has", Given: events{set, rotated, ended},
		When: subscription.SetPush{Platform: "eboks", Push: there},
		Then: events{subscription.PushSet{Platform: "eboks", Push: there, Secret: 2}},
	},
	{
		Name: "a new secret", Given: events{set}, When: subscription.RotateSecret{Platform: "eboks"},
		Then: events{rotated},
	},
	{Name: "a new secret of none", When: subscription.RotateSecret{Platform: "eboks"}, Err: none},
	{
		Name: "it is told no more", Given: events{set}, When: subscription.EndPush{Platform: "eboks"},
		Then: events{ended},
	},
	{
		Name: "twice", Given: events{set, ended}, When: subscription.EndPush{Platform: "eboks"}, Err: none,
	},
	{
		Name: "it is not reached", Given: events{set},
		When: subscription.StopPush{Platform: "eboks", Push: there, Position: 9}, Then: events{stopped},
	},
	{
		Name: "it is stopped already", Given: events{set, stopped},
		When: subscription.StopPush{Platform: "eboks", Push: there, Position: 9},
	},
	{
		Name: "it has another address by now", Given: events{set},
		When: subscription.StopPush{Platform: "eboks", Push: subscription.Push{URL: "https://old"}, Position: 9},
	},
}

func TestRules(t *testing.T) {
	same := func(c subscription.Command) subscription.Command { return c }
	domaintest.Run(t, subscription.Decider, subscription.Codec, same, rules)
}
