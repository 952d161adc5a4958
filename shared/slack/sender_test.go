package slack_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"goldsmith/shared/slack"
)

const (
	hook = "https://hooks.slack.com/services/T0AAA/B0BBB/sEcReTsEcReT"
	bot  = "xoxb-1-sEcReTsEcReT"
)

// vault holds one secret, whose value may change between reads.
type vault struct {
	values []string
	reads  int
	err    error
}

func (v *vault) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput,
	...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if v.err != nil {
		return nil, v.err
	}
	value := v.values[min(v.reads, len(v.values)-1)]
	v.reads++
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(value)}, nil
}

// answers are given in order, the last one for ever.
type answers struct {
	give []answer
	seen []*http.Request
	body []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.seen, a.body = append(a.seen, r), append(a.body, string(body))
	return a.give[min(len(a.seen), len(a.give))-1].to(r)
}

// answer is what comes back for one post.
type answer struct {
	status     int
	body       string
	retryAfter string
	err        error
	hang       bool
	location   string
}

func (a answer) to(r *http.Request) (*http.Response, error) {
	if a.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	header := http.Header{"Location": {cmp.Or(a.location, "https://evil.example/")}}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Header: header,
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func say(status int, body string) answer { return answer{status: status, body: body} }

func breakWith(err error) answer { return answer{err: err} }

func send(ctx context.Context, v *vault, a *answers) (slack.Delivery, error) {
	return slack.New(v, "goldsmith/slack", &http.Client{Transport: a}).Send(ctx, slack.Of(realistic()))
}

func TestOffWithoutSecret(t *testing.T) {
	got, err := slack.New(nil, "", nil).Send(t.Context(), slack.Of(realistic()))
	if got != slack.Off || err != nil {
		t.Fatalf("%s, %v", got, err)
	}
}

func TestEveryFormOfSecret(t *testing.T) {
	for name, secret := range map[string]string{
		"bare webhook": hook + "\n",
		"webhook":      fmt.Sprintf(`{"webhook":%q}`, hook),
		"token":        fmt.Sprintf(`{"token":%q,"channel":"C0123"}`, bot),
	} {
		t.Run(name, func(t *testing.T) {
			a := &answers{give: []answer{say(200, "ok")}}
			if name == "token" {
				a.give = []answer{say(200, `{"ok":true,"channel":"C0123","ts":"1.2"}`)}
			}
			got, err := send(t.Context(), &vault{values: []string{secret}}, a)
			if got != slack.Sent || err != nil {
				t.Fatalf("%s, %v", got, err)
			}
			if name == "token" {
				checkForm(t, a)
				return
			}
			if a.seen[0].URL.String() != hook {
				t.Errorf("posted to %s", a.seen[0].URL)
			}
			var body struct {
				Text   string
				Blocks []json.RawMessage
			}
			if err := json.Unmarshal([]byte(a.body[0]), &body); err != nil || body.Text == "" || len(body.Blocks) < 5 {
				t.Errorf("body %.200s, %v", a.body[0], err)
			}
		})
	}
}

func checkForm(t *testing.T, a *answers) {
	t.Helper()
	if got := a.seen[0].URL.String(); got != "https://slack.com/api/chat.postMessage" {
		t.Errorf("posted to %s", got)
	}
	form, err := url.ParseQuery(a.body[0])
	if err != nil {
		t.Fatal(err)
	}
	if form.Get("token") != bot || form.Get("channel") != "#golden" || form.Get("text") == "" ||
		!strings.HasPrefix(form.Get("blocks"), "[") {
		t.Errorf("form %.300s", a.body[0])
	}
}

func TestRefusals(t *testing.T) {
	hooked, botted := hook, fmt.Sprintf(`{"token":%q,"channel":"C0123"}`, bot)
	for name, c := range map[string]struct {
		secret string
		answer answer
		want   string
		posts  int
		reads  int
	}{
		"payload":         {hooked, say(400, "invalid_payload"), "invalid_payload", 1, 1},
		"archived":        {hooked, say(410, "channel_is_archived"), "channel_is_archived", 1, 2},
		"hook gone":       {hooked, say(404, "no_service"), "no_service (put a valid webhook", 1, 2},
		"hook invalid":    {hooked, say(403, "invalid_token"), "invalid_token", 1, 2},
		"a proxy's page":  {hooked, say(403, "<html>"+hook+"</html>"), "HTTP 403", 1, 1},
		"not Slack":       {hooked, say(200, "<html>welcome</html>"), "not_slack", 1, 1},
		"redirect":        {hooked, say(302, ""), "HTTP 302", 1, 1},
		"unavailable":     {hooked, say(503, "oops"), "HTTP 503", 4, 1},
		"bot: no channel": {botted, say(200, `{"ok":false,"error":"channel_not_found"}`), "channel_not_found (invite", 1, 1},
		"bot: bad blocks": {botted, say(200,
			`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] too long"]}}`),
			"invalid_blocks [ERROR] too long", 1, 1},
		"bot: revoked":      {botted, say(200, `{"ok":false,"error":"token_revoked"}`), "token_revoked (put a valid", 1, 2},
		"bot: own trouble":  {botted, say(200, `{"ok":false,"error":"internal_error"}`), "internal_error", 4, 1},
		"bot: 500":          {botted, say(500, "oops"), "HTTP 500", 4, 1},
		"bot: 403":          {botted, say(403, "oops"), "HTTP 403", 1, 1},
		"bot: page":         {botted, say(200, "<html>"), "invalid character", 4, 1},
		"network":           {hooked, breakWith(errors.New("connection reset")), "connection reset", 4, 1},
		"network, URL told": {hooked, breakWith(fmt.Errorf("no route for %s", hook)), "no route for [secret]", 4, 1},
		"bot: token told":   {botted, breakWith(fmt.Errorf("bad header %s", bot)), "bad header [secret]", 4, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, a := &vault{values: []string{c.secret}}, &answers{give: []answer{c.answer}}
				got, err := send(t.Context(), v, a)
				if got != slack.Failed || err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("%s, %v; want %q", got, err, c.want)
				}
				noSecret(t, err)
				if len(a.seen) != c.posts || v.reads != c.reads {
					t.Errorf("%d posts and %d reads, want %d and %d", len(a.seen), v.reads, c.posts, c.reads)
				}
			})
		})
	}
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	if said := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(said, "sEcReT") ||
		strings.Contains(said, "B0BBB") {
		t.Errorf("the secret shows: %s", said)
	}
}

