package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"goldsmith/shared/plan"
)

const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	digit = "0123456789"
)

// scheduled reads our own schedule's input, in which Scheduler has replaced
// <aws.scheduler.scheduled-time> and <aws.scheduler.schedule-arn>:
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html.
func scheduled(e envelope) (Event, error) {
	if err := checkPlan(e.Plan); err != nil {
		return nil, err
	}
	due, err := parseTime("time", e.Time)
	if err != nil {
		return nil, err
	}
	if e.Schedule != "" {
		if _, err := parseARN("schedule", e.Schedule, "scheduler"); err != nil {
			return nil, err
		}
	}
	return Scheduled{Plan: e.Plan, Time: due, Schedule: e.Schedule}, nil
}

func runNow(e envelope) (Event, error) {
	if err := checkPlan(e.Plan); err != nil {
		return nil, err
	}
	if err := checkAsked(e.Source, e.Data); err != nil {
		return nil, err
	}
	if len(e.ID) > 64 || !only(lower+strings.ToUpper(lower)+digit+"-_", e.ID) {
		return nil, wrong("id", `at most 64 of A-Z, a-z, 0-9, "-" and "_"`, e.ID)
	}
	var at time.Time
	if e.At != "" {
		var err error
		if at, err = parseTime("at", e.At); err != nil {
			return nil, err
		}
	}
	return RunNow{Plan: e.Plan, Source: e.Source, Data: e.Data, By: e.By, At: at, ID: e.ID}, nil
}

// checkAsked holds that a run is asked of everything, of an instance, or of a snapshot, and only of a snapshot with
// those of data volumes.
func checkAsked(source string, data map[string]string) error {
	if source != "" {
		if err := checkID("source", source, "i", "snap"); err != nil {
			return err
		}
	}
	if len(data) > 0 && !isID(source, "snap") {
		return wrong("data", "none, but with the source snap-...", source)
	}
	for _, device := range slices.Sorted(maps.Keys(data)) {
		if err := checkID("data."+device, data[device], "snap"); err != nil {
			return err
		}
	}
	return nil
}

// mostAfter is how long the name of a parameter can be (Parameter Store, PutParameter).
const mostAfter = 2048

func rollback(e envelope) (Event, error) {
	switch {
	case e.Name == "":
		return nil, missing("name", "the name of the source whose templates are to be rolled back")
	case utf8.RuneCountInString(e.Name) > plan.MaxTagValue:
		return nil, wrong("name", fmt.Sprintf("at most %d characters, as a tag holds", plan.MaxTagValue), e.Name)
	case e.To != "" && !isID(e.To, "ami") && !isVersion(e.To):
		return nil, wrong("to", "an image id (ami- and 8 or 17 hex digits) or a launch template version such as 7", e.To)
	}
	if e.Follow && (e.To != "" || e.Refresh) {
		return nil, wrong("follow", "alone: it goes back to nothing and refreshes nothing", "true")
	}
	if utf8.RuneCountInString(e.After) > mostAfter {
		return nil, wrong("after", fmt.Sprintf("at most %d characters, as a parameter's name has", mostAfter), e.After)
	}
	return Rollback{
		Name: e.Name, To: e.To, By: e.By, Dry: e.Dry, Refresh: e.Refresh, Follow: e.Follow, After: e.After,
	}, nil
}

// isVersion reports whether the text is the number of a launch template version: a template has at most 10,000.
func isVersion(text string) bool { return len(text) <= 5 && only(digit, text) && text[0] != '0' }

// MarshalJSON writes the event as Decode reads it, for those who send it.
func (r Rollback) MarshalJSON() ([]byte, error) {
	sent := struct {
		Goldsmith string `json:"goldsmith"`
		Version   string `json:"version"`
		Name      string `json:"name"`
		To        string `json:"to,omitempty"`
		By        string `json:"by,omitempty"`
		Dry       bool   `json:"dry,omitempty"`
		Refresh   bool   `json:"refresh,omitempty"`
		Follow    bool   `json:"follow,omitempty"`
		After     string `json:"after,omitempty"`
	}{"rollback", "1", r.Name, r.To, r.By, r.Dry, r.Refresh, r.Follow, r.After}
	return json.Marshal(sent)
}

