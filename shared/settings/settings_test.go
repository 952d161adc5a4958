package settings_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
)

var all = []settings.Name{settings.Table, settings.StateMachine, settings.PlansFile, settings.SlackSecret,
	settings.ImagePath}

// clean takes away what the machine running the test may have set.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range all {
		t.Setenv(string(name), "")
	}
	t.Setenv("AWS_REGION", "")
}

func set(t *testing.T, values map[settings.Name]string) {
	t.Helper()
	clean(t)
	t.Setenv("AWS_REGION", "eu-west-1")
	for name, value := range values {
		t.Setenv(string(name), value)
	}
}

func plans() plan.Plans {
	nightly := plan.Default()
	nightly.Name = "nightly"
	return plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": nightly}}
}

func plansFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plans.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	text, err := json.Marshal(plans())
	if err != nil {
		t.Fatal(err)
	}
	set(t, map[settings.Name]string{
		settings.Table: "ledger", settings.StateMachine: "arn:aws:states:eu-west-1:123456789012:stateMachine:goldsmith",
		settings.PlansFile: plansFile(t, string(text)), settings.SlackSecret: "off", settings.ImagePath: "/goldsmith/images",
	})
	s, err := settings.Load(t.Context(), all...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plans(), s.Plans); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[settings.Name]string{settings.Table: "ledger", settings.SlackSecret: "",
		settings.ImagePath: "/goldsmith/images"} {
		if got := s.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if s.AWS.Region != "eu-west-1" || s.Ledger == nil {
		t.Errorf("the Region is %q", s.AWS.Region)
	}
}

// A function is told only what it asked for.
func TestLoadOnlyWhatIsAsked(t *testing.T) {
	set(t, map[settings.Name]string{settings.Table: "ledger", settings.PlansFile: "/no/such/file"})
	s, err := settings.Load(t.Context(), settings.Table)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Get(settings.PlansFile); got != "" {
		t.Errorf("the plans file is %q", got)
	}
}

func TestMissing(t *testing.T) {
	clean(t)
	_, err := settings.Load(t.Context(), all...)
	const want = "settings: GOLDSMITH_TABLE is not set; GOLDSMITH_STATE_MACHINE is not set; GOLDSMITH_PLANS is not set; " +
		"GOLDSMITH_SLACK_SECRET is not set; GOLDSMITH_IMAGE_PATH is not set; AWS_REGION is not set"
	if err == nil || err.Error() != want {
		t.Errorf("says %q, want %q", err, want)
	}
}

func TestWrong(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"not there":      {filepath.Join(t.TempDir(), "none"), "no such file"},
		"a folder":       {t.TempDir(), "is a directory"},
		"not JSON":       {plansFile(t, "plans:"), "decoding plans"},
		"empty":          {plansFile(t, ""), "decoding plans"},
		"an unknown key": {plansFile(t, `{"default":"a","plans":{},"more":1}`), `unknown field "more"`},
		"no plan":        {plansFile(t, `{"default":"a","plans":{}}`), "holds no plan"},
	} {
		t.Run(name, func(t *testing.T) {
			set(t, map[settings.Name]string{settings.PlansFile: c.file})
			_, err := settings.Load(t.Context(), settings.Table, settings.PlansFile)
			if err == nil {
				t.Fatal("nothing is wrong with it")
			}
			for _, want := range []string{"settings: GOLDSMITH_TABLE is not set; GOLDSMITH_PLANS: ", c.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// What Lambda gives a function is all that there is; a machine's files are not read.
func TestOfLambda(t *testing.T) {
	set(t, nil)
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_SESSION_TOKEN": "session", "AWS_PROFILE": "nobody", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"} {
		t.Setenv(name, value)
	}
	s, err := settings.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	given, err := s.AWS.Credentials.Retrieve(t.Context())
	if err != nil || given.AccessKeyID != "key" || given.SecretAccessKey != "secret" || given.SessionToken != "session" {
		t.Errorf("%+v (%v)", given, err)
	}
	if s.AWS.Region != "eu-west-1" || s.AWS.BaseEndpoint == nil || *s.AWS.BaseEndpoint != "http://127.0.0.1:1" {
		t.Errorf("region %q, endpoint %v", s.AWS.Region, s.AWS.BaseEndpoint)
	}
}

// Clients ask the endpoint that Lambda's environment names, as they do with the SDK's own configuration.
func TestEndpoints(t *testing.T) {
	for name, c := range map[string]struct {
		environment map[string]string
		want        string
	}{
		"none":       {nil, "dynamodb.eu-west-1.amazonaws.com"},
		"FIPS":       {map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "dynamodb-fips.eu-west-1.amazonaws.com"},
		"not FIPS":   {map[string]string{"AWS_USE_FIPS_ENDPOINT": "False"}, "dynamodb.eu-west-1.amazonaws.com"},
		"dual stack": {map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}, "dynamodb.eu-west-1.api.aws"},
		"wrong": {map[string]string{"AWS_USE_FIPS_ENDPOINT": "on"},
			`AWS_USE_FIPS_ENDPOINT is "on", neither true nor false`},
	} {
		t.Run(name, func(t *testing.T) {
			set(t, map[settings.Name]string{settings.Table: "table"})
			t.Setenv("AWS_ACCESS_KEY_ID", "key")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			s, err := settings.Load(t.Context(), settings.Table)
			if err == nil {
				s.AWS.HTTPClient, s.AWS.RetryMaxAttempts, s.AWS.Retryer = offline{}, 1, nil
				_, err = dynamodb.NewFromConfig(s.AWS).ListTables(t.Context(), &dynamodb.ListTablesInput{})
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("says %v, want %s in it", err, c.want)
			}
		})
	}
}

// offline answers every request with an error that names the host.
type offline struct{}

func (offline) Do(r *http.Request) (*http.Response, error) {
	return nil, errors.New("host " + r.URL.Host)
}

// Every client's retryer tries six times and never refuses a retry because of others that failed.
func TestRetryer(t *testing.T) {
	set(t, map[settings.Name]string{})
	s, err := settings.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	retryer := s.AWS.Retryer()
	if n := retryer.MaxAttempts(); n != 6 {
		t.Errorf("tries %d times", n)
	}
	throttled := &smithy.GenericAPIError{Code: "RequestLimitExceeded"}
	if !retryer.IsErrorRetryable(throttled) ||
		retryer.IsErrorRetryable(&smithy.GenericAPIError{Code: "UnauthorizedOperation"}) {
		t.Error("retries the wrong errors")
	}
	for range 10_000 {
		if _, err := retryer.GetRetryToken(t.Context(), throttled); err != nil {
			t.Fatalf("refuses a retry: %v", err)
		}
	}
	if s.AWS.Retryer() == retryer {
		t.Error("two clients share one retryer")
	}
}
