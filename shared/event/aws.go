package event

import (
	"fmt"
	"slices"
	"strings"

	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// tagDetail is what aws.tag says of a change. A key in Changed but not in Tags was deleted.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html.
type tagDetail struct {
	Changed []string          `json:"changed-tag-keys"`
	Tags    map[string]string `json:"tags"`
	Service string            `json:"service"`
	Type    string            `json:"resource-type"`
	Version *int64            `json:"version"`
}

func tagChanged(e envelope) (Event, error) {
	detail, err := detailOf[tagDetail](e)
	if err != nil {
		return nil, err
	}
	prefix, known := map[string]string{"instance": "i", "snapshot": "snap"}[detail.Type]
	if detail.Service != "ec2" || !known {
		return Ignored{Why: fmt.Sprintf("tags of %s %s do not matter", quote(detail.Service), quote(detail.Type))}, nil
	}
	id, elsewhere, err := e.tagged(detail.Type, prefix)
	switch {
	case err != nil:
		return nil, err
	case elsewhere:
		return Ignored{Why: fmt.Sprintf("%s is of another account or Region than the event", quote(e.Resources[0]))}, nil
	// First, so that a tag copied onto a snapshot we make is never a request.
	case detail.Type == "snapshot" && slices.Contains(detail.Changed, tag.Run):
		return snapshotTagged(id, detail), nil
	case slices.Contains(detail.Changed, tag.Request):
		return requested(e, id, detail)
	default:
		return Ignored{Why: "none of the changed tags is a request or a run"}, nil
	}
}

// tagged is the id of the resource whose tags changed. ARNs of snapshots have no account
// (docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html).
func (e envelope) tagged(kind, prefix string) (id string, elsewhere bool, err error) {
	resource, err := e.theResource("ec2")
	if err != nil {
		return "", false, err
	}
	id, ok := strings.CutPrefix(resource.Resource, kind+"/")
	if !ok {
		return "", false, wrong("resources[0]", "an ARN of an "+kind, e.Resources[0])
	}
	elsewhere = resource.AccountID != "" && resource.AccountID != e.Account || resource.Region != e.Region
	return id, elsewhere, checkID("resources[0]", id, prefix)
}

// snapshotTagged never fails on tag values, since anybody may write those.
func snapshotTagged(id string, detail tagDetail) Event {
	source, run := detail.Tags[tag.Source], detail.Tags[tag.Run]
	switch {
	case run == "":
		return Ignored{Why: tag.Run + " was removed from " + id}
	case !isID(source, "i", "snap"):
		return Ignored{Why: fmt.Sprintf("%s has %s %s, which is no source", id, tag.Source, quote(source))}
	default:
		return SnapshotTagged{ID: id, Source: source, Run: run}
	}
}

func requested(e envelope, id string, detail tagDetail) (Event, error) {
	value, there := detail.Tags[tag.Request]
	if !there {
		return Ignored{Why: tag.Request + " was removed from " + id}, nil
	}
	if value == tag.LeftOut && detail.Type == string(job.Snapshot) {
		return Ignored{Why: id + " has " + tag.Request + "=" + tag.LeftOut + " of its volume, which asks for nothing"}, nil
	}
	if detail.Version == nil {
		return nil, missing("detail.version", "")
	}
	at, err := parseTime("time", e.Time)
	if err != nil {
		return nil, err
	}
	return Requested{
		ID: id, Kind: job.Kind(detail.Type), Value: value, Version: *detail.Version,
		Region: e.Region, Account: e.Account, Time: at,
	}, nil
}

// instanceChanged: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html.
func instanceChanged(e envelope) (Event, error) {
	detail, err := detailOf[struct {
		ID    string `json:"instance-id"`
		State string `json:"state"`
	}](e)
	if err != nil {
		return nil, err
	}
	if err := checkID("detail.instance-id", detail.ID, "i"); err != nil {
		return nil, err
	}
	if detail.State == "" {
		return nil, missing("detail.state", "")
	}
	return InstanceChanged{ID: detail.ID, State: detail.State}, nil
}

// imageChanged: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitor-ami-events.html.
func imageChanged(e envelope) (Event, error) {
	detail, err := detailOf[struct {
		ID      string `json:"ImageId"`
		State   string `json:"State"`
		Message string `json:"ErrorMessage"`
	}](e)
	if err != nil {
		return nil, err
	}
	if err := checkID("detail.ImageId", detail.ID, "ami"); err != nil {
		return nil, err
	}
	if detail.State == "" {
		return nil, missing("detail.State", "")
	}
	return ImageChanged{ID: detail.ID, State: detail.State, Message: detail.Message}, nil
}

// snapshotNotified: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-cloud-watch-events.html. The ARNs in its
// samples have the Region in the account's place, so that only their ends are read.
func snapshotNotified(e envelope) (Event, error) {
	detail, err := detailOf[struct {
		Event  string `json:"event"`
		Copy   string `json:"snapshot_id"`
		Source string `json:"source"`
	}](e)
	if err != nil {
		return nil, err
	}
	if detail.Event != "copySnapshot" {
		return Ignored{Why: "EBS event " + quote(detail.Event) + " does not matter"}, nil
	}
	made, from := lastPart(detail.Copy), lastPart(detail.Source)
	if err := checkID("detail.snapshot_id", made, "snap"); err != nil {
		return nil, err
	}
	if err := checkID("detail.source", from, "snap"); err != nil {
		return nil, err
	}
	return SnapshotCopied{ID: made, Source: from}, nil
}

// lastPart is what follows the last slash of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// executionEnded: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html.
func executionEnded(e envelope) (Event, error) {
	detail, err := detailOf[struct {
		ARN     string `json:"executionArn"`
		Machine string `json:"stateMachineArn"`
		Name    string `json:"name"`
		Status  string `json:"status"`
	}](e)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}, detail.Status) {
		return Ignored{Why: "execution status " + quote(detail.Status) + " is not an end"}, nil
	}
	if _, err := parseARN("detail.executionArn", detail.ARN, "states"); err != nil {
		return nil, err
	}
	if detail.Machine == "" {
		return nil, missing("detail.stateMachineArn", "")
	}
	if detail.Name == "" {
		return nil, missing("detail.name", "")
	}
	return ExecutionEnded{ARN: detail.ARN, Machine: detail.Machine, Name: detail.Name, Status: detail.Status}, nil
}

// refreshEnded: https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-eventbridge-events.html.
func refreshEnded(e envelope) (Event, error) {
	detail, err := detailOf[struct {
		ID    string `json:"InstanceRefreshId"`
		Group string `json:"AutoScalingGroupName"`
	}](e)
	if err != nil {
		return nil, err
	}
	if detail.ID == "" {
		return nil, missing("detail.InstanceRefreshId", "")
	}
	if detail.Group == "" {
		return nil, missing("detail.AutoScalingGroupName", "")
	}
	return RefreshEnded{ID: detail.ID, Group: detail.Group}, nil
}
