// Package sns is the embedded SNS: topics, and what was published to them.
package sns

import (
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a Service up; all are required but Log.
type Options struct {
	Clock           *clock.Clock
	Region, Account string
	Log             *query.Log
}

// Service is the topics of one account in one Region. It is safe for concurrent use.
type Service struct {
	options Options
	service *query.Service

	mu       sync.Mutex
	topics   map[string]bool // by ARN
	messages []Message
}

// Message is one that was published.
type Message struct {
	ID, TopicARN, Subject, Text string
	At                          time.Time
}

// New is an SNS without topics. It answers Publish to a topic:
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
func New(o Options) *Service {
	s := &Service{options: o, topics: map[string]bool{}}
	s.service = &query.Service{
		Name:    "sns",
		Dialect: query.Dialect{Namespace: "http://sns.amazonaws.com/doc/", Version: "2010-03-31", Member: true},
		Clock:   o.Clock, Log: o.Log, Serve: s.serve,
	}
	return s
}

// ServeHTTP answers one call of SNS's API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.service.ServeHTTP(w, r) }

// Create makes a topic and gives its ARN.
func (s *Service) Create(name string) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn = "arn:aws:sns:" + s.options.Region + ":" + s.options.Account + ":" + name
	s.topics[arn] = true
	return arn
}

// Messages are those that were published, in order.
func (s *Service) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

func (s *Service) serve(call *query.Call) error {
	if call.Action != "Publish" {
		return query.ErrUnknownAction
	}
	m := Message{ID: call.ID, TopicARN: call.Params.Text("TopicArn"), Subject: call.Params.Text("Subject"),
		Text: call.Params.Text("Message"), At: s.options.Clock.Now()}
	subject := call.Params.Has("Subject")
	call.Touch(m.TopicARN)
	if err := call.Commit(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(m, subject); err != nil {
		return err
	}
	s.messages = append(s.messages, m)
	call.Out.Text("MessageId", m.ID)
	return nil
}

// What SNS takes: a message of 1 to 262,144 bytes of UTF-8, and a subject of less than 100 characters of ASCII that
// begins with a letter, a number or a punctuation mark and has no control characters.
const (
	mostText    = 256 << 10
	mostSubject = 99
)

func (s *Service) check(m Message, subject bool) error {
	switch {
	case m.TopicARN == "":
		return query.Errorf("InvalidParameter",
			"Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
	case m.Text == "":
		return query.Errorf("InvalidParameter", "Invalid parameter: Empty message")
	case len(m.Text) > mostText:
		return query.Errorf("InvalidParameter", "Invalid parameter: Message too long")
	case !utf8.ValidString(m.Text):
		return query.Errorf("InvalidParameter", "Invalid parameter: Message Reason: not UTF-8")
	case subject && !isSubject(m.Subject):
		return query.Errorf("InvalidParameter", "Invalid parameter: Subject")
	case !s.topics[m.TopicARN]:
		return &query.Error{Code: "NotFound", Message: "Topic does not exist", Status: http.StatusNotFound}
	}
	return nil
}

func isSubject(text string) bool {
	plain := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return plain && text != "" && text[0] != ' ' && len(text) <= mostSubject
}
