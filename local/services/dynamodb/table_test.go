package dynamodb_test

import (
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
	if _, err := kept.Claim(ctx, claim); err != nil {
		t.Fatal(err)
	}
	result := job.Result{Run: "nightly-1", Source: "i-2", Ending: job.Imaged, At: at}
	run := ledger.Run{Name: "nightly-1", Plan: "nightly", Scheduled: at, Outcome: "ok"}
	for _, err := range []error{kept.PutResult(ctx, result), kept.PutRun(ctx, run)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kept.Tell(ctx, run.Name, at); err != nil {
		t.Fatal(err)
	}

	client := reader(dynamodb.New(dynamodb.Options{Name: "goldsmith", Ledger: kept, Clock: clock.Real()}))
	book := ledger.NewDynamo(client, "goldsmith")
	for found, err := range book.Claims(ctx) {
		if diff := cmp.Diff(claim, found); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	for found, err := range book.Results(ctx, "nightly-1") {
		if diff := cmp.Diff(result, found); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	found, ok, err := book.GetRun(ctx, run.Name)
	run.Told = at
	if diff := cmp.Diff(run, found); err != nil || !ok || diff != "" {
		t.Error(ok, err, diff)
	}
	if _, ok, err := book.GetRun(ctx, "another"); ok || err != nil {
		t.Errorf("a run that is not there: %v, %v", ok, err)
	}
	for range book.Results(ctx, "another") {
		t.Error("a run that is not there has results")
	}
	if err := book.PutRun(ctx, run); err == nil {
		t.Error("it takes writes")
	}
	if _, _, err := ledger.NewDynamo(client, "other").GetRun(ctx, "x"); fault.Code(err) != "ResourceNotFoundException" {
		t.Errorf("another table: %v", err)
	}
}

func reader(t *dynamodb.Table) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: "eu-central-1", HTTPClient: query.Client(t), BaseEndpoint: aws.String("http://aws.local"),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
	})
}
