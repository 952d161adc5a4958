package ledger_test

import (
	"testing"

	"goldsmith/shared/ledger"
	"goldsmith/shared/ledger/ledgertest"
)

func TestMemory(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ledger.Ledger { return ledger.NewMemory() })
}
