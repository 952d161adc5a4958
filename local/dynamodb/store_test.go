package dynamodb_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"goldsmith/local/clock"
	"goldsmith/local/dynamodb"
	"goldsmith/local/query"
	"goldsmith/shared/fault"
)

// scene is a DynamoDB with the table t, deployed as an account's ledger is.
type scene struct {
	*testing.T
	*sdk.Client
}

func play(t *testing.T, story func(s scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := dynamodb.NewStore(dynamodb.StoreOptions{
			Clock: clock.Real(), Region: "eu-west-1", Account: "123456789012",
		})
		store.Deploy("the-table", "pk", "sk", "expires")
		story(scene{t, sdk.New(sdk.Options{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(store),
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Retryer: aws.NopRetryer{},
		})})
	})
}

var name = aws.String("the-table")

type attributes = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

// at is an item at a sort key, with more attributes in pairs.
func at(sk string, more attributes) attributes {
	out := attributes{"pk": s("p"), "sk": s(sk)}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func (c scene) put(item attributes) {
	c.Helper()
	_, err := c.PutItem(c.Context(), &sdk.PutItemInput{TableName: name, Item: item})
	c.want("", err)
}

// get is what the item a says, in the order of its names; empty for none.
func (c scene) get(table *string) string {
	c.Helper()
	out, err := c.GetItem(c.Context(), &sdk.GetItemInput{
		TableName: table, Key: at("a", nil), ConsistentRead: aws.Bool(true),
	})
	c.want("", err)
	return shown(out.Item)
}

func shown(item attributes) string {
	var all []string
	for k, v := range item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			all = append(all, k+"="+v.Value)
		case *types.AttributeValueMemberN:
			all = append(all, k+"="+v.Value)
		case *types.AttributeValueMemberSS:
			all = append(all, k+"="+strings.Join(v.Value, "+"))
		case *types.AttributeValueMemberL:
			all = append(all, fmt.Sprintf("%s has %d", k, len(v.Value)))
		}
	}
	return strings.Join(slices.Sorted(slices.Values(all)), " ")
}

func (c scene) want(code string, err error) {
	c.Helper()
	if got := fault.Code(err); got != code || code == "" && err != nil {
		c.Errorf("got %v, want %q", err, code)
	}
}

// full is an item with a number, a text and a set.
func full() attributes {
	return at("a", attributes{"n": n("10"), "text": s("hello"), "set": set("x", "y")})
}

// Developer guide, "Condition and filter expressions, operators, and functions".
func TestConditions(t *testing.T) {
	for condition, holds := range map[string]bool{
		"n = :ten": true, "n <> :ten": false, "n < :nine": false, "n > :nine AND n <= :ten": true, "absent <> :ten": true,
		"absent = :ten": false, "NOT absent = :ten": true, "n BETWEEN :nine AND :ten": true, "n IN (:nine, :ten)": true,
		"attribute_exists(n) AND attribute_not_exists(m)": true, "begins_with(#text, :he)": true, "contains(#set, :x)": true,
		"size(#text) > :nine": false, "attribute_type(n, :kind)": true, "(n = :nine OR n = :ten) AND #text = :hello": true,
		"n = :nine OR n = :ten AND #text = :he": false,
	} {
		play(t, func(c scene) {
			c.put(full())
			in := &sdk.DeleteItemInput{
				TableName: name, Key: at("a", nil), ConditionExpression: &condition, ExpressionAttributeValues: spoken(condition),
			}
			for _, word := range []string{"text", "set"} {
				if strings.Contains(condition, "#"+word) {
					in.ExpressionAttributeNames = map[string]string{"#" + word: word}
				}
			}
			_, err := c.DeleteItem(c.Context(), in)
			if (err == nil) != holds || !holds && fault.Code(err) != "ConditionalCheckFailedException" {
				c.Errorf("%s: %v, want %t", condition, err, holds)
			}
			if gone := c.get(name) == ""; gone != holds {
				c.Errorf("%s: the item is gone: %t", condition, gone)
			}
		})
	}
}

