package eventbridge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Settings are what GetSchedule tells of a schedule and UpdateSchedule replaces, in Scheduler's own words:
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html.
type Settings struct {
	ActionAfterCompletion      string `json:",omitempty"`
	Description                string `json:",omitempty"`
	FlexibleTimeWindow         *Window
	KmsKeyArn                  string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	State                      string
	Target                     *Target
}

// Window is a schedule's flexible time window.
type Window struct {
	Mode                   string
	MaximumWindowInMinutes int `json:",omitempty"`
}

// Target is what a schedule invokes.
type Target struct {
	Arn, RoleArn     string
	Input            string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	RetryPolicy      *RetryPolicy
}

// DeadLetterConfig is where what could not be delivered goes.
type DeadLetterConfig struct{ Arn string }

// RetryPolicy is how often, and until when, a target is invoked again.
type RetryPolicy struct{ MaximumEventAgeInSeconds, MaximumRetryAttempts int }

const (
	enabled, disabled = "ENABLED", "DISABLED"
	// mostListed is the largest page of ListSchedules, and the one without MaxResults.
	mostListed = 100
)

// defaulted are the settings with Scheduler's defaults for what they leave out: an update keeps none of what was.
func (s Settings) defaulted() Settings {
	s.ActionAfterCompletion = cmp.Or(s.ActionAfterCompletion, "NONE")
	s.ScheduleExpressionTimezone = cmp.Or(s.ScheduleExpressionTimezone, "UTC")
	s.State = cmp.Or(s.State, enabled)
	if s.Target != nil && s.Target.RetryPolicy == nil {
		target := *s.Target
		target.RetryPolicy = &RetryPolicy{MaximumEventAgeInSeconds: 86400, MaximumRetryAttempts: 185}
		s.Target = &target
	}
	return s
}

// invalid is what Scheduler has against the settings; "" for nothing.
func (s Settings) invalid() string {
	switch {
	case s.FlexibleTimeWindow == nil || s.ScheduleExpression == "" || s.Target == nil:
		return "FlexibleTimeWindow, ScheduleExpression and Target are required."
	case s.Target.Arn == "" || s.Target.RoleArn == "":
		return "Arn and RoleArn of the Target are required."
	case s.ActionAfterCompletion != "NONE" && s.ActionAfterCompletion != "DELETE":
		return fmt.Sprintf("ActionAfterCompletion %s is neither NONE nor DELETE.", s.ActionAfterCompletion)
	case s.State != enabled && s.State != disabled:
		return fmt.Sprintf("State %s is neither ENABLED nor DISABLED.", s.State)
	}
	return s.FlexibleTimeWindow.invalid()
}

func (w Window) invalid() string {
	minutes := w.MaximumWindowInMinutes
	switch {
	case w.Mode != "OFF" && w.Mode != "FLEXIBLE":
		return fmt.Sprintf("FlexibleTimeWindow %s is neither OFF nor FLEXIBLE.", w.Mode)
	case w.Mode == "OFF" && minutes != 0:
		return "MaximumWindowInMinutes is not allowed when FlexibleTimeWindow is OFF."
	case w.Mode == "FLEXIBLE" && (minutes < 1 || minutes > 1440):
		return "MaximumWindowInMinutes must be from 1 to 1440."
	}
	return ""
}

// Enable switches a schedule on or off, as a person does in the console: one that is off
// invokes nothing, and its times pass.
func (b *Bus) Enable(name string, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.off[name] = !on
}

func (b *Bus) enabled(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.off[name]
}

// settings are a schedule's now.
func (b *Bus) settings(s Schedule) Settings {
	now := s.Settings.defaulted()
	now.State = map[bool]string{true: enabled, false: disabled}[b.enabled(s.Name)]
	return now
}

// ServeHTTP answers Scheduler's GetSchedule, ListSchedules, and UpdateSchedule as far as it changes whether a schedule
// is on: https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, one := strings.CutPrefix(r.URL.Path, "/schedules/")
	switch {
	case one && r.Method == http.MethodGet:
		b.get(w, name, r.URL.Query().Get("groupName"))
	case one && r.Method == http.MethodPut:
		b.update(w, r, name)
	case r.URL.Path == "/schedules" && r.Method == http.MethodGet:
		b.list(w, r)
	default:
		reply(w, http.StatusBadRequest, "UnknownOperationException",
			map[string]any{"Message": "the embedded Scheduler knows GetSchedule, ListSchedules and UpdateSchedule only"})
	}
}

// find is a schedule; false once it was answered that there is none.
func (b *Bus) find(w http.ResponseWriter, name, group string) (s Schedule, arn string, found bool) {
	group = cmp.Or(group, "default")
	arn = b.scheduleARN(group, name)
	if s, found = b.Schedules()[arn]; found {
		return s, arn, true
	}
	message := fmt.Sprintf("Schedule %s does not exist.", name)
	if !b.hasGroup(group) {
		message = fmt.Sprintf("Schedule group %s does not exist.", group)
	}
	reply(w, http.StatusNotFound, "ResourceNotFoundException", map[string]any{"Message": message})
	return s, arn, false
}

