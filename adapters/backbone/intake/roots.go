package intake

import (
	"context"
	"slices"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain/intake"
)

// rootsAtOnce is how many intake streams get their roots in one transaction of the keys.
const rootsAtOnce = 512

// EnterRoots gives all intake streams their roots, of those that have none, so that no MeMo of a new system waits for a
// transaction of its own. It is done once for a log, in a few transactions between which others come.
func EnterRoots(ctx context.Context, c *core.Core) {
	var missing []vault.Owner
	for n := range intake.Shards {
		o := vault.Owner(intake.ShardID(uint16(n)))
		if ok, err := c.Vault.HasRoot(o); err == nil && !ok {
			missing = append(missing, o)
		}
	}

	for some := range slices.Chunk(missing, rootsAtOnce) {
		if ctx.Err() != nil {
			return
		}

		if err := c.Vault.EnterRoot(some...); err != nil {
			c.Logger.Warn("roots of intake streams are made later", "error", err)
			return // ensureRoot makes one when it is needed
		}
	}
}
