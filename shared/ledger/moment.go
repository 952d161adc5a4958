package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"goldsmith/shared/fault"
)

// Row is a row of moments that are taken one after the other: Burst of them at once, then one every Every, as a token
// bucket lets calls in. Moments are whole milliseconds.
type Row struct {
	Name  string
	Every time.Duration
	Burst int
}

// slack is how far a row may be taken ahead of its pace.
func (r Row) slack() time.Duration { return time.Duration(r.Burst-1) * r.Every }

// at is the first moment of a row that is taken up to a moment.
func (r Row) at(taken, now time.Time) time.Time {
	if at := taken.Add(-r.slack()); at.After(now) {
		return at
	}
	return now
}

func rowKey(name string) key { return key{"row#" + name, "row"} }

// momentAttribute is up to when a row is taken, in milliseconds since 1970.
const momentAttribute = "moment"

func whole(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// contended is how often a row whose first moment another has just taken is asked anew.
const contended = 5

// Reserve implements Ledger. A call that the SDK repeats takes two moments; one passes unused.
func (d *Dynamo) Reserve(
	ctx context.Context, r Row, now time.Time, patience time.Duration,
) (at time.Time, ok bool, err error) {
	now, latest := whole(now), whole(now.Add(patience+r.slack()))
	for range contended {
		taken, ok, err := d.table.advance(ctx, rowKey(r.Name), "SET moment = moment + :every, expires = :expires",
			"moment > :now AND moment <= :latest", item{
				":every": number(r.Every.Milliseconds()), ":now": milliseconds(now), ":latest": milliseconds(latest),
				":expires": expiry(now),
			})
		switch {
		case err != nil:
			return at, false, err
		case ok:
			return r.at(taken.Add(-r.Every), now), true, nil
		case taken.After(now):
			return r.at(taken, now), false, nil
		}
		_, ok, err = d.table.advance(ctx, rowKey(r.Name), "SET moment = :next, expires = :expires",
			"attribute_not_exists(moment) OR moment <= :now", item{
				":next": milliseconds(now.Add(r.Every)), ":now": milliseconds(now), ":expires": expiry(now),
			})
		if ok || err != nil {
			return now, ok, err
		}
	}
	return at, false, &fault.Transient{Err: fmt.Errorf("others take the moments of %s at the same time", r.Name)}
}

// advance changes up to when a row is taken, and gives that as it is then. It changes nothing and is not ok where the
// condition does not hold.
func (t table) advance(ctx context.Context, k key, change, condition string, values item) (time.Time, bool, error) {
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: t.name, Key: k.item(), UpdateExpression: aws.String(change), ConditionExpression: aws.String(condition),
		ExpressionAttributeValues: values, ReturnValues: types.ReturnValueUpdatedNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if there, refused := refusal(err); refused {
		return momentOf(there), false, nil
	}
	if err != nil {
		return time.Time{}, false, k.wrap("taking a moment of", err)
	}
	return momentOf(out.Attributes), true, nil
}

// momentOf is zero of an item that has none.
func momentOf(i item) time.Time {
	n, ok := i[momentAttribute].(*types.AttributeValueMemberN)
	if !ok {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Reserve implements Ledger.
func (m *Memory) Reserve(
	ctx context.Context, r Row, now time.Time, patience time.Duration,
) (at time.Time, ok bool, err error) {
	now = whole(now)
	err = m.change(ctx, rowKey(r.Name), func(old row, exists bool) (row, bool) {
		at = r.at(old.taken, now)
		if ok = !at.After(whole(now.Add(patience))); !ok {
			return old, exists
		}
		if old.taken.Before(now) {
			old.taken = now
		}
		old.taken = old.taken.Add(r.Every)
		return old, true
	})
	return at, ok, err
}
