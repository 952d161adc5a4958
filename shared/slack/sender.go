package slack

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smithytime "github.com/aws/smithy-go/time"
)

// secretReader is Secrets Manager.
type secretReader interface {
	GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput,
		opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Delivery says what became of a message.
type Delivery string

const (
	// Sent means Slack has taken it.
	Sent Delivery = "sent"
	// Off means no secret is configured: no messages.
	Off Delivery = "off"
	// Failed means it did not arrive; the error says why.
	Failed Delivery = "failed"
)

// Sender sends messages with the credentials a secret holds. It is safe for concurrent use.
type Sender struct {
	secrets secretReader
	secret  string
	client  *http.Client

	mu   sync.Mutex
	held *credentials
}

const (
	// perPost bounds one request: Slack answers within a second or two, or not at all.
	perPost = 10 * time.Second
	// posts is how often one message is tried: Slack's 5xx and rate limits pass in seconds, and a Lambda must end.
	posts = 4
	// firstPause is doubled after each post that met an unavailable Slack.
	firstPause = time.Second
)

// New sends with the secret of that id or ARN; an empty id turns Slack off. It
// holds a webhook URL, {"webhook":"https://..."} or {"token":"xoxb-...","channel":"C0123"}.
// A nil client is a plain one.
func New(secrets secretReader, secretID string, client *http.Client) *Sender {
	if client == nil {
		client = &http.Client{}
	}
	direct := *client
	// A redirect would carry the message, and a token, to somebody else.
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{secrets: secrets, secret: secretID, client: &direct}
}

// Send posts the message. It waits as Slack asks when that fits ctx's
// deadline, else the error is *RateLimitedError; *RefusedError means that sending the
// same again is useless, *UnavailableError that Slack could not be reached. After
// Slack rejected the credentials the secret is read again, once.
// A message whose answer got lost may arrive twice: better than not at all.
func (s *Sender) Send(ctx context.Context, m Message) (Delivery, error) {
	if s.secret == "" {
		return Off, nil
	}
	held, err := s.credentials(ctx)
	if err != nil {
		return Failed, err
	}
	err = s.try(ctx, held, m)
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.Stale() {
		fresh, readErr := s.refresh(ctx, held)
		if readErr != nil {
			return Failed, errors.Join(err, readErr)
		}
		if *fresh == *held {
			return Failed, err
		}
		err = s.try(ctx, fresh, m)
	}
	if err != nil {
		return Failed, err
	}
	return Sent, nil
}

// credentials are read once and kept for as long as the process lives. No lock
// is held meanwhile: who waited for it could not be told that time is up.
func (s *Sender) credentials(ctx context.Context) (*credentials, error) {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		return held, nil
	}
	read, err := read(ctx, s.secrets, s.secret)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = read
	return read, nil
}

// refresh reads the secret again unless somebody else has done so since.
func (s *Sender) refresh(ctx context.Context, rejected *credentials) (*credentials, error) {
	s.mu.Lock()
	if s.held == rejected {
		s.held = nil
	}
	s.mu.Unlock()
	return s.credentials(ctx)
}

func (s *Sender) try(ctx context.Context, held *credentials, m Message) error {
	pause := firstPause
	for post := 1; ; post++ {
		err := s.once(ctx, held, m)
		wait, again := waitAfter(err, pause)
		if !again || post == posts || !fits(ctx, wait) {
			return err
		}
		if smithytime.SleepWithContext(ctx, wait) != nil {
			return err
		}
		pause *= 2
	}
}

func (s *Sender) once(ctx context.Context, held *credentials, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, perPost)
	defer cancel()
	if held.webhook != "" {
		return postWebhook(ctx, s.client, held.webhook, m)
	}
	return postMessage(ctx, s.client, *held, m)
}

func waitAfter(err error, pause time.Duration) (time.Duration, bool) {
	if limited, ok := errors.AsType[*RateLimitedError](err); ok {
		return limited.After, true
	}
	if _, ok := errors.AsType[*UnavailableError](err); ok {
		return pause, true
	}
	return 0, false
}

// fits reports whether there is time left after the wait. Without a deadline a minute is the most.
func fits(ctx context.Context, wait time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return wait <= time.Minute
	}
	return time.Until(deadline) > wait
}