func handover(e envelope) (Event, error) {
	switch {
	case e.Name == "":
		return nil, missing("name", "the name that is handed over")
	case utf8.RuneCountInString(e.Name) > plan.MaxTagValue:
		return nil, wrong("name", fmt.Sprintf("at most %d characters, as a tag holds", plan.MaxTagValue), e.Name)
	case e.To == "":
		return nil, missing("to", "the id of the instance that is to have the name")
	}
	if err := checkID("to", e.To, "i"); err != nil {
		return nil, err
	}
	return Handover{Name: e.Name, To: e.To, By: e.By, Dry: e.Dry}, nil
}

// MarshalJSON writes the event as Decode reads it, for those who send it.
func (h Handover) MarshalJSON() ([]byte, error) {
	sent := struct {
		Goldsmith string `json:"goldsmith"`
		Version   string `json:"version"`
		Name      string `json:"name"`
		To        string `json:"to"`
		By        string `json:"by,omitempty"`
		Dry       bool   `json:"dry,omitempty"`
	}{"handover", "1", h.Name, h.To, h.By, h.Dry}
	return json.Marshal(sent)
}

// MostAdopted is how many images one event may name.
const MostAdopted = 100

func adopt(e envelope) (Event, error) {
	check := adoptSome
	if e.All {
		check = adoptAll
	}
	if err := check(e); err != nil {
		return nil, err
	}
	return Adopt{Images: e.Images, All: e.All, After: e.After, By: e.By, Dry: e.Dry}, nil
}

func adoptAll(e envelope) error {
	switch {
	case len(e.Images) > 0:
		return errors.New("images: want none, since all is true")
	case e.After != "" && !isID(e.After, "ami"):
		return wrong("after", "an image id (ami- and 8 or 17 hex digits)", e.After)
	}
	return nil
}

func adoptSome(e envelope) error {
	switch {
	case len(e.Images) == 0:
		return missing("images", "the ids of images, or all")
	case len(e.Images) > MostAdopted:
		return fmt.Errorf("images: want at most %d, got %d", MostAdopted, len(e.Images))
	case e.After != "":
		return errors.New("after: want it with all only")
	}
	for n, id := range e.Images {
		if err := checkID(fmt.Sprintf("images[%d]", n), id, "ami"); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON writes the event as Decode reads it, for those who send it.
func (a Adopt) MarshalJSON() ([]byte, error) {
	sent := struct {
		Goldsmith string   `json:"goldsmith"`
		Version   string   `json:"version"`
		Images    []string `json:"images,omitempty"`
		All       bool     `json:"all,omitempty"`
		After     string   `json:"after,omitempty"`
		By        string   `json:"by,omitempty"`
		Dry       bool     `json:"dry,omitempty"`
	}{"adopt", "1", a.Images, a.All, a.After, a.By, a.Dry}
	return json.Marshal(sent)
}

func exempt(e envelope) (Event, error) {
	switch {
	case e.Source == "":
		return nil, missing("source", "the id or the name of the source that is down")
	case utf8.RuneCountInString(e.Source) > plan.MaxTagValue:
		return nil, wrong("source", fmt.Sprintf("at most %d characters, as a tag holds", plan.MaxTagValue), e.Source)
	case e.By == "":
		return nil, missing("by", "who says so")
	}
	return Exempt{Source: e.Source, By: e.By, Undo: e.Undo}, nil
}

// MarshalJSON writes the event as Decode reads it, for those who send it.
func (x Exempt) MarshalJSON() ([]byte, error) {
	sent := struct {
		Goldsmith string `json:"goldsmith"`
		Version   string `json:"version"`
		Source    string `json:"source"`
		By        string `json:"by"`
		Undo      bool   `json:"undo,omitempty"`
	}{"exempt", "1", x.Source, x.By, x.Undo}
	return json.Marshal(sent)
}

func checkPlan(name string) error {
	switch {
	case name == "":
		return missing("plan", "")
	case len(name) > 32 || !only(lower+digit+"-", name):
		return wrong("plan", `1 to 32 of a-z, 0-9 and "-"`, name)
	default:
		return nil
	}
}

// MarshalJSON writes the event as Decode reads it, for those who send it.
func (r RunNow) MarshalJSON() ([]byte, error) {
	sent := struct {
		Goldsmith string `json:"goldsmith"`
		Version   string `json:"version"`
		Plan      string `json:"plan"`
		Source    string `json:"source,omitempty"`

		Data map[string]string `json:"data,omitempty"`
		By   string            `json:"by,omitempty"`
		At   time.Time         `json:"at,omitzero"`
		ID   string            `json:"id,omitempty"`
	}{"run", "1", r.Plan, r.Source, r.Data, r.By, r.At, r.ID}
	return json.Marshal(sent)
}
