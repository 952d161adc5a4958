// Package topic knows how a report becomes a text to the subscribers of an SNS topic: mail, Teams, PagerDuty and what
// else subscribes.
package topic

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"goldsmith/shared/report"
	"goldsmith/shared/settings"
)

// publisher calls SNS.
type publisher interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Topic publishes to one SNS topic; without an ARN it publishes nothing.
type Topic struct {
	SNS publisher
	ARN string
}

// Wire makes the channel of a function. Its settings name the topic.
func Wire(s settings.Settings) Topic {
	return Topic{SNS: sns.NewFromConfig(s.AWS), ARN: s.Get(settings.Topic)}
}

// Report publishes how a run ended, if its plan wants to hear of it.
func (t Topic) Report(ctx context.Context, r report.Report) (sent bool, err error) {
	if !r.Wanted() {
		return false, nil
	}
	return t.publish(ctx, "Goldsmith "+report.Word(r.Outcome)+": "+r.Plan+": "+r.Summary(), r.Text())
}

// Alert publishes an alert.
func (t Topic) Alert(ctx context.Context, a report.Alert) (sent bool, err error) {
	text := a.Title + "\n\n"
	for _, line := range a.Lines {
		text += "- " + line + "\n"
	}
	return t.publish(ctx, "Goldsmith: "+a.Title, text)
}

func (t Topic) publish(ctx context.Context, subject, text string) (bool, error) {
	if t.ARN == "" {
		return false, nil
	}
	_, err := t.SNS.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(t.ARN), Subject: aws.String(Subject(subject)), Message: aws.String(Message(text)),
	})
	return err == nil, err
}

// What SNS takes (API reference, Publish): a subject of less than 100 characters of printable ASCII, which begins with
// a letter, a number or a punctuation mark; and a message of at most 262,144 bytes, of which some are left to what SNS
// and its subscribers put around it.
const (
	longestSubject = 99
	longestMessage = 240 << 10
)

// Subject is a text as SNS takes it for a subject: what is no printable ASCII becomes a question mark.
func Subject(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, report.OneLine(text))
	if len(text) > longestSubject {
		text = text[:longestSubject-3] + "..."
	}
	return text
}

// Message is a text as SNS takes it for a message, which is never empty.
func Message(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if text == "" {
		return "-"
	}
	const cut = "\n...\nThe rest is left out: see the report."
	if len(text) <= longestMessage {
		return text
	}
	end := longestMessage - len(cut)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cut
}
