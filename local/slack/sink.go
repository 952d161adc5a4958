// Package slack is the embedded Slack: an incoming webhook and
// chat.postMessage that refuse what Slack refuses, keep what they took, and
// show it as Slack would.
package slack

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldsmith/local/clock"
)

// What the sink lets in. A secret that holds WebhookURL or Token posts to it
// through an HTTP client that sends hooks.slack.com and slack.com here.
const (
	WebhookPath = "/services/T000/B000/embedded"
	WebhookURL  = "https://hooks.slack.com" + WebhookPath
	Token       = "xoxb-embedded" // #nosec G101 -- the embedded Slack's own, worth nothing elsewhere.
	// Channel is where the webhook posts; a bot names its own.
	Channel = "#golden-images"
)

// Sink is the embedded Slack. It is safe for concurrent use.
type Sink struct {
	clock *clock.Clock

	mu       sync.Mutex
	messages []Message
	refused  []Refusal
	failures []Failure
	down     *Failure
	downTo   time.Time
	last     map[string]time.Time
}

// Message is a message Slack took.
type Message struct {
	At      time.Time
	Channel string
	// Text is the fallback that notifications show.
	Text   string
	Blocks []Block
}

// Refusal is a message Slack did not take, with its error name and, for people, what was wrong.
type Refusal struct {
	At   time.Time
	Code string
	Why  []string
}

// Failure is an answer given instead of the right one, whatever was sent.
type Failure struct {
	// Status and Code are the answer; Status 0 drops the connection.
	Status int
	Code   string
	// RetryAfter is sent with a 429.
	RetryAfter time.Duration
	// Kept means that the message is posted all the same: only the answer is lost.
	Kept bool
}

// Options are what a Sink needs: the time.
type Options struct{ Clock *clock.Clock }

// New is a Slack that has taken nothing yet.
func New(o Options) *Sink { return &Sink{clock: o.Clock, last: map[string]time.Time{}} }

// Inject makes the next calls fail, one failure each.
func (s *Sink) Inject(failures ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failures...)
}

// Fail makes every call fail until then; the zero time is for ever.
func (s *Sink) Fail(f Failure, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.downTo = &f, until
}

// Messages are the messages taken, oldest first.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Refused are the messages not taken, oldest first.
func (s *Sink) Refused() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// ServeHTTP answers as hooks.slack.com and slack.com/api do.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/api/chat.postMessage":
		s.serve(w, r, asAPI, readForm)
	case strings.HasPrefix(r.URL.Path, "/services/"):
		s.serve(w, r, asWebhook, readWebhook)
	default:
		http.NotFound(w, r)
	}
}

// bodyMost is far beyond any message Slack takes.
const bodyMost = 1 << 20

// posted is a message as it came in, before it is looked at.
type posted struct {
	channel, text string
	blocks        json.RawMessage
}

type (
	reader   func(*http.Request, []byte) (posted, *refusal)
	answerer func(http.ResponseWriter, *refusal)
)

// refusal is Slack's answer to a message it does not take.
type refusal struct {
	status     int // of a webhook's answer; the API says 200 to all but 429
	code       string
	why        []string
	retryAfter time.Duration
}

func (s *Sink) serve(w http.ResponseWriter, r *http.Request, answer answerer, read reader) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMost))
	if err != nil {
		answer(w, &refusal{status: http.StatusBadRequest, code: "invalid_payload", why: []string{err.Error()}})
		return
	}
	m, bad := read(r, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.failing(); ok {
		s.fail(w, answer, m, bad, f)
		return
	}
	if bad == nil {
		bad = s.take(m)
	}
	s.note(bad)
	answer(w, bad)
}

// failing is the failure of the next call, if it fails. It is called with the lock held.
func (s *Sink) failing() (Failure, bool) {
	if len(s.failures) > 0 {
		f := s.failures[0]
		s.failures = s.failures[1:]
		return f, true
	}
	if s.down != nil && (s.downTo.IsZero() || s.clock.Now().Before(s.downTo)) {
		return *s.down, true
	}
	return Failure{}, false
}

