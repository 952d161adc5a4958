package ledger_test

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"goldsmith/local/clock"
	embedded "goldsmith/local/dynamodb"
	"goldsmith/local/query"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/ledger/ledgertest"
	"goldsmith/test/moto"
)

var night = time.Date(2026, 3, 1, 2, 30, 0, 123456789, time.UTC)

// TestDynamo holds the ledger in moto's DynamoDB and in the embedded one to what any ledger does.
func TestDynamo(t *testing.T) {
	t.Run("moto", func(t *testing.T) {
		if url := moto.Start(t, "the ledger in DynamoDB"); url != "" {
			client := newClient(url, &oneByOne{})
			testDynamo(t, client, newClient(url, &forgetful{through: http.DefaultTransport}),
				func(t *testing.T) string { return newTable(t, client) })
		}
	})
	t.Run("embedded", func(t *testing.T) {
		store := embedded.NewStore(embedded.StoreOptions{
			Clock: clock.Scaled(night, 1), Region: "eu-west-1", Account: "123456789012",
		})
		transport := query.Client(store).Transport
		testDynamo(t, newClient("http://aws.local", transport), newClient("http://aws.local", &forgetful{through: transport}),
			func(*testing.T) string {
				name := "ledger-" + rand.Text()
				store.Deploy(name, ledger.PartitionKey, ledger.SortKey, ledger.TTLAttribute)
				return name
			})
	})
}

func testDynamo(t *testing.T, client, forgetful *dynamodb.Client, newTable func(*testing.T) string) {
	t.Run("conformance", func(t *testing.T) {
		fewerDraws(t)
		ledgertest.Run(t, func(t *testing.T) ledger.Ledger {
			return ledger.NewDynamo(consistent{client}, newTable(t))
		})
	})
	t.Run("lost answers", func(t *testing.T) { testLostAnswers(t, ledger.NewDynamo(forgetful, newTable(t))) })
	t.Run("lost answers of the register", func(t *testing.T) {
		testLostRegister(t, ledger.NewDynamo(forgetful, newTable(t)))
	})
	t.Run("a newer register", func(t *testing.T) { testNewer(t, client, newTable(t)) })
	t.Run("expiry", func(t *testing.T) { testExpiry(t, client, newTable(t)) })
	t.Run("expiry of the register", func(t *testing.T) { testRegisterExpiry(t, client, newTable(t)) })
	t.Run("pages", func(t *testing.T) { testPages(t, client, newTable(t)) })
	t.Run("no such table", func(t *testing.T) { testNoTable(t, ledger.NewDynamo(client, "none")) })
}

// fewerDraws keeps the properties to a few seconds, since each of their steps is
// a request here. A count given on the command line stands.
func fewerDraws(t *testing.T) {
	draws := flag.Lookup("rapid.checks")
	if before := draws.Value.String(); before == draws.DefValue {
		t.Cleanup(func() { _ = draws.Value.Set(before) })
		_ = draws.Value.Set("10")
	}
}

// testLostAnswers loses the first answer to each call: the call took effect,
// the SDK sends it again, and nobody must see a difference.
func testLostAnswers(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	c := ledger.Claim{Source: "i-1", Run: "monday", Since: night}
	if got, err := l.Claim(ctx, c); err != nil || got != c {
		t.Errorf("claim: %+v, %v", got, err)
	}
	c.StopSent = night
	if err := l.Record(ctx, c); err != nil {
		t.Errorf("record: %v", err)
	}
	if err := l.Drop(ctx, "i-1", "monday"); err != nil {
		t.Errorf("drop: %v", err)
	}
	for i, want := range []bool{true, false} {
		if first, err := l.Notified(ctx, "monday", night); err != nil || first != want {
			t.Errorf("tell %d: %v, %v, want %v", i, first, err, want)
		}
	}
}

// testLostRegister loses the first answer to each write of the register.
func testLostRegister(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	r, err := l.Register(ctx, ledger.Registration{Lineage: "i-1", AMIName: "web/monday", Begun: night})
	if err != nil {
		t.Fatal(err)
	}
	r.ID = "ami-1"
	if r, err = l.Amend(ctx, r); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Settle(ctx, r), l.Retire(ctx, r, night)); err != nil {
		t.Error(err)
	}
	if got, ok, err := l.Registration(ctx, "ami-1"); !ok || err != nil || !got.Retired.Equal(night) {
		t.Errorf("retired: %+v, %v, %v", got, ok, err)
	}
	if _, err := l.PutOwner(ctx, ledger.Owner{Name: "web", Lineage: "i-1"}); err != nil {
		t.Error(err)
	}
}

// testNewer wants a registration of a newer version to be read as far as it can be, and never written.
func testNewer(t *testing.T, client *dynamodb.Client, table string) {
	l, ctx := ledger.NewDynamo(client, table), t.Context()
	r, err := l.Register(ctx, ledger.Registration{Lineage: "i-1", AMIName: "web/monday", Begun: night})
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, client, table, "register",
		`{"schema":4,"id":"ami-1","lineage":"i-1","amiName":"web/monday","snapshots":{"a":"b"},"facts":[]}`)
	for got, err := range l.Registrations(ctx, "i-1") {
		if err != nil || got.Known() || got.ID != "ami-1" {
			t.Errorf("%+v, %v", got, err)
		}
		if err := l.Retire(ctx, got, night); !errors.As(err, new(*ledger.NewerError)) {
			t.Errorf("retiring it: %v", err)
		}
	}
	again, err := l.Register(ctx, r)
	if err != nil || again.Known() {
		t.Errorf("registered again: %+v, %v", again, err)
	}
}

