package eventbus

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"goldsmith/shared/job"
	"goldsmith/shared/report"
)

// The detail types. Programs match them: a change of their meaning is a new one.
const (
	ImageAvailable = "Golden image available"
	RunEnded       = "Run ended"
	Noticed        = "Notice"
)

// event is one event, and what it is about: unique among those of a run.
type event struct {
	subject string
	entry   types.PutEventsRequestEntry
}

// Image is the detail of ImageAvailable.
type Image struct {
	Plan      string `json:"plan"`
	Run       string `json:"run"`
	Execution string `json:"execution,omitempty"`
	// Source is what the image was made of.
	Source struct {
		ID   string   `json:"id"`
		Name string   `json:"name"`
		Kind job.Kind `json:"kind"`
	} `json:"source"`
	Image struct {
		ID   string `json:"id"`
		Name string `json:"name,omitempty"`
		// General is whether it is fit to be cloned, made of a clone of the source; Own is the source's own image then.
		General bool   `json:"general"`
		Own     string `json:"own,omitempty"`
	} `json:"image"`
	// Tested is whether a test instance booted from it.
	Tested bool `json:"tested"`
	// Rolled are the launch templates and parameters that take it now.
	Rolled []Target `json:"rolled"`
	// Copies are those of it that are available in other Regions.
	Copies []Copy `json:"copies"`
}

// Target is a launch template or parameter that takes an image.
type Target struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Version int64  `json:"version,omitempty"`
	// Previous is the image that it took before.
	Previous string `json:"previous,omitempty"`
}

// Copy is a copy of an image.
type Copy struct {
	Region string `json:"region"`
	Image  string `json:"image"`
}

// Run is the detail of RunEnded.
type Run struct {
	Plan      string    `json:"plan"`
	Run       string    `json:"run"`
	Execution string    `json:"execution,omitempty"`
	Outcome   string    `json:"outcome"`
	Scheduled time.Time `json:"scheduled"`
	Started   time.Time `json:"started,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
	Summary   string    `json:"summary"`
	// Problem is why the run itself failed.
	Problem string `json:"problem,omitempty"`
	Counts  Counts `json:"counts"`
	// LongestDowntime is in seconds, and of the source DownLongest.
	LongestDowntime float64  `json:"longestDowntime"`
	DownLongest     string   `json:"downLongest,omitempty"`
	Todo            []string `json:"todo"`
}

// Counts are numbers of sources, and of what takes images.
type Counts struct {
	Imaged      int `json:"imaged"`
	Skipped     int `json:"skipped"`
	Refused     int `json:"refused"`
	Failed      int `json:"failed"`
	LeftStopped int `json:"leftStopped"`
	Rolled      int `json:"rolled"`
	NotRolled   int `json:"notRolled"`
}

// Notice is the detail of Noticed.
type Notice struct {
	Key   string    `json:"key"`
	Title string    `json:"title"`
	Lines []string  `json:"lines"`
	At    time.Time `json:"at"`
}

// of are the events of a run: its images', and its own as the last.
func of(r report.Report) (all []event) {
	for _, s := range r.EndedAs(job.Imaged) {
		if s.Image.ID != "" && s.Image.State != job.Unproven {
			all = append(all, imaged(r, s))
		}
	}
	return append(all, ended(r))
}

func imaged(r report.Report, s report.Source) event {
	d := Image{
		Plan: r.Plan, Run: r.Run, Execution: r.Execution, Tested: s.Boot > 0, Rolled: []Target{}, Copies: []Copy{},
	}
	d.Source.ID, d.Source.Name, d.Source.Kind = s.ID, s.Name, s.Kind
	d.Image.ID, d.Image.Name, d.Image.General, d.Image.Own = s.Image.ID, s.Image.Name, s.Image.General, s.Raw
	for _, each := range r.Rolled {
		if each.To == s.Image.ID {
			d.Rolled = append(d.Rolled, Target{ID: each.Target, Name: each.Name, Version: each.Version, Previous: each.From})
		}
	}
	for _, each := range r.Copied {
		if each.Image == s.Image.ID {
			d.Copies = append(d.Copies, Copy{each.Region, each.ID})
		}
	}
	return made(s.Image.ID, ImageAvailable, d, imageARN(r.Execution, s.Image.ID))
}

// longestText bounds what an error may be of an event: EventBridge takes less than 256 KB in all.
const longestText = 4 << 10

func ended(r report.Report) event {
	c := r.Counts
	d := Run{
		Plan: r.Plan, Run: r.Run, Execution: r.Execution, Outcome: string(r.Outcome), Scheduled: r.Scheduled.UTC(),
		Started: r.Started.UTC(), Ended: r.Ended.UTC(), Summary: r.Summary(),
		Counts:          Counts{c.Imaged, c.Skipped, c.Refused, c.Failed, c.LeftStopped, c.Rolled, c.NotRolled},
		LongestDowntime: r.Downtime.Longest.Seconds(), DownLongest: r.Downtime.Of, Todo: cut(r.Todo()),
	}
	if r.Broke != nil {
		d.Problem = shorten(r.Broke.What)
	}
	return made(r.Run, RunEnded, d, r.Execution)
}

func noticed(a report.Alert) event {
	return made(a.Key, Noticed, Notice{shorten(a.Key), shorten(a.Title), cut(a.Lines), a.At.UTC()}, "")
}

// cut is a list of at most twenty texts.
func cut(texts []string) []string {
	some := []string{}
	for _, each := range texts[:min(len(texts), 20)] {
		some = append(some, shorten(each))
	}
	return some
}

func shorten(text string) string {
	if len(text) > longestText {
		text = text[:longestText-len("…")] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

func made(subject, detailType string, detail any, resource string) event {
	text, err := json.Marshal(detail)
	if err != nil {
		text = []byte("{}") // Texts, numbers and times from 0 to 9999 are always JSON; PutEvents takes no other.
	}
	e := event{subject, types.PutEventsRequestEntry{
		Source: aws.String(Source), DetailType: &detailType, Detail: aws.String(string(text)),
	}}
	if resource != "" {
		e.entry.Resources = []string{resource}
	}
	return e
}

// imageARN is an image's ARN, in the Region of the execution that made it; empty when that is not known.
func imageARN(execution, image string) string {
	fields := strings.Split(execution, ":")
	if len(fields) < 5 || fields[0] != "arn" {
		return ""
	}
	return "arn:" + fields[1] + ":ec2:" + fields[3] + "::image/" + image
}