// spoken are the values that an expression has; nil for none.
func spoken(expression string) attributes {
	var out attributes
	known := attributes{
		":ten": n("10.0"), ":nine": n("9"), ":one": n("1"), ":hello": s("hello"), ":he": s("he"), ":kind": s("N"),
		":x": s("x"), ":sx": set("x"), ":sz": set("z"),
		":list": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("1")}},
	}
	for _, word := range regexp.MustCompile(`:\w+`).FindAllString(expression, -1) {
		if v, ok := known[word]; ok {
			if out == nil {
				out = attributes{}
			}
			out[word] = v
		}
	}
	return out
}

func set(elements ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: elements}
}

// Developer guide, "Update expressions".
func TestUpdates(t *testing.T) {
	for change, want := range map[string]string{
		"SET a = :one":                           "a=1 n=5 pk=p sk=a tags=x+y",
		"SET n = n + :one, b = n":                "b=5 n=6 pk=p sk=a tags=x+y",
		"SET n = if_not_exists(n, :one)":         "n=5 pk=p sk=a tags=x+y",
		"SET m = if_not_exists(m, :one)":         "m=1 n=5 pk=p sk=a tags=x+y",
		"REMOVE n SET a = :one":                  "a=1 pk=p sk=a tags=x+y",
		"ADD n :one":                             "n=6 pk=p sk=a tags=x+y",
		"ADD tags :sz":                           "n=5 pk=p sk=a tags=x+y+z",
		"DELETE tags :sx":                        "n=5 pk=p sk=a tags=y",
		"SET l = list_append(:list, :list)":      "l has 2 n=5 pk=p sk=a tags=x+y",
		"SET a = :one SET b = :one":              "ValidationException",
		"SET a = :one, a = :one":                 "ValidationException",
		"SET pk = :one":                          "ValidationException",
		"SET a = absent":                         "ValidationException",
		"SET tags = tags + :one":                 "ValidationException",
		"SET token = :one":                       "ValidationException",
		"SET a :one":                             "ValidationException",
		"CHANGE a = :one":                        "ValidationException",
		"SET a = :nothing":                       "ValidationException",
		"":                                       "ValidationException",
		"REMOVE n, tags ADD m :one SET c = :one": "c=1 m=1 pk=p sk=a",
	} {
		play(t, func(c scene) {
			c.put(at("a", attributes{"n": n("5"), "tags": set("x", "y")}))
			in := &sdk.UpdateItemInput{
				TableName: name, Key: at("a", nil), UpdateExpression: &change, ReturnValues: types.ReturnValueAllNew,
			}
			in.ExpressionAttributeValues = spoken(change)
			out, err := c.UpdateItem(c.Context(), in)
			got := fault.Code(err)
			if err == nil {
				got = shown(out.Attributes)
			}
			if got != want || err == nil && c.get(name) != want {
				c.Errorf("%s: got %s (%v), want %s", change, got, err, want)
			}
		})
	}
}

