package ledger

import "time"

// The table's schema, for what creates it: infra in the account, tests elsewhere.
const (
	// PartitionKey and SortKey are strings.
	PartitionKey = "pk"
	SortKey      = "sk"
	// TTLAttribute is a number, seconds since 1970. DynamoDB deletes within days
	// of that moment, so a record may still be read after it.
	TTLAttribute = "expires"
)

// The other attributes. None is among DynamoDB's reserved words (which have
// owner, token and ttl), so expressions may name them plainly.
const (
	// docAttribute is the record as JSON.
	docAttribute = "doc"
	// holderAttribute is what a change has to match: the run of a claim, the token of a wait, the revision of a target or
	// a request.
	holderAttribute = "holder"
	// toldAttribute is when Notified marked a run; beside it lies notifier, the call that did. In
	// "telling" is when a call took the right to tell of it, in milliseconds since 1970, and in "speaker" the call that
	// did.
	toldAttribute = "told"
	// In "taken" is when a slot was taken, in milliseconds since 1970.
)

// Notifier is how long who took the right to tell of a run has it: as long as the
// slowest function that tells may take. Then it has ended, and another may try.
const Notifier = 5 * time.Minute

// Remembered is how long results, runs and waits are kept: long enough to
// compare two months, short enough that no cleaning up is needed.
const Remembered = 62 * 24 * time.Hour

// key names one record. Every part has a prefix, since DynamoDB refuses empty
// keys. Both stores list a partition in the byte order of its sort keys.
type key struct{ partition, sort string }

// claims is one partition, so that they are listed without a scan. It bears 1,000
// writes a second; EC2 lets an account stop far fewer instances than that.
const claims = "claims"

func claimKey(source string) key { return key{claims, "source#" + source} }

func waits(resource string) string { return "wait#" + resource }

func waitKey(w Wait) key { return key{waits(w.Resource), string(w.For) + "#" + w.Run} }

func results(run string) string { return "results#" + run }

func resultKey(run, source string) key { return key{results(run), "source#" + source} }

func retirements(plan string) string { return "retire#" + plan }

func retirementKey(plan, subject string) key { return key{retirements(plan), "subject#" + subject} }

// requests is one partition, for sweeps; it holds no more than the sources that carry the request tag.
const requests = "requests"

func requestKey(source string) key { return key{requests, "source#" + source} }

func targets(source string) string { return "targets#" + source }

func targetKey(source, id string) key { return key{targets(source), "target#" + id} }

// held is one partition, so that holds are listed without a scan: a person makes each of them.
const held = "held"

func heldKey(t TargetRecord) key { return key{held, "source#" + t.Source + "#" + t.ID} }

func runKey(name string) key { return key{"run#" + name, "run"} }
