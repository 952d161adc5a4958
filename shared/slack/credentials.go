package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// credentials are a webhook, or a bot token with the channel to post to.
type credentials struct{ webhook, token, channel string }

// forms is what a secret may hold.
const forms = `a webhook URL, {"webhook":"https://hooks.slack.com/..."} or {"token":"xoxb-...","channel":"C0123"}`

// read reads the secret. No error of it quotes what the secret holds.
func read(ctx context.Context, secrets secretReader, id string) (*credentials, error) {
	out, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
	if err != nil {
		return nil, fmt.Errorf("reading the Slack secret %s: %w", id, err)
	}
	held, problem := parse(aws.ToString(out.SecretString))
	if problem != "" {
		return nil, fmt.Errorf("the Slack secret %s %s; it must hold %s", id, problem, forms)
	}
	return held, nil
}

// parse returns the problem in words, never as the parser's error: that one quotes its input.
func parse(secret string) (held *credentials, problem string) {
	secret = strings.TrimSpace(secret)
	var fields struct{ Webhook, Token, Channel string }
	switch {
	case secret == "":
		return nil, "holds no text"
	case !strings.HasPrefix(secret, "{"):
		fields.Webhook = secret
	case json.Unmarshal([]byte(secret), &fields) != nil:
		return nil, "is not valid JSON"
	}
	switch {
	case fields.Webhook != "" && fields.Token != "":
		return nil, "holds both a webhook and a token"
	case fields.Webhook == "" && fields.Token == "":
		return nil, "holds neither a webhook nor a token"
	case fields.Webhook != "" && !isWebhook(fields.Webhook):
		return nil, "holds a webhook that is no https:// URL"
	}
	return &credentials{webhook: fields.Webhook, token: fields.Token, channel: fields.Channel}, ""
}

// isWebhook takes https only: a webhook's URL is a secret, and http shows it to everything on the way.
func isWebhook(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
