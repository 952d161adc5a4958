package eventbridge

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/query"
)

// Event is one that PutEvents took.
type Event struct {
	ID, Source, DetailType, Detail string
	Resources                      []string
	Time                           time.Time
}

// Events answers EventBridge's PutEvents, on the default event bus:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html.
func (b *Bus) Events(log *query.Log) http.Handler {
	return &awsjson.Service{
		Name: "events", Target: "AWSEvents", Clock: b.options.Clock, Log: log,
		Operations: map[string]awsjson.Operation{
			"PutEvents": awsjson.Op(b.putEvents, func(in putInput) (names []string) {
				for _, e := range in.Entries {
					if e.DetailType != nil {
						names = append(names, *e.DetailType)
					}
				}
				return names
			}),
		},
	}
}

// Sent are the events that PutEvents took, in order.
func (b *Bus) Sent() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Event(nil), b.sent...)
}

// Refuse has the next entries refused with these codes; "" lets one through.
func (b *Bus) Refuse(codes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals = append(b.refusals, codes...)
}

type putEntry struct {
	Source, DetailType, Detail *string
	Resources                  []string
	Time                       *awsjson.Seconds
}

type putInput struct{ Entries []putEntry }

type putResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putOutput struct {
	FailedEntryCount int
	Entries          []putResult
}

// What one call takes: ten entries, and less than 256 KB in all (user guide, "Calculating PutEvents event entry size").
const (
	mostEntries = 10
	mostBytes   = 256 << 10
)

func (b *Bus) putEvents(in putInput) (putOutput, error) {
	if in.Entries == nil {
		return putOutput{}, awsjson.Required("entries")
	}
	if n := len(in.Entries); n == 0 || n > mostEntries {
		bound := "greater than or equal to 1"
		if n > 0 {
			bound = "less than or equal to 10"
		}
		return putOutput{}, awsjson.Errorf("ValidationException",
			"1 validation error detected: Value at 'entries' failed to "+
				"satisfy constraint: Member must have length %s", bound)
	}
	size := 0
	for _, e := range in.Entries {
		size += e.size()
	}
	if size >= mostBytes {
		return putOutput{}, awsjson.Errorf("ValidationException",
			"Total size of the entries in the request is over the limit.")
	}
	var out putOutput
	for _, e := range in.Entries {
		result := b.putEntry(e)
		if result.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, result)
	}
	return out, nil
}

func (e putEntry) size() int {
	size := len(strings.Join(e.Resources, ""))
	if e.Time != nil {
		size += 14
	}
	for _, text := range []*string{e.Source, e.DetailType, e.Detail} {
		if text != nil {
			size += len(*text)
		}
	}
	return size
}

// putEntry takes an entry or says why not, each for itself.
func (b *Bus) putEntry(e putEntry) putResult {
	if code := b.refusal(); code != "" {
		return putResult{ErrorCode: code, ErrorMessage: "An injected fault: " + code}
	}
	if code, message := e.check(); code != "" {
		return putResult{ErrorCode: code, ErrorMessage: message}
	}
	sent := Event{Source: *e.Source, DetailType: *e.DetailType, Detail: *e.Detail, Resources: e.Resources,
		Time: b.options.Clock.Now()}
	if e.Time != nil {
		sent.Time = time.Time(*e.Time)
	}
	sent.ID = b.drawOf(sent.Source, sent.DetailType, sent.Resources, []byte(sent.Detail)).Of("id").UUID()
	b.mu.Lock()
	b.sent = append(b.sent, sent)
	b.mu.Unlock()
	b.Put(sent.Source, sent.DetailType, sent.Resources, json.RawMessage(sent.Detail))
	return putResult{EventID: sent.ID}
}

func (b *Bus) refusal() (code string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refusals) > 0 {
		code, b.refusals = b.refusals[0], b.refusals[1:]
	}
	return code
}

func (e putEntry) check() (code, message string) {
	for name, text := range map[string]*string{"Source": e.Source, "DetailType": e.DetailType, "Detail": e.Detail} {
		if text == nil || *text == "" {
			return "InvalidArgument", "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."
		}
	}
	var detail map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(*e.Detail)))
	if d.Decode(&detail) != nil || d.More() {
		return "MalformedDetail", "Detail is malformed."
	}
	if strings.HasPrefix(*e.Source, "aws.") {
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	}
	return "", ""
}