// API reference, Query: key conditions, pages, filters and the order.
func TestQueries(t *testing.T) {
	play(t, func(c scene) {
		for i := range 9 {
			c.put(at(fmt.Sprintf("k%d", i), attributes{"n": n(fmt.Sprint(i))}))
		}
		time.Sleep(2 * time.Second)
		ask := func(edit func(*sdk.QueryInput)) string {
			in := &sdk.QueryInput{
				TableName: name, KeyConditionExpression: aws.String("pk = :p"),
				ExpressionAttributeValues: attributes{":p": s("p")},
			}
			edit(in)
			out, err := c.Query(c.Context(), in)
			if err != nil {
				return fault.Code(err)
			}
			var keys []string
			for _, i := range out.Items {
				keys = append(keys, i["sk"].(*types.AttributeValueMemberS).Value)
			}
			more := ""
			if out.LastEvaluatedKey != nil {
				more = " ..."
			}
			return fmt.Sprint(out.Count, " of ", out.ScannedCount, " ", strings.Join(keys, ","), more)
		}
		with := func(condition string, more attributes) func(*sdk.QueryInput) {
			return func(in *sdk.QueryInput) {
				in.KeyConditionExpression = &condition
				for k, v := range more {
					in.ExpressionAttributeValues[k] = v
				}
			}
		}
		for what, row := range map[string]struct {
			edit func(*sdk.QueryInput)
			want string
		}{
			"a prefix":     {with("pk = :p AND begins_with(sk, :k)", attributes{":k": s("k3")}), "1 of 1 k3"},
			"above":        {with("pk = :p AND sk > :k", attributes{":k": s("k6")}), "2 of 2 k7,k8"},
			"between":      {with("pk = :p AND sk BETWEEN :a AND :b", attributes{":a": s("k1"), ":b": s("k2")}), "2 of 2 k1,k2"},
			"other":        {with("sk = :p", nil), "ValidationException"},
			"or":           {with("pk = :p OR sk = :p", nil), "ValidationException"},
			"another":      {with("pk = :p AND n = :p", nil), "ValidationException"},
			"empty prefix": {with("pk = :p AND begins_with(sk, :k)", attributes{":k": s("")}), "ValidationException"},
			"unused":       {with("pk = :p", attributes{":k": s("k3")}), "ValidationException"},
			"a page":       {func(in *sdk.QueryInput) { in.Limit = aws.Int32(2) }, "2 of 2 k0,k1 ..."},
			"the next": {func(in *sdk.QueryInput) {
				in.Limit, in.ExclusiveStartKey = aws.Int32(2), at("k1", nil)
			}, "2 of 2 k2,k3 ..."},
			"backwards": {func(in *sdk.QueryInput) {
				in.Limit, in.ScanIndexForward = aws.Int32(1), aws.Bool(false)
			}, "1 of 1 k8 ..."},
			"a filter": {func(in *sdk.QueryInput) {
				in.FilterExpression = aws.String("n >= :seven")
				in.ExpressionAttributeValues[":seven"] = n("7")
			}, "2 of 9 k7,k8"},
			"a count": {func(in *sdk.QueryInput) { in.Select = "COUNT" }, "9 of 9 "},
		} {
			if got := ask(row.edit); got != row.want {
				c.Errorf("%s: got %s, want %s", what, got, row.want)
			}
		}
	})
}

// Developer guide, "DynamoDB read consistency".
func TestReadsThatAreNotConsistentAreLate(t *testing.T) {
	play(t, func(c scene) {
		c.put(at("a", attributes{"n": n("1")}))
		late := func() string {
			out, err := c.GetItem(c.Context(), &sdk.GetItemInput{TableName: name, Key: at("a", nil)})
			c.want("", err)
			return shown(out.Item)
		}
		if now, got := c.get(name), late(); now != "n=1 pk=p sk=a" || got != "" {
			c.Errorf("consistent %q, otherwise %q", now, got)
		}
		time.Sleep(2 * time.Second)
		if got := late(); got != "n=1 pk=p sk=a" {
			c.Errorf("later %q", got)
		}
	})
}

// Developer guide, "Using time to live": within days of its time, and not before.
func TestItemsAreForgotten(t *testing.T) {
	play(t, func(c scene) {
		c.put(at("a", attributes{"expires": n(fmt.Sprint(time.Now().Add(time.Hour).Unix()))}))
		time.Sleep(24 * time.Hour)
		if c.get(name) == "" {
			c.Error("gone after a day")
		}
		time.Sleep(48 * time.Hour)
		if got := c.get(name); got != "" {
			c.Errorf("still there after three: %s", got)
		}
	})
}

func TestItemsThatAreRefused(t *testing.T) {
	play(t, func(c scene) {
		for what, item := range map[string]attributes{
			"no sort key":  {"pk": s("p")},
			"a number":     {"pk": n("1"), "sk": s("a")},
			"an empty key": {"pk": s(""), "sk": s("a")},
			"too large":    at("a", attributes{"text": s(strings.Repeat("x", 400<<10))}),
			"no number":    at("a", attributes{"n": n("one")}),
			"empty set":    at("a", attributes{"n": &types.AttributeValueMemberSS{Value: []string{}}}),
			"twice":        at("a", attributes{"n": set("a", "a")}),
		} {
			_, err := c.PutItem(c.Context(), &sdk.PutItemInput{TableName: name, Item: item})
			if fault.Code(err) != "ValidationException" {
				c.Errorf("%s: %v", what, err)
			}
		}
		_, err := c.GetItem(c.Context(), &sdk.GetItemInput{TableName: name, Key: at("a", attributes{"n": n("1")})})
		c.want("ValidationException", err)
		_, err = c.GetItem(c.Context(), &sdk.GetItemInput{TableName: aws.String("another"), Key: at("a", nil)})
		c.want("ResourceNotFoundException", err)
	})
}
