package secretsmanager_test

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// API reference, CreateSecret.
func TestSecretsThatAreRefused(t *testing.T) {
	text := func(n int) *string {
		s := strings.Repeat("x", n)
		return &s
	}
	type createInput struct {
		Name, ClientRequestToken string
		SecretString             *string
		SecretBinary             []byte
	}
	for name, c := range map[string]struct {
		in    createInput
		taken bool
	}{
		"text":           {createInput{Name: "a/b_c+d=e.f@g-h", SecretString: text(65_536)}, true},
		"binary":         {createInput{Name: "a", SecretBinary: []byte("x")}, true},
		"text, binary":   {createInput{Name: "a", SecretString: text(1), SecretBinary: []byte("x")}, false},
		"too large":      {createInput{Name: "a", SecretString: text(65_537)}, false},
		"a space":        {createInput{Name: "a b", SecretString: text(1)}, false},
		"too long":       {createInput{Name: *text(513), SecretString: text(1)}, false},
		"a short token":  {createInput{Name: "a", SecretString: text(1), ClientRequestToken: *text(31)}, false},
		"a long token":   {createInput{Name: "a", SecretString: text(1), ClientRequestToken: *text(65)}, false},
		"a token":        {createInput{Name: "a", SecretString: text(1), ClientRequestToken: *text(32)}, true},
		"without a name": {createInput{SecretString: text(1)}, false},
	} {
		_, client, _ := newScene()
		in := &sdk.CreateSecretInput{Name: &c.in.Name, SecretString: c.in.SecretString, SecretBinary: c.in.SecretBinary}
		if c.in.ClientRequestToken != "" {
			in.ClientRequestToken = &c.in.ClientRequestToken
		}
		_, err := client.CreateSecret(t.Context(), in)
		if c.taken != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
