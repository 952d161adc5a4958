package secretsmanager_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/local/secretsmanager"
)

const name = "goldsmith/slack"

func newScene() (*secretsmanager.Store, *sdk.Client, *query.Log) {
	log := &query.Log{}
	store := secretsmanager.New(secretsmanager.Options{Clock: clock.Real(), Region: "eu-west-1", Account: "123456789012",
		Log: log})
	return store, sdk.New(sdk.Options{
		Region: "eu-west-1", HTTPClient: query.Client(store),
		Credentials:  credentials.NewStaticCredentialsProvider("a", "b", ""),
		BaseEndpoint: aws.String("http://aws.local"),
	}), log
}

func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	return fmt.Sprint(err)
}

func get(t *testing.T, c *sdk.Client, in *sdk.GetSecretValueInput) string {
	t.Helper()
	out, err := c.GetSecretValue(t.Context(), in)
	if err != nil {
		return code(err)
	}
	return aws.ToString(out.SecretString)
}

func TestRotation(t *testing.T) {
	_, c, _ := newScene()
	made, err := c.CreateSecret(t.Context(),
		&sdk.CreateSecretInput{Name: aws.String(name), SecretString: aws.String("one")})
	if err != nil || !strings.HasPrefix(*made.ARN,
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:goldsmith/slack-") {
		t.Fatal(made, err)
	}
	put, err := c.PutSecretValue(t.Context(),
		&sdk.PutSecretValueInput{SecretId: made.ARN, SecretString: aws.String("two")})
	if err != nil || !slices.Equal(put.VersionStages, []string{"AWSCURRENT"}) {
		t.Fatal(put, err)
	}
	for want, in := range map[string]*sdk.GetSecretValueInput{
		"two":                       {SecretId: aws.String(name)},
		"one":                       {SecretId: made.ARN, VersionStage: aws.String("AWSPREVIOUS")},
		"ResourceNotFoundException": {SecretId: aws.String(name), VersionStage: aws.String("AWSPENDING")},
	} {
		if got := get(t, c, in); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: aws.String((*made.ARN)[:len(*made.ARN)-7])}); got != "two" {
		t.Errorf("by partial ARN: %s", got)
	}
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: aws.String(name), VersionId: made.VersionId}); got != "one" {
		t.Errorf("by version: %s", got)
	}
}

func TestDescribe(t *testing.T) {
	store, c, _ := newScene()
	store.Put(name, "one")
	store.Put(name, "two")
	store.Put(name, "three")
	described, err := c.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: aws.String(name)})
	if err != nil || len(described.VersionIdsToStages) != 2 || aws.ToString(described.Name) != name ||
		described.LastChangedDate == nil {
		t.Errorf("%+v, %v", described, err)
	}
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

func TestTokensMakeCallsIdempotent(t *testing.T) {
	_, c, _ := newScene()
	token := aws.String(strings.Repeat("a", 32))
	create := &sdk.CreateSecretInput{Name: aws.String(name), SecretString: aws.String("one"), ClientRequestToken: token}
	for range 2 {
		if _, err := c.CreateSecret(t.Context(), create); err != nil {
			t.Fatal(err)
		}
	}
	put := &sdk.PutSecretValueInput{SecretId: aws.String(name), SecretString: aws.String("one"), ClientRequestToken: token}
	if _, err := c.PutSecretValue(t.Context(), put); err != nil {
		t.Error(err)
	}
	put.SecretString = aws.String("other")
	if _, err := c.PutSecretValue(t.Context(), put); code(err) != "ResourceExistsException" {
		t.Error(err)
	}
	create.ClientRequestToken = aws.String(strings.Repeat("b", 32))
	if _, err := c.CreateSecret(t.Context(), create); code(err) != "ResourceExistsException" {
		t.Error(err)
	}
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: aws.String(name)}); got != "one" {
		t.Error(got)
	}
}

func TestPutFromOutsideTheProtocol(t *testing.T) {
	store, c, log := newScene()
	for _, value := range []string{"one", "two"} {
		store.Put(name, value)
		if got := get(t, c, &sdk.GetSecretValueInput{SecretId: aws.String(name)}); got != value {
			t.Errorf("%s, want %s", got, value)
		}
	}
	for _, r := range log.Since(0) {
		if r.Form != "" || r.Action != "GetSecretValue" {
			t.Errorf("log %+v", r)
		}
	}
}

func TestRefusals(t *testing.T) {
	_, c, _ := newScene()
	if _, err := c.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: aws.String("empty")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: aws.String(name)}); !isMissing(err) {
		t.Error(err)
	}
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: aws.String("empty")}); got != "ResourceNotFoundException" {
		t.Errorf("a secret without a value: %s", got)
	}
	if _, err := c.PutSecretValue(t.Context(),
		&sdk.PutSecretValueInput{SecretId: aws.String("empty")}); code(err) != "InvalidRequestException" {
		t.Error(err)
	}
	if _, err := c.PutSecretValue(t.Context(),
		&sdk.PutSecretValueInput{SecretId: aws.String("no"), SecretString: aws.String("x")}); !isMissing(err) {
		t.Error(err)
	}
	if _, err := c.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: aws.String("no")}); !isMissing(err) {
		t.Error(err)
	}
	if _, err := c.ListSecrets(t.Context(), &sdk.ListSecretsInput{}); code(err) != "UnknownOperationException" {
		t.Error(err)
	}
}
