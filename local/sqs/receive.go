package sqs

import (
	"crypto/md5" //nolint:gosec // what SQS sends for clients to check
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"goldsmith/local/awsjson"
)

type receiveInput struct {
	QueueURL                               string `json:"QueueUrl"`
	AttributeNames                         []string
	MessageSystemAttributeNames            []string
	MessageAttributeNames                  []string
	MaxNumberOfMessages, VisibilityTimeout *int
}

type receivedMessage struct {
	MessageID         string `json:"MessageId"`
	ReceiptHandle     string
	Body              string
	MD5OfBody         string
	Attributes        map[string]string            `json:",omitempty"`
	MessageAttributes map[string]map[string]string `json:",omitempty"`
}

type receiveOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

func (q *Queue) receive(in receiveInput) (receiveOutput, error) {
	var out receiveOutput
	if err := q.find(in.QueueURL); err != nil {
		return out, err
	}
	most, hide, err := in.bounds()
	if err != nil {
		return out, err
	}
	now := q.options.Clock.Now()
	for _, m := range q.messages {
		if len(out.Messages) == most {
			break
		}
		if now.Before(m.hidden) {
			continue
		}
		shown, err := m.receive(now, in)
		if err != nil {
			return out, err
		}
		m.hidden = now.Add(hide)
		out.Messages = append(out.Messages, shown)
	}
	return out, nil
}

func (in receiveInput) bounds() (most int, hide time.Duration, err error) {
	most, hide = 1, hides
	if in.MaxNumberOfMessages != nil {
		most = *in.MaxNumberOfMessages
	}
	if in.VisibilityTimeout != nil {
		hide = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	if most < 1 || most > mostAsked {
		return 0, 0, awsjson.Errorf("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. "+
			"Reason: Must be between 1 and %d, if provided.", most, mostAsked)
	}
	if hide < 0 || hide > mostHides {
		return 0, 0, awsjson.Errorf("InvalidParameterValue", "Value %v for parameter VisibilityTimeout is invalid. "+
			"Reason: Must be between 0 and %v.", hide.Seconds(), mostHides.Seconds())
	}
	return most, hide, nil
}

func (m *message) receive(now time.Time, in receiveInput) (receivedMessage, error) {
	if m.received++; m.received == 1 {
		m.first = now
	}
	system, err := chosen(map[string]string{
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}, append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...))
	if err != nil {
		return receivedMessage{}, err
	}
	sum := md5.Sum([]byte(m.body)) //nolint:gosec // as above
	out := receivedMessage{
		MessageID: m.id, ReceiptHandle: m.handle(), Body: m.body, MD5OfBody: hex.EncodeToString(sum[:]), Attributes: system,
	}
	for name, text := range m.attributes {
		if slices.Contains(in.MessageAttributeNames, name) || slices.Contains(in.MessageAttributeNames, "All") {
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]map[string]string{}
			}
			out.MessageAttributes[name] = map[string]string{"DataType": "String", "StringValue": text}
		}
	}
	return out, nil
}

// handle is the receipt handle of the newest receipt; those of earlier ones do not delete any more.
func (m *message) handle() string { return m.id + "#" + strconv.Itoa(m.received) }

type deleteInput struct {
	QueueURL      string `json:"QueueUrl"`
	ReceiptHandle string
}

func (q *Queue) deleteMessage(in deleteInput) (struct{}, error) {
	if err := q.find(in.QueueURL); err != nil {
		return struct{}{}, err
	}
	at := slices.IndexFunc(q.messages, func(m *message) bool { return m.handle() == in.ReceiptHandle })
	if at < 0 {
		return struct{}{}, awsjson.Errorf("ReceiptHandleIsInvalid", "The input receipt handle %q is invalid.",
			in.ReceiptHandle)
	}
	q.messages = slices.Delete(q.messages, at, at+1)
	return struct{}{}, nil
}