func (b *Bus) get(w http.ResponseWriter, name, group string) {
	s, arn, found := b.find(w, name, group)
	if !found {
		return
	}
	reply(w, http.StatusOK, "", struct {
		Arn, Name, GroupName string
		Settings
	}{arn, s.Name, s.Group, b.settings(s)})
}

// update replaces every setting by what the request has, and by its default where it has nothing.
func (b *Bus) update(w http.ResponseWriter, r *http.Request, name string) {
	var in struct {
		GroupName, ClientToken string
		Settings
	}
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if err := body.Decode(&in); err != nil {
		refuse(w, "%s is not modelled by the embedded AWS.", strings.TrimPrefix(err.Error(), "json: unknown field "))
		return
	}
	s, arn, found := b.find(w, name, in.GroupName)
	if !found {
		return
	}
	wanted, now := in.defaulted(), b.settings(s)
	if problem := cmp.Or(wanted.invalid(), wanted.unlike(now)); problem != "" {
		refuse(w, "%s", problem)
		return
	}
	s.Settings = wanted
	b.mu.Lock()
	b.schedules[arn], b.off[name] = s, wanted.State == disabled
	b.mu.Unlock()
	reply(w, http.StatusOK, "", map[string]any{"ScheduleArn": arn})
}

// unlike is what an update would change that decides when a schedule invokes what; "" for nothing.
func (s Settings) unlike(now Settings) string {
	switch {
	case s.ScheduleExpression != now.ScheduleExpression:
		return "Another ScheduleExpression is not modelled by the embedded AWS."
	case s.ScheduleExpressionTimezone != now.ScheduleExpressionTimezone:
		return "Another ScheduleExpressionTimezone is not modelled by the embedded AWS."
	case !reflect.DeepEqual(s.Target, now.Target):
		return "Another Target (Arn, RoleArn, Input, DeadLetterConfig, MaximumEventAgeInSeconds, MaximumRetryAttempts) " +
			"is not modelled by the embedded AWS."
	}
	return ""
}

// list is a page of schedules, by ARN.
func (b *Bus) list(w http.ResponseWriter, r *http.Request) {
	asked, all := r.URL.Query(), b.Schedules()
	most, problem := listed(asked)
	if problem != "" {
		refuse(w, "%s", problem)
		return
	}
	page, next := []map[string]any{}, ""
	wanted := func(key, value string) bool { return !asked.Has(key) || asked.Get(key) == value }
	for _, arn := range slices.Sorted(maps.Keys(all)) {
		s := all[arn]
		state := b.settings(s).State
		if arn <= asked.Get("NextToken") || !wanted("ScheduleGroup", s.Group) || !wanted("State", state) ||
			!strings.HasPrefix(s.Name, asked.Get("NamePrefix")) {
			continue
		}
		if len(page) == most {
			next = page[most-1]["Arn"].(string)
			break
		}
		page = append(page, map[string]any{"Arn": arn, "Name": s.Name, "GroupName": s.Group, "State": state})
	}
	answer := map[string]any{"Schedules": page}
	if next != "" {
		answer["NextToken"] = next
	}
	reply(w, http.StatusOK, "", answer)
}

// listed is how many schedules a page has, or what is wrong with the request.
func listed(asked url.Values) (most int, problem string) {
	if state := asked.Get("State"); asked.Has("State") && state != enabled && state != disabled {
		return 0, fmt.Sprintf("State %s is neither ENABLED nor DISABLED.", state)
	}
	if !asked.Has("MaxResults") {
		return mostListed, ""
	}
	most, err := strconv.Atoi(asked.Get("MaxResults"))
	if err != nil || most < 1 || most > mostListed {
		return 0, fmt.Sprintf("MaxResults must be from 1 to %d.", mostListed)
	}
	return most, ""
}

// refuse answers that the request is not valid.
func refuse(w http.ResponseWriter, format string, args ...any) {
	reply(w, http.StatusBadRequest, "ValidationException", map[string]any{"Message": fmt.Sprintf(format, args...)})
}

func (b *Bus) hasGroup(name string) bool {
	for _, s := range b.Schedules() {
		if s.Group == name {
			return true
		}
	}
	return name == "default"
}

func reply(w http.ResponseWriter, status int, problem string, body any) {
	w.Header().Set("Content-Type", "application/json")
	if problem != "" {
		w.Header().Set("X-Amzn-ErrorType", problem)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (b *Bus) scheduleARN(group, name string) string {
	return fmt.Sprintf("arn:aws:scheduler:%s:%s:schedule/%s/%s", b.options.Region, b.options.Account, group, name)
}
