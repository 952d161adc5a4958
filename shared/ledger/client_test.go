package ledger_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"goldsmith/shared/ledger"
)

// newClient is the real SDK client, talking to url.
func newClient(url string, transport http.RoundTripper) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: transport},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// newTable makes an empty table of the ledger's schema.
func newTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	name := "ledger-" + rand.Text()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(ledger.PartitionKey), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(ledger.SortKey), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(ledger.PartitionKey), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(ledger.SortKey), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// oneByOne sends no request before the last is answered. moto 5.2.1 serves
// requests on threads and holds no lock between looking at a condition and
// writing the item: of fifty tellers at once, two were seen to be the first.
// DynamoDB does both as one.
type oneByOne struct{ sync.Mutex }

func (o *oneByOne) RoundTrip(request *http.Request) (*http.Response, error) {
	o.Lock()
	defer o.Unlock()
	return http.DefaultTransport.RoundTrip(request)
}

// forgetful loses every other answer, after the request took effect.
type forgetful struct {
	through  http.RoundTripper
	requests int
}

func (f *forgetful) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := f.through.RoundTrip(request)
	if f.requests++; err == nil && f.requests%2 == 1 {
		return nil, errors.Join(errors.New("the answer was lost"), response.Body.Close())
	}
	return response, err
}

// consistent refuses reads that may be stale. moto answers them all from the
// newest state, DynamoDB only those that ask for it.
type consistent struct{ *dynamodb.Client }

var errStale = errors.New("this read may be stale")

func (c consistent) GetItem(ctx context.Context, in *dynamodb.GetItemInput,
	o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if !aws.ToBool(in.ConsistentRead) {
		return nil, errStale
	}
	return c.Client.GetItem(ctx, in, o...)
}

func (c consistent) Query(ctx context.Context, in *dynamodb.QueryInput,
	o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if !aws.ToBool(in.ConsistentRead) {
		return nil, errStale
	}
	return c.Client.Query(ctx, in, o...)
}

// pager counts the pages that are read, and refuses to read more than most, unless that is 0.
type pager struct {
	*dynamodb.Client
	read, most int
}

var errPage = errors.New("no more pages")

func (p *pager) Query(ctx context.Context, in *dynamodb.QueryInput,
	o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if p.read++; p.most > 0 && p.read > p.most {
		return nil, errPage
	}
	return p.Client.Query(ctx, in, o...)
}
