package ledger

import (
	"context"
	"crypto/rand"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/job"
)

// Dynamo is the ledger of an account: one DynamoDB table.
//
// The SDK sends a call again when its answer was lost. So every write here may
// take effect twice, and the second time it answers as it would have the first.
type Dynamo struct{ table table }

// NewDynamo is the ledger kept in the table of that name.
func NewDynamo(client dynamoDB, name string) *Dynamo {
	return &Dynamo{table{client: client, name: aws.String(name)}}
}

// Claim implements Ledger.
func (d *Dynamo) Claim(ctx context.Context, c Claim) (Claim, error) {
	c = c.inUTC()
	doc, err := encode(c)
	if err != nil {
		return Claim{}, err
	}
	existing, inserted, err := d.table.insert(ctx, claimKey(c.Source),
		item{holderAttribute: text(c.Run), docAttribute: text(doc)})
	if err != nil {
		return Claim{}, err
	}
	if inserted {
		return c, nil
	}
	return heldBy(c.Run, textOf(existing, docAttribute))
}

// Record implements Ledger.
func (d *Dynamo) Record(ctx context.Context, c Claim) error {
	doc, err := encode(c.inUTC())
	if err != nil {
		return err
	}
	mine, err := d.table.update(ctx, claimKey(c.Source), "SET doc = :doc", "holder = :holder",
		item{":doc": text(doc), ":holder": text(c.Run)})
	if err == nil && !mine {
		err = &LostError{Source: c.Source, Run: c.Run}
	}
	return err
}

// Drop implements Ledger.
func (d *Dynamo) Drop(ctx context.Context, source, run string) error {
	return d.table.remove(ctx, claimKey(source), run)
}

// DropUnstopped implements Ledger.
func (d *Dynamo) DropUnstopped(ctx context.Context, source, run string) (dropped bool, err error) {
	return d.table.removeUnless(ctx, claimKey(source), run, stopNoted, standbyNoted, hookNoted)
}

// stopNoted is in the document of a claim that has a stop, standbyNoted in that of a source that is out of service,
// hookNoted in that of one to which a command may have been sent.
const (
	stopNoted    = `"stopSent":`
	standbyNoted = `"enteredSince":`
	hookNoted    = `"hookSince":`
)

// Claims implements Ledger.
func (d *Dynamo) Claims(ctx context.Context) iter.Seq2[Claim, error] {
	return claimsOf(d.table.under(ctx, claims, ""))
}

// Take implements Ledger.
func (d *Dynamo) Take(ctx context.Context, s Slot, before time.Time) (bool, error) {
	s = s.inUTC()
	doc, err := encode(s)
	if err != nil {
		return false, err
	}
	return d.table.update(ctx, slotKey(s), "SET doc = :doc, holder = :holder, taken = :taken",
		"attribute_not_exists(pk) OR holder = :holder OR taken < :before",
		item{":doc": text(doc), ":holder": text(s.holder()), ":taken": milliseconds(s.Since),
			":before": milliseconds(before)})
}

// Free implements Ledger.
func (d *Dynamo) Free(ctx context.Context, s Slot) error {
	return d.table.remove(ctx, slotKey(s), s.holder())
}

// Slots implements Ledger.
func (d *Dynamo) Slots(ctx context.Context, plan string) iter.Seq2[Slot, error] {
	return each[Slot](d.table.under(ctx, slots, slotsOf(plan)))
}

// Await implements Ledger.
func (d *Dynamo) Await(ctx context.Context, w Wait) error {
	doc, err := encode(w.inUTC())
	if err != nil {
		return err
	}
	return d.table.put(ctx, waitKey(w), item{
		holderAttribute: text(w.Token), docAttribute: text(doc), TTLAttribute: expiry(w.Since),
	})
}

// Waits implements Ledger.
func (d *Dynamo) Waits(ctx context.Context, resource string) ([]Wait, error) {
	return collect(each[Wait](d.table.under(ctx, waits(resource), "")))
}

// Done implements Ledger.
func (d *Dynamo) Done(ctx context.Context, w Wait) error {
	return d.table.remove(ctx, waitKey(w), w.Token)
}

// PutResult implements Ledger.
func (d *Dynamo) PutResult(ctx context.Context, r job.Result) error {
	doc, err := encode(resultInUTC(r))
	if err != nil {
		return err
	}
	return d.table.put(ctx, resultKey(r.Run, r.Source), item{docAttribute: text(doc), TTLAttribute: expiry(r.At)})
}

// Results implements Ledger.
func (d *Dynamo) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	return each[job.Result](d.table.under(ctx, results(run), ""))
}

