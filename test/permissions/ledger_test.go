package permissions

import (
	"context"

	"goldsmith/shared/ledger"
)

// deployedLedger is the ledger in the embedded DynamoDB, under the name that is deployed.
type deployedLedger struct {
	*ledger.Dynamo
	// forgetful has the register know no image by its id, as after an update in the middle of a run.
	forgetful bool
}

// Registration is what the register knows of an id.
func (b *deployedLedger) Registration(ctx context.Context, id string) (ledger.Registration, bool, error) {
	r, ok, err := b.Dynamo.Registration(ctx, id)
	if b.forgetful && err == nil {
		return ledger.Registration{}, false, nil
	}
	return r, ok, err
}

// deploy makes the table, or an empty one in its place.
func (n *night) deploy() {
	n.t.Helper()
	n.Tables.Deploy(tableName(n.t), ledger.PartitionKey, ledger.SortKey, ledger.TTLAttribute)
}
