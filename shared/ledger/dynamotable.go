package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// dynamoDB is what the ledger calls of DynamoDB. A table's verbs stay in one
// interface: its only consumer needs each of them.
type dynamoDB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	dynamodb.QueryAPIClient
}

// table is one DynamoDB table. All its reads are consistent: decisions hang on
// them, and a report must not miss the result that was written last.
type table struct {
	client dynamoDB
	name   *string
}

// item is what DynamoDB stores, or the values that an expression speaks of.
type item = map[string]types.AttributeValue

// insert writes an item where there is none. Otherwise it changes nothing and returns the
// one that is there, which comes with the refusal and so needs no second, later read.
func (t table) insert(ctx context.Context, k key, attributes item) (existing item, inserted bool, err error) {
	maps.Copy(attributes, k.item())
	_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: t.name, Item: attributes,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if existing, refused := refusal(err); refused {
		return existing, false, nil
	}
	return nil, err == nil, k.wrap("inserting", err)
}

// put writes an item, whatever is there.
func (t table) put(ctx context.Context, k key, attributes item) error {
	maps.Copy(attributes, k.item())
	_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: t.name, Item: attributes})
	return k.wrap("putting", err)
}

// update changes or makes an item; done is false when the condition, if there is one, does not hold.
func (t table) update(ctx context.Context, k key, change, condition string, values item) (done bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: t.name, Key: k.item(),
		UpdateExpression: aws.String(change), ExpressionAttributeValues: values,
	}
	if condition != "" {
		in.ConditionExpression = aws.String(condition)
	}
	_, err = t.client.UpdateItem(ctx, in)
	if _, refused := refusal(err); refused {
		return false, nil
	}
	return err == nil, k.wrap("updating", err)
}

// revise writes a record whose revision is the known one, none for a record that is not there yet; mine is
// false when it is another. The new revision is this one call: when the SDK repeats it after a lost answer
// it must be let through again.
func (t table) revise(ctx context.Context, k key, doc, known, revision string) (mine bool, err error) {
	condition, values := "attribute_not_exists(holder) OR holder = :new", item{":doc": text(doc), ":new": text(revision)}
	if known != "" {
		condition, values[":known"] = "holder = :known OR holder = :new", text(known)
	}
	return t.update(ctx, k, "SET doc = :doc, holder = :new", condition, values)
}

// remove deletes an item that this holder has.
func (t table) remove(ctx context.Context, k key, holder string) error {
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: t.name, Key: k.item(),
		ConditionExpression:       aws.String("holder = :holder"),
		ExpressionAttributeValues: item{":holder": text(holder)},
	})
	if _, refused := refusal(err); refused {
		return nil
	}
	return k.wrap("removing", err)
}

// removeUnless deletes an item that this holder has, unless one of these texts is in its document; false when one is.
func (t table) removeUnless(ctx context.Context, k key, holder string, parts ...string) (gone bool, err error) {
	condition, values := "holder = :holder", item{":holder": text(holder)}
	for i, part := range parts {
		name := fmt.Sprintf(":part%d", i)
		condition, values[name] = condition+" AND NOT contains(doc, "+name+")", text(part)
	}
	_, err = t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: t.name, Key: k.item(),
		ConditionExpression:                 aws.String(condition),
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if existing, refused := refusal(err); refused {
		return textOf(existing, holderAttribute) != holder, nil
	}
	return err == nil, k.wrap("removing", err)
}

// get is the item at k, nil when there is none.
func (t table) get(ctx context.Context, k key) (item, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: t.name, Key: k.item(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, k.wrap("getting", err)
	}
	return out.Item, nil
}

// under are a partition's records under sort keys with a prefix, in the order of those keys. A page ends at 1 MB.
func (t table) under(ctx context.Context, partition, prefix string) iter.Seq2[record, error] {
	which, values := "pk = :pk", item{":pk": text(partition)}
	if prefix != "" { // dynamoDB refuses an empty one.
		which, values[":prefix"] = "pk = :pk AND begins_with(sk, :prefix)", text(prefix)
	}
	return func(yield func(record, error) bool) {
		pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
			TableName: t.name, ConsistentRead: aws.Bool(true),
			KeyConditionExpression: aws.String(which), ExpressionAttributeValues: values,
			ProjectionExpression: aws.String(SortKey + ", " + docAttribute),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(record{}, fmt.Errorf("listing %s in the ledger: %w", partition, err))
				return
			}
			for _, found := range page.Items {
				if !yield(record{textOf(found, SortKey), textOf(found, docAttribute)}, nil) {
					return
				}
			}
		}
	}
}

func (k key) item() item {
	return item{PartitionKey: text(k.partition), SortKey: text(k.sort)}
}

func (k key) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s in the ledger: %w", doing, k.partition, k.sort, err)
}

// refusal is whether a condition did not hold, with the item that was there if the call asked for it.
func refusal(err error) (existing item, refused bool) {
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return nil, false
	}
	return failed.Item, true
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// textOf is "" for an attribute that an item does not have.
func textOf(i item, attribute string) string {
	if s, ok := i[attribute].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func milliseconds(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.UnixMilli(), 10)}
}

// expiry is when a record of that moment may be forgotten. DynamoDB's TTL reads whole
// seconds since 1970, and leaves alone what is more than five years past, such as a zero time.
func expiry(of time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(of.Add(Remembered).Unix(), 10)}
}
