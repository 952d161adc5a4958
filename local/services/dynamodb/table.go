// Package dynamodb is the embedded DynamoDB: the ledger's table, for those who
// read it from outside. The embedded functions keep their ledger in memory, so
// this shows what DynamoDB would hold, and takes no writes.
package dynamodb

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"strings"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/local/services/awsjson"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Reader is what the ledger shows.
type Reader interface {
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
	Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error]
	Results(ctx context.Context, run string) iter.Seq2[job.Result, error]
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	Retirements(ctx context.Context, plan string) iter.Seq2[job.Retirement, error]
	Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error]
	Held(ctx context.Context) iter.Seq2[ledger.TargetRecord, error]
	Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
	Owner(ctx context.Context, name string) (o ledger.Owner, ok bool, err error)
}

// Options set a Table up; all are required but Log.
type Options struct {
	Name   string
	Ledger Reader
	Clock  *clock.Clock
	Log    *query.Log
}

// Table answers GetItem and Query of one table.
type Table struct {
	options Options
	service *awsjson.Service
}

// New is the table of that name.
func New(o Options) *Table {
	t := &Table{options: o}
	t.service = &awsjson.Service{Name: "dynamodb", Target: "DynamoDB_20120810", Clock: o.Clock, Log: o.Log,
		Checksum: true, Operations: map[string]awsjson.Operation{
			"GetItem": awsjson.Op(t.getItem, func(in getInput) []string { return []string{in.Key[ledger.PartitionKey].S} }),
			"Query":   awsjson.Op(t.query, func(in queryInput) []string { return []string{in.ExpressionAttributeValues[":pk"].S} }),
		}}
	return t
}

// ServeHTTP answers one call.
func (t *Table) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.service.ServeHTTP(w, r) }

// text is an attribute value of type string, which all are that the ledger reads.
type text struct{ S string }

type item map[string]text

// Every read is consistent here: there is one copy.
type getInput struct {
	TableName      string
	Key            item
	ConsistentRead bool
}

type getOutput struct {
	Item item `json:",omitempty"`
}

// getItem shows a run's record or a name's owner: nothing else is read by its key.
func (t *Table) getItem(in getInput) (getOutput, error) {
	if err := t.known(in.TableName); err != nil {
		return getOutput{}, err
	}
	kind, name, _ := strings.Cut(in.Key[ledger.PartitionKey].S, "#")
	if kind == "owner" {
		owner, ok, err := t.options.Ledger.Owner(context.Background(), name)
		if err != nil || !ok {
			return getOutput{}, err
		}
		found, err := record(owner)
		return getOutput{found}, err
	}
	if kind != "run" {
		return getOutput{}, nil
	}
	run, ok, err := t.options.Ledger.GetRun(context.Background(), name)
	if err != nil || !ok {
		return getOutput{}, err
	}
	found, err := record(run)
	if !run.Told.IsZero() {
		found["told"] = text{run.Told.Format(time.RFC3339Nano)}
	}
	return getOutput{found}, err
}

type queryInput struct {
	TableName                 string
	KeyConditionExpression    string
	ExpressionAttributeValues item
	ConsistentRead            bool
	ProjectionExpression      string
}

type queryOutput struct {
	Items               []item
	Count, ScannedCount int
}

// query lists a partition, on one page: what a rehearsal holds is far below 1 MB.
func (t *Table) query(in queryInput) (queryOutput, error) {
	if err := t.known(in.TableName); err != nil {
		return queryOutput{}, err
	}
	of := in.ExpressionAttributeValues
	if in.KeyConditionExpression == "pk = :pk AND begins_with(sk, :prefix)" && of[":pk"].S == "slots" {
		items, err := records(t.options.Ledger.Slots(context.Background(), strings.TrimSuffix(of[":prefix"].S, "#")))
		return queryOutput{Items: items, Count: len(items), ScannedCount: len(items)}, err
	}
	if in.KeyConditionExpression != "pk = :pk" {
		return queryOutput{}, awsjson.Errorf("ValidationException",
			"the embedded DynamoDB knows the condition pk = :pk only, and a prefix of slots")
	}
	if in.ProjectionExpression != "" && in.ProjectionExpression != docAttribute &&
		in.ProjectionExpression != ledger.SortKey+", "+docAttribute {
		return queryOutput{}, awsjson.Errorf("ValidationException",
			"the embedded DynamoDB knows the projection "+docAttribute+" only")
	}
	items, err := t.partition(in.ExpressionAttributeValues[":pk"].S)
	return queryOutput{Items: items, Count: len(items), ScannedCount: len(items)}, err
}

func (t *Table) partition(key string) ([]item, error) {
	ctx := context.Background()
	kind, of, _ := strings.Cut(key, "#")
	switch kind {
	case "claims":
		return records(t.options.Ledger.Claims(ctx))
	case "slots":
		return records(t.options.Ledger.Slots(ctx, ""))
	case "results":
		return records(t.options.Ledger.Results(ctx, of))
	case "retire":
		return records(t.options.Ledger.Retirements(ctx, of))
	case "targets":
		return records(t.options.Ledger.Targets(ctx, of))
	case "held":
		return records(t.options.Ledger.Held(ctx))
	case "register":
		return records(t.options.Ledger.Registrations(ctx, of))
	default:
		return []item{}, nil
	}
}

func (t *Table) known(name string) error {
	if name != t.options.Name {
		return awsjson.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return nil
}

func records[T any](list iter.Seq2[T, error]) ([]item, error) {
	items := []item{}
	for each, err := range list {
		if err != nil {
			return nil, err
		}
		made, err := record(each)
		if err != nil {
			return nil, err
		}
		items = append(items, made)
	}
	return items, nil
}

// docAttribute is the attribute that the ledger keeps a record in.
const docAttribute = "doc"

func record(v any) (item, error) {
	doc, err := json.Marshal(v)
	return item{docAttribute: {string(doc)}}, err
}
