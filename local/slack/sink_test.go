package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/golden"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/clock"
	"goldsmith/local/query"
	localslack "goldsmith/local/slack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/slack"
)

var night = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

// vault is a Secrets Manager that holds one secret.
type vault string

func (v vault) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput,
	...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(v))}, nil
}

var botSecret = vault(`{"token":"` + localslack.Token + `","channel":"C0123"}`)

func partial() report.Report {
	back := job.Times{StopSent: night.Add(time.Minute), Running: night.Add(3 * time.Minute)}
	return report.Of(ledger.Run{
		Name: "nightly-1", Plan: "nightly", Scheduled: night,
		Execution: "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:nightly-1",
	}, []job.Result{
		{Source: "i-0a1", Name: "web <prod> & co", Ending: job.Imaged, Image: job.Image{ID: "ami-0a1"}, Times: back},
		{Source: "i-0a2", Name: "<!channel>", Ending: job.LeftStopped, Problem: "InsufficientInstanceCapacity",
			Times: job.Times{StopSent: night}},
	}, plan.Plan{Notify: plan.Notify{Mention: "<!here>"}})
}

func TestSenderReachesTheSink(t *testing.T) {
	for name, c := range map[string]struct {
		secret  vault
		channel string
	}{
		"webhook": {localslack.WebhookURL, localslack.Channel},
		"bot":     {botSecret, "C0123"},
	} {
		t.Run(name, func(t *testing.T) {
			sink := localslack.New(localslack.Options{Clock: clock.Real()})
			got, err := slack.New(c.secret, "s", query.Client(sink)).Send(t.Context(), slack.Of(partial()))
			if got != slack.Sent || err != nil {
				t.Fatalf("%s, %v", got, err)
			}
			messages := sink.Messages()
			if len(messages) != 1 || messages[0].Channel != c.channel ||
				!strings.HasPrefix(messages[0].Text, "Goldsmith PARTIAL") {
				t.Fatalf("%+v", messages)
			}
			if pings := messages[0].Pings(); !slices.Equal(pings, []string{"!here"}) {
				t.Errorf("pinged %v", pings)
			}
		})
	}
}

func TestPaceIsKept(t *testing.T) {
	for name, secret := range map[string]vault{"webhook": localslack.WebhookURL, "bot": botSecret} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := localslack.New(localslack.Options{Clock: clock.Real()})
				sender := slack.New(secret, "s", query.Client(sink))
				began := time.Now()
				for range 3 {
					if _, err := sender.Send(t.Context(), slack.Of(partial())); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took != 2*time.Second {
					t.Errorf("three messages took %s", took)
				}
				if n := len(sink.Refused()); n != 2 || sink.Refused()[0].Code != "ratelimited" {
					t.Errorf("refused %+v", sink.Refused())
				}
			})
		})
	}
}

func TestInjectedFailures(t *testing.T) {
	for name, c := range map[string]struct {
		fail  []localslack.Failure
		want  slack.Delivery
		kept  int
		after time.Duration
	}{
		"503, then well": {[]localslack.Failure{{Status: 503}}, slack.Sent, 1, time.Second},
		"429 for 5 s": {[]localslack.Failure{{Status: 429, RetryAfter: 5 * time.Second}}, slack.Sent, 1,
			5 * time.Second},
		"dropped before":        {[]localslack.Failure{{}}, slack.Sent, 1, time.Second},
		"dropped after":         {[]localslack.Failure{{Kept: true}}, slack.Sent, 2, time.Second},
		"down":                  {slices.Repeat([]localslack.Failure{{Status: 500}}, 9), slack.Failed, 0, 7 * time.Second},
		"refused, not repeated": {[]localslack.Failure{{Status: 403, Code: "action_prohibited"}}, slack.Failed, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := localslack.New(localslack.Options{Clock: clock.Real()})
				sink.Inject(c.fail...)
				began := time.Now()
				got, err := slack.New(vault(localslack.WebhookURL), "s", query.Client(sink)).Send(t.Context(), slack.Of(partial()))
				if got != c.want || len(sink.Messages()) != c.kept || time.Since(began) != c.after {
					t.Errorf("%s, %v; %d kept after %s", got, err, len(sink.Messages()), time.Since(began))
				}
			})
		})
	}
}

func header(s string) string {
	return fmt.Sprintf(`{"type":"header","text":{"type":"plain_text","text":%q}}`, s)
}

func section(s string) string {
	return fmt.Sprintf(`{"type":"section","text":{"type":"mrkdwn","text":%q}}`, s)
}

func TestWhatSlackRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, blocks, want string }{
		"good":               {"x", section("<!here> a &amp; b <https://x.y|z>"), ""},
		"no blocks":          {"x", "", ""},
		"no text":            {" ", section("x"), "no_text"},
		"51 blocks":          {"x", strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}`, "invalid_blocks"},
		"50 blocks":          {"x", strings.Repeat(`{"type":"divider"},`, 49) + `{"type":"divider"}`, ""},
		"long header":        {"x", header(strings.Repeat("x", 151)), "invalid_blocks"},
		"header":             {"x", header(strings.Repeat("x", 150)), ""},
		"mrkdwn header":      {"x", strings.Replace(header("x"), "plain_text", "mrkdwn", 1), "invalid_blocks"},
		"long section":       {"x", section(strings.Repeat("x", 3001)), "invalid_blocks"},
		"emoji count double": {"x", section(strings.Repeat("🦀", 1501)), "invalid_blocks"},
		"empty section":      {"x", section(""), "invalid_blocks"},
		"no section text":    {"x", `{"type":"section"}`, "invalid_blocks"},
		"other block":        {"x", `{"type":"actions"}`, "invalid_blocks"},
		"other text":         {"x", strings.Replace(section("x"), "mrkdwn", "html", 1), "invalid_blocks"},
		"no elements":        {"x", `{"type":"context","elements":[]}`, "invalid_blocks"},
		"long field": {"x", fmt.Sprintf(`{"type":"section","fields":[{"type":"mrkdwn","text":%q}]}`,
			strings.Repeat("x", 2001)), "invalid_blocks"},
		"long block id": {"x", fmt.Sprintf(`{"type":"divider","block_id":%q}`, strings.Repeat("x", 256)),
			"invalid_blocks"},
		"bare &":         {"x", section("a & b"), "invalid_blocks"},
		"bare <":         {"x", section("a <b>"), "invalid_blocks"},
		"bare < in text": {"a <b>", section("x"), "invalid_blocks"},
		"too much": {"x", strings.Repeat(section(strings.Repeat("x", 2900))+",", 4) +
			section(strings.Repeat("x", 2900)), "msg_blocks_too_long"},
		"no list": {"x", "{]", "invalid_blocks_format"},
	} {
		t.Run(name, func(t *testing.T) {
			blocks := "[" + c.blocks + "]"
			if got := viaAPI(t, localslack.New(localslack.Options{Clock: clock.Real()}),
				url.Values{"token": {localslack.Token}, "channel": {"C"}, "text": {c.text}, "blocks": {blocks}}); got != c.want {
				t.Errorf("API says %q, want %q", got, c.want)
			}
			want := c.want
			if name == "no list" {
				want = "invalid_payload"
			}
			if got := viaWebhook(t, localslack.WebhookURL,
				fmt.Sprintf(`{"text":%q,"blocks":%s}`, c.text, blocks)); strings.TrimPrefix(got, "ok") != want {
				t.Errorf("webhook says %q, want %q", got, want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	sink := localslack.New(localslack.Options{Clock: clock.Real()})
	for want, form := range map[string]url.Values{
		"not_authed":        {"channel": {"C"}, "text": {"x"}},
		"invalid_auth":      {"token": {"xoxb-other"}, "channel": {"C"}, "text": {"x"}},
		"channel_not_found": {"token": {localslack.Token}, "text": {"x"}},
	} {
		if got := viaAPI(t, sink, form); got != want {
			t.Errorf("%v: %q, want %q", form, got, want)
		}
	}
	for body, c := range map[string]struct{ to, want string }{
		`{"text":"x"}`: {localslack.WebhookURL, "ok"},
		`{"text":"y"}`: {"https://hooks.slack.com/services/T/B/other", "no_service"},
		`text`:         {localslack.WebhookURL, "invalid_payload"},
	} {
		if got := viaWebhook(t, c.to, body); got != c.want {
			t.Errorf("%s: %q, want %q", body, got, c.want)
		}
	}
}

func viaAPI(t *testing.T, sink *localslack.Sink, form url.Values) string {
	t.Helper()
	body := post(t, sink, "https://slack.com/api/chat.postMessage", "application/x-www-form-urlencoded", form.Encode())
	var answer struct {
		OK    bool
		Error string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.OK == (answer.Error != "") {
		t.Fatalf("answer %s, %v", body, err)
	}
	return answer.Error
}

func viaWebhook(t *testing.T, to, body string) string {
	t.Helper()
	return post(t, localslack.New(localslack.Options{Clock: clock.Real()}), to, "application/json", body)
}

func post(t *testing.T, sink *localslack.Sink, to, kind, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	response, err := query.Client(sink).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func shown(t *testing.T) localslack.Message {
	t.Helper()
	sink := localslack.New(localslack.Options{Clock: clock.Real()})
	if _, err := slack.New(vault(localslack.WebhookURL), "s", query.Client(sink)).Send(t.Context(),
		slack.Of(partial())); err != nil {
		t.Fatal(err)
	}
	m := sink.Messages()[0]
	m.At = night
	return m
}

func TestShow(t *testing.T) {
	m := shown(t)
	golden.Assert(t, m.Terminal(false), "plain.txt")
	golden.Assert(t, m.Terminal(true), "colored.txt")
	var html strings.Builder
	if err := m.HTML(&html); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, html.String(), "message.html")
	if strings.Contains(html.String(), "<prod>") || strings.Contains(m.Terminal(false), "\x1b") {
		t.Error("unescaped")
	}
	if localslack.Colored(&html) {
		t.Error("a builder is no terminal")
	}
}

func TestSpans(t *testing.T) {
	bold := localslack.Span{Text: "b", Bold: true}
	for in, want := range map[string][]localslack.Span{
		"a *b* c":        {{Text: "a "}, bold, {Text: " c"}},
		"2*3*4":          {{Text: "2*3*4"}},
		"a * b * c":      {{Text: "a * b * c"}},
		"**":             {{Text: "**"}},
		"*_b_*":          {{Text: "b", Bold: true, Italic: true}},
		"~x~":            {{Text: "x", Strike: true}},
		"snake_case_x":   {{Text: "snake_case_x"}},
		"`a*b*&lt;`":     {{Text: "a*b*<", Code: true}},
		"`":              {{Text: "`"}},
		"&lt;!here&gt;":  {{Text: "<!here>"}},
		"&amp;lt;":       {{Text: "&lt;"}},
		"<!here>":        {{Text: "@here", Ping: "!here"}},
		"<@U1|ada>":      {{Text: "@ada", Ping: "@U1"}},
		"<!subteam^S1>":  {{Text: "@S1", Ping: "!subteam^S1"}},
		"<http://x|y>":   {{Text: "y", URL: "http://x"}},
		"<javascript:x>": {{Text: "<javascript:x>"}},
		"<!date^1777600800^{date_short_pretty} {time}|then>": {{Text: "May 1, 2026 02:00 UTC"}},
		"<!date^1777600800^{ago}|then>":                      {{Text: "then"}},
		"a\x1b[31mb":                                         {{Text: "a[31mb"}},
	} {
		got := localslack.Text{Type: "mrkdwn", Text: in}.Spans()
		if diff := cmp.Diff([][]localslack.Span{want}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

// FuzzShow holds that no message breaks the page or commands the terminal.
func FuzzShow(f *testing.F) {
	for _, s := range []string{"*a* _b_ `c` ~d~", "<!here> <@U1> <http://x|<>", "&amp;&lt;&", "*", "<!date^1^{time}|x>",
		"</article><script>", "\x1b]8;;\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		texts := []localslack.Text{{Type: "mrkdwn", Text: s}, {Type: "plain_text", Text: s}}
		m := localslack.Message{Channel: s, Text: s, Blocks: []localslack.Block{
			{Type: "header", Text: &texts[1]}, {Type: "section", Text: &texts[0]}, {Type: "context", Elements: texts},
		}}
		var html strings.Builder
		if err := m.HTML(&html); err != nil {
			t.Fatal(err)
		}
		if strings.Count(html.String(), "</article>") != 1 || strings.Contains(html.String(), "<script") {
			t.Errorf("the page breaks: %q", html.String())
		}
		if shown := m.Terminal(false); strings.ContainsAny(shown, "\x1b\x07\r") {
			t.Errorf("the terminal is commanded: %q", shown)
		}
	})
}

// FuzzServe holds that whatever is posted gets an answer, and that what is taken can be shown.
func FuzzServe(f *testing.F) {
	f.Add("application/json", `{"text":"x","blocks":[{"type":"divider"}]}`)
	f.Add("application/x-www-form-urlencoded", "payload=%7B%22text%22%3A%22x%22%7D")
	f.Add("application/x-www-form-urlencoded", "token=xoxb-embedded&channel=C&text=x&blocks=[]")
	f.Fuzz(func(t *testing.T, kind, body string) {
		for _, to := range []string{localslack.WebhookURL, "https://slack.com/api/chat.postMessage"} {
			sink := localslack.New(localslack.Options{Clock: clock.Real()})
			if post(t, sink, to, kind, body) == "" {
				t.Error("no answer")
			}
			for _, m := range sink.Messages() {
				if err := m.HTML(io.Discard); err != nil {
					t.Error(errors.Join(err, fmt.Errorf("after %q", body)))
				}
				m.Terminal(true)
				m.Pings()
			}
		}
	})
}
