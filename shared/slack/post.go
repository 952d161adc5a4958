package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// postWebhook posts to an incoming webhook, which answers in plain text: "ok", or an error's name.
func postWebhook(ctx context.Context, client *http.Client, webhook string, m Message) error {
	body, err := json.Marshal(slack.WebhookMessage{
		Text: m.Text, Blocks: &slack.Blocks{BlockSet: m.Blocks}, UnfurlLinks: new(false), UnfurlMedia: new(false),
	})
	if err != nil {
		return fmt.Errorf("encoding the Slack message: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, bytes.NewReader(body))
	if err != nil {
		return &RefusedError{Code: "invalid_url"}
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return unreachable(err, webhook)
	}
	defer func() { _ = response.Body.Close() }()
	return answered(response)
}

// answered reads a webhook's answer. Anything but Slack's own error names is
// left unquoted: a proxy's page may hold the URL, which is a secret.
func answered(response *http.Response) error {
	const longest = 64
	said, err := io.ReadAll(io.LimitReader(response.Body, longest+1))
	name := strings.TrimSpace(string(said))
	if err != nil || len(said) > longest || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
		name = ""
	}
	status := response.StatusCode
	switch {
	case status == http.StatusOK && name == "ok":
		return nil
	case status == http.StatusOK:
		return &RefusedError{Code: "not_slack", Status: status}
	case status == http.StatusTooManyRequests:
		return &RateLimitedError{After: retryAfter(response.Header.Get("Retry-After"))}
	default:
		return statusOf(status, name)
	}
}

// statusOf is an answer that is not 200: Slack's own trouble passes, ours does not.
func statusOf(status int, name string) error {
	switch {
	case status == http.StatusTooManyRequests:
		return &RateLimitedError{After: leastWait}
	case status >= http.StatusInternalServerError:
		return &UnavailableError{Status: status}
	default:
		return &RefusedError{Code: name, Status: status}
	}
}

// leastWait is Slack's pace: one message a second and channel.
const leastWait = time.Second

func retryAfter(seconds string) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 32)
	if err != nil {
		return leastWait
	}
	return max(leastWait, time.Duration(n)*time.Second)
}

// postMessage posts with chat.postMessage, which answers 200 with ok=false when it refuses.
func postMessage(ctx context.Context, client *http.Client, held credentials, m Message) error {
	channel := cmp.Or(m.Channel, held.channel)
	if channel == "" {
		return &RefusedError{Code: "no_channel"}
	}
	api := slack.New(held.token, slack.OptionHTTPClient(client))
	_, _, err := api.PostMessageContext(ctx, channel,
		slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if err == nil {
		return nil
	}
	return answer(err, held.token)
}

func answer(err error, token string) error {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &RateLimitedError{After: max(leastWait, limited.RetryAfter)}
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return statusOf(status.Code, "")
	}
	said, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return unreachable(err, token)
	}
	switch said.Err {
	case "ratelimited", "rate_limited":
		return &RateLimitedError{After: leastWait}
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout":
		return &UnavailableError{Reason: said.Err}
	}
	return &RefusedError{Code: said.Err, Status: http.StatusOK, Details: said.ResponseMetadata.Messages}
}

// unreachable keeps what went wrong and nothing of the secret: net/http puts
// the whole URL into its errors, and a transport may quote what it likes.
func unreachable(err error, secret string) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	reason := err.Error()
	for _, part := range secretParts(secret) {
		reason = strings.ReplaceAll(reason, part, "[secret]")
	}
	failed := &UnavailableError{Reason: reason}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, known) {
			failed.cause = known
		}
	}
	return failed
}

// secretParts are the secret and, of a URL, its path and the path's last step, longest first.
func secretParts(secret string) []string {
	parts := []string{secret}
	u, err := url.Parse(secret)
	if err != nil || u.Host == "" || len(u.Path) < 2 {
		return parts
	}
	steps := strings.Split(strings.Trim(u.Path, "/"), "/")
	return append(parts, u.Path, steps[len(steps)-1])
}