// fail gives the answer that was injected. It is called with the lock held.
func (s *Sink) fail(w http.ResponseWriter, answer answerer, m posted, bad *refusal, f Failure) {
	if f.Kept && bad == nil {
		bad = s.take(m)
		s.note(bad)
	}
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	if f.Status >= http.StatusInternalServerError {
		http.Error(w, "<html>"+f.Code+"</html>", f.Status) // Slack sends a page with its 5xx.
		return
	}
	answer(w, &refusal{status: f.Status, code: f.Code, retryAfter: f.RetryAfter})
}

// pace is one message a second and channel; Slack tolerates short bursts, which is not to be counted on.
const pace = time.Second

func (s *Sink) take(m posted) *refusal {
	now := s.clock.Now()
	blocks, bad := check(m)
	if bad != nil {
		return bad
	}
	if last, ok := s.last[m.channel]; ok && now.Sub(last) < pace {
		return &refusal{status: http.StatusTooManyRequests, code: "ratelimited", retryAfter: pace}
	}
	s.last[m.channel] = now
	s.messages = append(s.messages, Message{At: now, Channel: m.channel, Text: cut(m.text), Blocks: blocks})
	return nil
}

// cut is text as Slack keeps it: it truncates at 40,000 characters.
func cut(text string) string {
	const most = 40_000
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

func (s *Sink) note(bad *refusal) {
	if bad != nil {
		s.refused = append(s.refused, Refusal{At: s.clock.Now(), Code: bad.code, Why: bad.why})
	}
}

// readWebhook reads JSON, or a form whose field payload is JSON.
func readWebhook(r *http.Request, body []byte) (posted, *refusal) {
	if r.URL.Path != WebhookPath {
		return posted{}, &refusal{status: http.StatusNotFound, code: "no_service"}
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		form, _ := url.ParseQuery(string(body)) // What does not parse leaves no payload, which is refused below.
		body = []byte(form.Get("payload"))
	}
	var m struct {
		Text   string
		Blocks json.RawMessage
	}
	if err := json.Unmarshal(body, &m); err != nil || r.Method != http.MethodPost {
		return posted{}, &refusal{status: http.StatusBadRequest, code: "invalid_payload"}
	}
	return posted{channel: Channel, text: m.Text, blocks: m.Blocks}, nil
}

// readForm reads chat.postMessage's arguments; its blocks are JSON within the form.
func readForm(r *http.Request, body []byte) (posted, *refusal) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return posted{}, &refusal{code: "invalid_form_data"}
	}
	token := form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	switch {
	case token == "":
		return posted{}, &refusal{code: "not_authed"}
	case token != Token:
		return posted{}, &refusal{code: "invalid_auth"}
	case form.Get("channel") == "":
		return posted{}, &refusal{code: "channel_not_found"}
	}
	return posted{channel: form.Get("channel"), text: form.Get("text"), blocks: json.RawMessage(form.Get("blocks"))}, nil
}

// asWebhook answers in plain text.
func asWebhook(w http.ResponseWriter, bad *refusal) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if bad == nil {
		_, _ = io.WriteString(w, "ok")
		return
	}
	retryAfter(w, bad)
	w.WriteHeader(max(bad.status, http.StatusBadRequest))
	_, _ = io.WriteString(w, bad.code)
}

// asAPI answers 200 with ok=false, but for rate limits.
func asAPI(w http.ResponseWriter, bad *refusal) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	answer := map[string]any{"ok": bad == nil}
	if bad != nil {
		answer["error"] = bad.code
		if len(bad.why) > 0 {
			answer["response_metadata"] = map[string]any{"messages": bad.why}
		}
		retryAfter(w, bad)
		if bad.status == http.StatusTooManyRequests {
			w.WriteHeader(bad.status)
		}
	}
	_ = json.NewEncoder(w).Encode(answer) // The caller has gone if this fails.
}

func retryAfter(w http.ResponseWriter, bad *refusal) {
	if bad.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(bad.retryAfter.Seconds())))
	}
}
