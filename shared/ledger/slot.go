package ledger

import "time"

// Slot is one unit of what a plan has a bounded number of, and who has it. It is
// known by its plan, kind and id; a source has it for the time of one run.
type Slot struct {
	Plan string   `json:"plan"`
	Kind SlotKind `json:"kind"`
	// ID tells the slots of a plan and kind apart; they are listed in its order.
	ID     string `json:"id"`
	Source string `json:"source"`
	Name   string `json:"name,omitempty"`
	Run    string `json:"run"`
	// Execution is the ARN of the execution that took it.
	Execution string    `json:"execution,omitempty"`
	Since     time.Time `json:"since"`
	// Seen is when its holder last said so.
	Seen time.Time `json:"seen,omitzero"`
	// Stopping is set right before StopInstances is sent: from then on the source may be down.
	Stopping time.Time `json:"stopping,omitzero"`
	// Due is when the source should run again at the latest.
	Due time.Time `json:"due,omitzero"`
	// Started is set by who has started the instance of another that waits for that.
	Started time.Time `json:"startedAt,omitzero"`
	// By is the person who wrote it.
	By string `json:"by,omitempty"`
}

// SlotKind is what there is a bounded number of.
type SlotKind string

const (
	// Places are as many as sources of the plan may be down at once.
	Places SlotKind = "place"
	// Turns are what waits for a place, in the order of asking.
	Turns SlotKind = "turn"
	// Stops are as many as sources of the plan may be stopped in one period.
	Stops SlotKind = "stop"
	// Downs name the sources that are down beyond their patience. They are of EveryPlan, and
	// their claims say why.
	Downs SlotKind = "down"
	// Members are of EveryPlan, by the name of an Auto Scaling group: the member of it that is out of service, one at a
	// time.
	Members SlotKind = "member"
	// Starts are of EveryPlan: instances that wait for a moment to be started.
	Starts SlotKind = "start"
	// Exempt names a source that a person does not want others to wait for; of EveryPlan.
	Exempt SlotKind = "exempt"
)

// EveryPlan is the plan of slots that all plans look at. No plan can have this name.
const EveryPlan = "*"

func (s Slot) holder() string { return s.Source + " " + s.Run }

func (s Slot) inUTC() Slot {
	toUTC(&s.Since, &s.Seen, &s.Stopping, &s.Due, &s.Started)
	return s
}

// slots is one partition, so that a sweep sees them all in one query.
const slots = "slots"

func slotsOf(plan string) string {
	if plan == "" {
		return ""
	}
	return plan + "#"
}

func slotKey(s Slot) key { return key{slots, slotsOf(s.Plan) + string(s.Kind) + "#" + s.ID} }
