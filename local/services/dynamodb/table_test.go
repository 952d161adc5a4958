package dynamodb_test

import (
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/local/services/dynamodb"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// What the product's own reader sees through DynamoDB's protocol is what the
// ledger in memory holds.
func TestTheLedgerIsReadAsInAnAccount(t *testing.T) {
	ctx, kept, at := t.Context(), ledger.NewMemory(), time.Date(2026, 5, 1, 2, 0, 0, 123, time.UTC)
	claim := ledger.Claim{Source: "i-1", Run: "nightly-1", Since: at, WasRunning: true}
	result := job.Result{Run: "nightly-1", Source: "i-2", Ending: job.Imaged, At: at}
	run := ledger.Run{Name: "nightly-1", Plan: "nightly", Scheduled: at, Outcome: "ok"}
	retired := job.Retirement{Plan: "nightly", Subject: "ami-1", Fate: job.Retired, At: at}
	_, err := kept.Claim(ctx, claim)
	must(t, err, kept.PutResult(ctx, result), kept.PutRun(ctx, run), kept.PutRetirement(ctx, retired))
	template, err := kept.PutTarget(ctx, ledger.TargetRecord{Source: "web", ID: "lt-1"})
	must(t, err)
	_, err = kept.Tell(ctx, run.Name, at)
	must(t, err)

	book := ledger.NewDynamo(reader(dynamodb.New(dynamodb.Options{Name: "goldsmith", Ledger: kept, Clock: clock.Real()})), "goldsmith")
	same(t, []ledger.Claim{claim}, collected(t, book.Claims(ctx)))
	same(t, []job.Result{result}, collected(t, book.Results(ctx, "nightly-1")))
	same(t, nil, collected(t, book.Results(ctx, "another")))
	same(t, []job.Retirement{retired}, collected(t, book.Retirements(ctx, "nightly")))
	same(t, []ledger.TargetRecord{template}, collected(t, book.Targets(ctx, "web")))
	held := template
	held.Source, held.Revision, held.Back = "held", "", &ledger.Point{Image: "ami-1"}
	held, err = kept.PutTarget(ctx, held)
	must(t, err)
	same(t, []ledger.TargetRecord{held}, collected(t, book.Held(ctx)))
	found, ok, err := book.GetRun(ctx, run.Name)
	must(t, err)
	run.Told = at
	same(t, []any{true, run}, []any{ok, found})
	_, ok, err = book.GetRun(ctx, "another")
	must(t, err)
	same(t, false, ok)
}

// The functions keep their ledger in memory; a write here would be lost on them.
func TestNothingIsWritten(t *testing.T) {
	client := reader(dynamodb.New(dynamodb.Options{Name: "goldsmith", Ledger: ledger.NewMemory(), Clock: clock.Real()}))
	if err := ledger.NewDynamo(client, "goldsmith").PutRun(t.Context(), ledger.Run{Name: "nightly-1"}); fault.Code(err) != "UnknownOperationException" {
		t.Errorf("a write: %v", err)
	}
	if _, _, err := ledger.NewDynamo(client, "other").GetRun(t.Context(), "nightly-1"); fault.Code(err) != "ResourceNotFoundException" {
		t.Errorf("another table: %v", err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func same[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func collected[T any](t *testing.T, records iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for record, err := range records {
		must(t, err)
		all = append(all, record)
	}
	return all
}

func reader(t *dynamodb.Table) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: "eu-central-1", HTTPClient: query.Client(t), BaseEndpoint: aws.String("http://aws.local"),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
	})
}
