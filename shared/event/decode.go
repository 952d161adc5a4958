package event

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Home is the account and the Region that a function runs in.
type Home struct{ Account, Region string }

// Decode reads what a Lambda received. What is unknown or irrelevant is
// Ignored, and so is an event of AWS from another account or Region than home: any
// account that may put events on the bus can send one. What claims to be a known event
// but is malformed is an error that names the place and what was found there.
func Decode(raw []byte, home Home) (Event, error) {
	var h head
	if err := unmarshal("", raw, &h); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	decoded, err := h.decode(raw, home)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.title(), err)
	}
	return decoded, nil
}

// head is what decides how an event is read.
type head struct {
	// Goldsmith is the kind of one of our own events.
	Goldsmith string `json:"goldsmith"`
	Version   string `json:"version"`
	// Source is EventBridge's; in our own event of kind run it is the source to image.
	Source     string `json:"source"`
	DetailType string `json:"detail-type"`
}

// envelope is both EventBridge's envelope and Goldsmith's own flat events.
type envelope struct {
	Account   string          `json:"account"`
	Time      string          `json:"time"`
	Region    string          `json:"region"`
	Resources []string        `json:"resources"`
	Detail    json.RawMessage `json:"detail"`

	Plan     string `json:"plan"`
	Schedule string `json:"schedule"`
	Source   string `json:"source"`
	By       string `json:"by"`
	At       string `json:"at"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	To       string `json:"to"`
	Dry      bool   `json:"dry"`

	Data    map[string]string `json:"data"`
	Images  []string          `json:"images"`
	All     bool              `json:"all"`
	After   string            `json:"after"`
	Refresh bool              `json:"refresh"`
	Follow  bool              `json:"follow"`
	Undo    bool              `json:"undo"`
}

type kind struct{ source, detailType, version string }

// parsers holds every event known. EventBridge's version is "0" in all events:
// https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html.
var parsers = map[kind]func(envelope) (Event, error){
	{"goldsmith", "schedule", "1"}: scheduled,
	{"goldsmith", "run", "1"}:      runNow,
	{"goldsmith", "rollback", "1"}: rollback,
	{"goldsmith", "handover", "1"}: handover,
	{"goldsmith", "adopt", "1"}:    adopt,
	{"goldsmith", "exempt", "1"}:   exempt,
	{"goldsmith", "sweep", "1"}:    func(envelope) (Event, error) { return Sweep{}, nil },

	{"aws.tag", "Tag Change on Resource", "0"}:                    tagChanged,
	{"aws.ec2", "EC2 Instance State-change Notification", "0"}:    instanceChanged,
	{"aws.ec2", "EC2 AMI State Change", "0"}:                      imageChanged,
	{"aws.ec2", "EBS Snapshot Notification", "0"}:                 snapshotNotified,
	{"aws.states", "Step Functions Execution Status Change", "0"}: executionEnded,

	{"aws.autoscaling", "EC2 Auto Scaling Instance Refresh Succeeded", "0"}:          refreshEnded,
	{"aws.autoscaling", "EC2 Auto Scaling Instance Refresh Failed", "0"}:             refreshEnded,
	{"aws.autoscaling", "EC2 Auto Scaling Instance Refresh Cancelled", "0"}:          refreshEnded,
	{"aws.autoscaling", "EC2 Auto Scaling Instance Refresh Rollback Succeeded", "0"}: refreshEnded,
	{"aws.autoscaling", "EC2 Auto Scaling Instance Refresh Rollback Failed", "0"}:    refreshEnded,
}

func (h head) decode(raw []byte, home Home) (Event, error) {
	k, err := h.kind()
	if err != nil {
		return nil, err
	}
	parse, known := parsers[k]
	if !known {
		return Ignored{Why: fmt.Sprintf("unknown event: source %s, type %s, version %s",
			quote(k.source), quote(k.detailType), quote(k.version))}, nil
	}
	var e envelope
	if err := unmarshal("", raw, &e); err != nil {
		return nil, err
	}
	if h.Goldsmith == "" && home != (Home{e.Account, e.Region}) {
		return Ignored{Why: fmt.Sprintf("it is of account %s and Region %s, not of %s and %s",
			quote(e.Account), quote(e.Region), quote(home.Account), quote(home.Region))}, nil
	}
	return parse(e)
}

func (h head) kind() (kind, error) {
	switch {
	case h.Goldsmith != "" && h.Version == "":
		return kind{}, missing("version", `want "1"`)
	case h.Goldsmith != "":
		return kind{"goldsmith", h.Goldsmith, h.Version}, nil
	case h.Source == "":
		return kind{}, missing("source", "and there is no goldsmith either")
	default:
		// EC2's own sample of the state-change notification has no version:
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html.
		return kind{h.Source, h.DetailType, cmp.Or(h.Version, "0")}, nil
	}
}

// title is how an error calls the event.
func (h head) title() string {
	switch {
	case h.Goldsmith != "":
		return "goldsmith event " + quote(h.Goldsmith)
	case h.DetailType != "":
		return "event " + quote(h.DetailType)
	default:
		return "event"
	}
}