func TestBadSecrets(t *testing.T) {
	for name, c := range map[string]struct{ secret, want string }{
		"empty":        {"", "holds no text"},
		"broken":       {`{"webhook":"` + hook, "is not valid JSON"},
		"wrong type":   {`{"webhook":{"` + hook + `":1}}`, "is not valid JSON"},
		"nothing":      {`{"url":"` + hook + `"}`, "holds neither"},
		"both":         {fmt.Sprintf(`{"webhook":%q,"token":%q}`, hook, bot), "holds both"},
		"no URL":       {"sEcReTsEcReT", "no https:// URL"},
		"control":      {"https://hooks.slack.com/sEcReT\x7f", "no https:// URL"},
		"http":         {strings.Replace(hook, "https", "http", 1), "no https:// URL"},
		"HTTP":         {strings.Replace(hook, "https", " HTTP", 1), "no https:// URL"},
		"http in JSON": {fmt.Sprintf(`{"webhook":%q}`, strings.Replace(hook, "https", "http", 1)), "no https:// URL"},
		"other scheme": {"file:///sEcReT", "no https:// URL"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answers{give: []answer{say(200, "ok")}}
			got, err := send(t.Context(), &vault{values: []string{c.secret}}, a)
			if len(a.seen) != 0 {
				t.Errorf("%d requests were sent", len(a.seen))
			}
			if got != slack.Failed || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(),
				"goldsmith/slack") {
				t.Fatalf("%s, %v; want %q", got, err, c.want)
			}
			noSecret(t, err)
		})
	}
	denied := errors.New("AccessDeniedException")
	if _, err := send(t.Context(), &vault{err: denied}, &answers{}); !errors.Is(err, denied) {
		t.Errorf("reading is denied: %v", err)
	}
}