// rewrite gives the partition's only item another document.
func rewrite(t *testing.T, client *dynamodb.Client, table, partition, doc string) {
	t.Helper()
	out, err := client.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: partition}},
	})
	if err != nil || len(out.Items) != 1 {
		t.Fatalf("%d items, %v", len(out.Items), err)
	}
	item := out.Items[0]
	item["doc"] = &types.AttributeValueMemberS{Value: doc}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		t.Fatal(err)
	}
}

// testExpiry looks at the table itself: DynamoDB forgets everything in time but claims.
func testExpiry(t *testing.T, client *dynamodb.Client, table string) {
	l, ctx := ledger.NewDynamo(client, table), t.Context()
	_, err := l.Claim(ctx, ledger.Claim{Source: "i-1", Run: "monday", Since: night, Left: night})
	_, tellErr := l.Notified(ctx, "tuesday", night)
	if err := errors.Join(err, tellErr,
		l.Await(ctx, ledger.Wait{Resource: "i-1", For: job.ForStopped, Run: "monday", Token: "token", Since: night}),
		l.PutResult(ctx, job.Result{Run: "monday", Source: "i-1", At: night}),
		l.PutRun(ctx, ledger.Run{Name: "monday", Scheduled: night}),
	); err != nil {
		t.Fatal(err)
	}
	out, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil || len(out.Items) != 5 {
		t.Fatalf("%d items, %v; want 5", len(out.Items), err)
	}
	forgotten := strconv.FormatInt(night.Add(62*24*time.Hour).Unix(), 10)
	for _, item := range out.Items {
		isClaim := item[ledger.PartitionKey].(*types.AttributeValueMemberS).Value == "claims"
		expires, ok := item[ledger.TTLAttribute].(*types.AttributeValueMemberN)
		if isClaim == ok || ok && expires.Value != forgotten {
			t.Errorf("%s of %v is %+v", ledger.TTLAttribute, item[ledger.PartitionKey], expires)
		}
	}
}

// testRegisterExpiry wants what is registered to stay for as long as it is there, and for a year once it is gone.
func testRegisterExpiry(t *testing.T, client *dynamodb.Client, table string) {
	l, ctx := ledger.NewDynamo(client, table), t.Context()
	r, err := l.Register(ctx, ledger.Registration{Lineage: "i-1", AMIName: "web/monday", ID: "ami-1", Begun: night})
	if err != nil {
		t.Fatal(err)
	}
	wantExpiries(t, client, table, "")
	if err := errors.Join(l.Settle(ctx, r), l.Retire(ctx, r, night)); err != nil {
		t.Fatal(err)
	}
	wantExpiries(t, client, table, strconv.FormatInt(night.Add(365*24*time.Hour).Unix(), 10))
}

// wantExpiries wants every item of the table to be forgotten then; never when it is empty.
func wantExpiries(t *testing.T, client *dynamodb.Client, table, want string) {
	t.Helper()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil || len(out.Items) == 0 {
		t.Fatalf("%d items, %v", len(out.Items), err)
	}
	for _, item := range out.Items {
		expires, ok := item[ledger.TTLAttribute].(*types.AttributeValueMemberN)
		if ok != (want != "") || ok && expires.Value != want {
			t.Errorf("%s of %v is %+v, want %q", ledger.TTLAttribute, item[ledger.PartitionKey], expires, want)
		}
	}
}

// testPages lists 1.2 MB, more than the 1 MB at which a page of DynamoDB ends.
func testPages(t *testing.T, client *dynamodb.Client, table string) {
	pages := &pager{Client: client}
	l := ledger.NewDynamo(pages, table)
	for i := range 40 {
		r := job.Result{Run: "monday", Source: fmt.Sprintf("i-%02d", i), Problem: strings.Repeat("x", 30<<10)}
		if err := l.PutResult(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	read, err := count(l.Results(t.Context(), "monday"))
	if read != 40 || err != nil || pages.read < 2 {
		t.Errorf("%d results of 40 on %d pages, %v", read, pages.read, err)
	}
	*pages = pager{Client: client, most: 1}
	read, err = count(l.Results(t.Context(), "monday"))
	if read == 0 || read == 40 || !errors.Is(err, errPage) {
		t.Errorf("%d results when the second page cannot be read, %v", read, err)
	}
}

// testNoTable wants the SDK's error to come through whole, for shared/fault to classify.
func testNoTable(t *testing.T, l ledger.Ledger) {
	_, err := l.Claim(t.Context(), ledger.Claim{Source: "i-1", Run: "monday"})
	if missing := (*types.ResourceNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("claim in no table: %v", err)
	}
	if err == nil || !strings.Contains(err.Error(), "i-1") {
		t.Errorf("%v does not name the source", err)
	}
}

func count(results iter.Seq2[job.Result, error]) (n int, err error) {
	for _, err := range results {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