// PutRetirement implements Ledger.
func (d *Dynamo) PutRetirement(ctx context.Context, r job.Retirement) error {
	doc, err := encode(retirementInUTC(r))
	if err != nil {
		return err
	}
	return d.table.put(ctx, retirementKey(r.Plan, r.Subject), item{docAttribute: text(doc), TTLAttribute: expiry(r.At)})
}

// Retirements implements Ledger.
func (d *Dynamo) Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error] {
	return each[job.Retirement](d.table.under(ctx, retirements(plan), ""))
}

// PutRun implements Ledger.
func (d *Dynamo) PutRun(ctx context.Context, r Run) error {
	doc, err := encode(r.inUTC())
	if err != nil {
		return err
	}
	_, err = d.table.update(ctx, runKey(r.Name), "SET doc = :doc, expires = :expires", "",
		item{":doc": text(doc), ":expires": expiry(r.Scheduled)})
	return err
}

// GetRun implements Ledger.
func (d *Dynamo) GetRun(ctx context.Context, name string) (r Run, ok bool, err error) {
	stored, err := d.table.get(ctx, runKey(name))
	if err != nil || stored == nil {
		return Run{}, false, err
	}
	told, err := parseTime(textOf(stored, toldAttribute))
	if err != nil {
		return Run{}, false, err
	}
	r, err = toldRun(name, textOf(stored, docAttribute), told)
	return r, err == nil, err
}

// Notifying implements Ledger.
func (d *Dynamo) Notifying(ctx context.Context, run string, at time.Time) (bool, error) {
	// The speaker is this one call, as the notifier is in Notified.
	return d.table.update(ctx, runKey(run),
		"SET telling = :now, speaker = :speaker, expires = if_not_exists(expires, :expires)",
		"attribute_not_exists(told) AND (attribute_not_exists(telling) OR telling <= :ended OR speaker = :speaker)",
		item{":now": milliseconds(at), ":ended": milliseconds(at.Add(-Notifier)), ":speaker": text(rand.Text()),
			":expires": expiry(at)})
}

// Notified implements Ledger.
func (d *Dynamo) Notified(ctx context.Context, run string, at time.Time) (bool, error) {
	// The notifier is this one call: when the SDK repeats it after a lost answer it must win again.
	return d.table.update(ctx, runKey(run),
		"SET told = :told, notifier = :notifier, expires = if_not_exists(expires, :expires)",
		"attribute_not_exists(told) OR notifier = :notifier",
		item{":told": text(formatTime(at)), ":notifier": text(rand.Text()), ":expires": expiry(at)})
}

// GetRequest implements Ledger.
func (d *Dynamo) GetRequest(ctx context.Context, source string) (r Request, ok bool, err error) {
	stored, err := d.table.get(ctx, requestKey(source))
	if err != nil || stored == nil {
		return Request{}, false, err
	}
	r, err = decode[Request](textOf(stored, docAttribute))
	return r, err == nil, err
}

// PutRequest implements Ledger.
func (d *Dynamo) PutRequest(ctx context.Context, r Request) (Request, error) {
	r, known := r.inUTC(), r.Revision
	r.Revision = rand.Text()
	doc, err := encode(r)
	if err != nil {
		return r, err
	}
	mine, err := d.table.revise(ctx, requestKey(r.Source), doc, known, r.Revision)
	if err == nil && !mine {
		err = &MovedError{Source: r.Source, ID: "its request"}
	}
	return r, err
}

// Requests implements Ledger.
func (d *Dynamo) Requests(ctx context.Context) iter.Seq2[Request, error] {
	return each[Request](d.table.under(ctx, requests, ""))
}

// DropRequest implements Ledger.
func (d *Dynamo) DropRequest(ctx context.Context, r Request) error {
	return d.table.remove(ctx, requestKey(r.Source), r.Revision)
}

// Targets implements Ledger.
func (d *Dynamo) Targets(ctx context.Context, source string) iter.Seq2[TargetRecord, error] {
	return each[TargetRecord](d.table.under(ctx, targets(source), ""))
}

// Held implements Ledger.
func (d *Dynamo) Held(ctx context.Context) iter.Seq2[TargetRecord, error] {
	return each[TargetRecord](d.table.under(ctx, held, ""))
}

// PutTarget implements Ledger.
func (d *Dynamo) PutTarget(ctx context.Context, t TargetRecord) (TargetRecord, error) {
	t, known := t.inUTC(), t.Revision
	t.Revision = rand.Text()
	doc, err := encode(t)
	if err != nil {
		return t, err
	}
	if t.Held() {
		if err := d.table.put(ctx, heldKey(t), item{docAttribute: text(doc)}); err != nil {
			return t, err
		}
	}
	mine, err := d.table.revise(ctx, targetKey(t.Source, t.ID), doc, known, t.Revision)
	if err == nil && !mine {
		err = &MovedError{Source: t.Source, ID: t.ID}
	}
	return t, err
}