// Slack redirects nothing. Whatever does is not followed, least of all to http, where the message and the token show.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, secret := range []string{hook, fmt.Sprintf(`{"token":%q,"channel":"C0123"}`, bot)} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, to := range []string{"http://hooks.slack.com/services/T0AAA/B0BBB/x", "https://evil.example/", "/elsewhere"} {
				synctest.Test(t, func(t *testing.T) {
					a := &answers{give: []answer{{status: status, location: to}, say(200, "ok")}}
					got, err := send(t.Context(), &vault{values: []string{secret}}, a)
					if got != slack.Failed || err == nil || len(a.seen) != 1 {
						t.Errorf("%d to %s: %s, %v after %d requests", status, to, got, err, len(a.seen))
					}
					noSecret(t, err)
				})
			}
		}
	}
}

func TestNoChannel(t *testing.T) {
	m := slack.Of(realistic())
	m.Channel = ""
	_, err := slack.New(&vault{values: []string{`{"token":"xoxb-1"}`}}, "s", nil).Send(t.Context(), m)
	if refused, ok := errors.AsType[*slack.RefusedError](err); !ok || refused.Code != "no_channel" {
		t.Fatal(err)
	}
}

func TestRotatedSecretIsReadAgain(t *testing.T) {
	v := &vault{values: []string{"https://hooks.slack.com/services/T/B/old", hook}}
	a := &answers{give: []answer{say(404, "no_service"), say(200, "ok")}}
	sender := slack.New(v, "s", &http.Client{Transport: a})
	for range 3 {
		if got, err := sender.Send(t.Context(), slack.Of(realistic())); got != slack.Sent || err != nil {
			t.Fatalf("%s, %v", got, err)
		}
	}
	if v.reads != 2 || len(a.seen) != 4 || a.seen[1].URL.String() != hook {
		t.Errorf("%d reads, %d posts", v.reads, len(a.seen))
	}
}

func TestRetryAfter(t *testing.T) {
	limited := func(after string) []answer {
		return []answer{{status: 429, retryAfter: after}, say(200, "ok")}
	}
	for name, c := range map[string]struct {
		after    string
		deadline time.Duration
		want     slack.Delivery
		took     time.Duration
		told     time.Duration
	}{
		"fits":               {"7", time.Minute, slack.Sent, 7 * time.Second, 0},
		"does not fit":       {"70", time.Minute, slack.Failed, 0, 70 * time.Second},
		"no deadline, fits":  {"60", 0, slack.Sent, time.Minute, 0},
		"no deadline, hours": {"3600", 0, slack.Failed, 0, time.Hour},
		"unreadable":         {"soon", time.Minute, slack.Sent, time.Second, 0},
		"at once":            {"0", time.Minute, slack.Sent, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				began := time.Now()
				got, err := send(ctx, &vault{values: []string{hook}}, &answers{give: limited(c.after)})
				if got != c.want || time.Since(began) != c.took {
					t.Fatalf("%s after %s, %v", got, time.Since(began), err)
				}
				if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok != (c.told > 0) || ok && limited.After != c.told {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestBotRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := send(t.Context(), &vault{values: []string{`{"token":"xoxb-1"}`}}, &answers{give: []answer{
			{status: 429, retryAfter: "9"}, say(200, `{"ok":false,"error":"ratelimited"}`), say(429, ""),
			say(200, `{"ok":true}`),
		}})
		if got != slack.Sent || time.Since(began) != 11*time.Second {
			t.Fatalf("%s after %s, %v", got, time.Since(began), err)
		}
	})
}

func TestHangingSlack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		got, err := send(ctx, &vault{values: []string{hook}}, &answers{give: []answer{{hang: true}}})
		if got != slack.Failed || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s, %v", got, err)
		}
		noSecret(t, err)
	})
}
