package eventbridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

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

// ServeHTTP answers Scheduler's GetSchedule, as far as anybody here asks for it:
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/schedules/")
	if !ok || r.Method != http.MethodGet {
		reply(w, http.StatusBadRequest, "UnknownOperationException",
			map[string]any{"Message": "the embedded Scheduler knows GetSchedule only"})
		return
	}
	group := r.URL.Query().Get("groupName")
	if group == "" {
		group = "default"
	}
	arn := b.scheduleARN(group, name)
	if _, exists := b.Schedules()[arn]; !exists {
		message := fmt.Sprintf("Schedule %s does not exist.", name)
		if !b.hasGroup(group) {
			message = fmt.Sprintf("Schedule group %s does not exist.", group)
		}
		reply(w, http.StatusNotFound, "ResourceNotFoundException", map[string]any{"Message": message})
		return
	}
	state := "ENABLED"
	if !b.enabled(name) {
		state = "DISABLED"
	}
	reply(w, http.StatusOK, "", map[string]any{"Arn": arn, "Name": name, "GroupName": group, "State": state})
}

func (b *Bus) hasGroup(name string) bool {
	for _, s := range b.Schedules() {
		if s.Group == name {
			return true
		}
	}
	return name == "default"
}

func reply(w http.ResponseWriter, status int, problem string, body map[string]any) {
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
