package ec2

import (
	"time"

	"goldsmith/local/query"
)

type event struct {
	source, detailType string
	resources          []string
	detail             any
}

func (w *World) emit(source, detailType, resource string, detail any) {
	if w.options.Emit != nil {
		w.outbox = append(w.outbox, event{source, detailType, []string{resource}, detail})
	}
}

// The shapes below are those of the EC2, EBS and Tag Editor user guides'
// sample events (EventBridge reference, events of EC2, EBS and tags).
type instanceStateDetail struct {
	InstanceID string `json:"instance-id"`
	State      string `json:"state"`
}

type imageStateDetail struct {
	RequestID    string `json:"RequestId"`
	ImageID      string `json:"ImageId"`
	State        string `json:"State"`
	ErrorMessage string `json:"ErrorMessage"`
}

type snapshotDetail struct {
	Event      string `json:"event"`
	Result     string `json:"result"`
	Cause      string `json:"cause"`
	RequestID  string `json:"request-id"`
	SnapshotID string `json:"snapshot_id"`
	Source     string `json:"source"`
	StartTime  string `json:"startTime"`
	EndTime    string `json:"endTime"`
}

type tagChangeDetail struct {
	ChangedTagKeys []string          `json:"changed-tag-keys"`
	Tags           map[string]string `json:"tags"`
	Service        string            `json:"service"`
	ResourceType   string            `json:"resource-type"`
	Version        int               `json:"version"`
}

func (w *World) emitInstanceState(i *instance) {
	w.emit("aws.ec2", "EC2 Instance State-change Notification", w.arn("instance", i.id),
		instanceStateDetail{InstanceID: i.id, State: i.state.String()})
}

func (w *World) emitImageState(id, state, message string) {
	w.emit("aws.ec2", "EC2 AMI State Change", w.arn("image", id),
		imageStateDetail{ImageID: id, State: state, ErrorMessage: message})
}

func (w *World) emitSnapshot(s *snapshot, event, source string) {
	detail := snapshotDetail{
		Event: event, Result: "succeeded", SnapshotID: w.arn("snapshot", s.id), Source: source,
		StartTime: s.started.Format(time.RFC3339), EndTime: w.now.Format(time.RFC3339),
	}
	if s.state == snapshotError {
		detail.Result, detail.Cause = "failed", s.message
	}
	w.emit("aws.ec2", "EBS Snapshot Notification", detail.SnapshotID, detail)
}

func (w *World) emitTagChange(id string, changed []string, after []Tag) {
	if len(changed) == 0 {
		return
	}
	w.tagged[id]++
	kind := resourceType(id)
	tags := make(map[string]string, len(after))
	for _, t := range after {
		tags[t.Key] = t.Value
	}
	w.emit("aws.tag", "Tag Change on Resource", w.arn(kind, id), tagChangeDetail{
		ChangedTagKeys: changed, Tags: tags, Service: "ec2", ResourceType: kind, Version: w.tagged[id],
	})
}

// arn has an empty account field for images and snapshots (Service authorization reference).
func (w *World) arn(kind, id string) string {
	account := w.options.Account
	if kind == "image" || kind == "snapshot" {
		account = ""
	}
	return "arn:aws:ec2:" + w.options.Region + ":" + account + ":" + kind + "/" + id
}

// resourcesIn finds the resource ids that a request names.
func resourcesIn(params *query.Params) []string {
	var ids []string
	for _, value := range params.Sent() {
		if len(value) < 32 && resourceType(value) != "" {
			ids = append(ids, value)
		}
	}
	return ids
}
