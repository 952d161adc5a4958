package ledger

import "time"

// The table's schema, for whoever creates it: infra in the account, the tests elsewhere.
const (
	// PartitionKey and SortKey are strings.
	PartitionKey = "pk"
	SortKey      = "sk"
	// TTLAttribute holds seconds since 1970. DynamoDB deletes within days of
	// that moment, so a record may still be read after it.
	TTLAttribute = "expires"
)

// Remembered is how long results, runs and waits are kept: long enough to
// compare two months, short enough that nobody has to clean up.
const Remembered = 62 * 24 * time.Hour

// key names one record. Every part is prefixed, since DynamoDB refuses empty
// keys, and both stores list a partition in byte order of its sort keys.
type key struct{ partition, sort string }

// claims are one partition: a run stops instances no faster than EC2's own
// token buckets let it, far below the 1,000 writes a second of a partition.
const claims = "claims"

func claimKey(source string) key { return key{claims, "source#" + source} }

func waits(resource string) string { return "wait#" + resource }

func waitKey(w Wait) key { return key{waits(w.Resource), string(w.For) + "#" + w.Run} }

func results(run string) string { return "results#" + run }

func resultKey(run, source string) key { return key{results(run), "source#" + source} }

func runKey(name string) key { return key{"run#" + name, "run"} }
