package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TargetRecord is what a source's name has rolled into a launch template, or into
// an alias in Parameter Store: what it pointed at, so that it can be pointed back. It is
// kept for good: how long ago the last roll was says nothing of whether it is to be undone.
// What follows from it is shared/rollout's matter.
type TargetRecord struct {
	// Source is the name of the sources that it takes images of.
	Source string `json:"source"`
	// ID is a launch template id or a Parameter Store name, Title the template's name.
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
	// Parameter is whether it is a Parameter Store name, which may look like an id.
	Parameter bool `json:"parameter,omitempty"`
	// Through are the ids of the launch templates that took their image from the parameter at its last roll.
	Through []string `json:"through,omitempty"`
	// Points are what it has pointed at, the latest roll first.
	Points []Point `json:"points,omitempty"`
	// Made are the versions of a template that rolls and undos made, the latest first: more of them than Points has.
	Made []int64 `json:"made,omitempty"`
	// Begun is a change that was begun; nil once its end is recorded. One that was cut off keeps it.
	Begun *Change `json:"begun,omitempty"`
	// Left is why the last run that would have rolled it left it alone; nil once another change was begun.
	Left *Left `json:"left,omitempty"`
	// Back is what it was rolled back to. It holds for as long as the target points there.
	Back *Point `json:"back,omitempty"`
	// Revision changes with every PutTarget.
	Revision string `json:"revision,omitempty"`
}

// Template reports whether it is a launch template. Records from before there was Parameter tell by the id alone.
func (t TargetRecord) Template() bool { return !t.Parameter && strings.HasPrefix(t.ID, "lt-") }

// Held reports whether a rollback holds it, or was begun.
func (t TargetRecord) Held() bool { return t.Back != nil || t.Begun != nil && t.Begun.To.Run == "" }

// Rolled reports whether a roll, or an undo of one, made a version of a template with that image.
func (t TargetRecord) Rolled(version int64, image string) bool {
	return slices.Contains(t.Made, version) || slices.ContainsFunc(t.Points, func(p Point) bool {
		return p.Run != "" && p.Version == version && p.Image == image
	})
}

// Point is something that a target points at.
type Point struct {
	// Image is an image id; empty when the target had none.
	Image string `json:"image,omitempty"`
	// Version is the launch template's, or the parameter's; 0 when there was none.
	Version int64 `json:"version,omitempty"`
	// Run and Source are the run that pointed it there and the id of its source, Lineage what that is over time; empty
	// when no run did.
	Run     string `json:"run,omitempty"`
	Source  string `json:"source,omitempty"`
	Lineage string `json:"lineage,omitempty"`
	// Taken is when the snapshot was started that the image is of; only of a snapshot.
	Taken time.Time `json:"taken,omitzero"`
	// Stays is whether a roll left the template's default where it was: the version is its latest.
	Stays bool `json:"stays,omitempty"`
	// By is the person who rolled it back there.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at,omitzero"`
	// Told is when people heard of the rollback.
	Told time.Time `json:"told,omitzero"`
	// Was is what launched from a template when a roll led it there; nil where that was not recorded.
	Was *Was `json:"was,omitempty"`
}

// Is reports whether it is the same version of the same image as another.
func (p Point) Is(o Point) bool { return p.Image == o.Image && p.Version == o.Version }

// Was is what launched from a template before a roll.
type Was struct {
	// Default and Latest were its default and its latest version, Base the one that the roll's was made from.
	Default Version `json:"default"`
	Latest  Version `json:"latest"`
	Base    Version `json:"base"`
	// Groups are the versions that Auto Scaling groups named by their numbers, by the groups' names.
	Groups map[string]int64 `json:"groups,omitempty"`
}

// Version is a version of a launch template, and the image that it has.
type Version struct {
	Number int64  `json:"number,omitempty"`
	Image  string `json:"image,omitempty"`
}

// Change is from one point to another. The version it leads to may not be known yet.
type Change struct {
	From Point `json:"from"`
	To   Point `json:"to"`
}

// Left is why a run left a target alone: another try of the run does not roll it.
type Left struct {
	Run     string `json:"run"`
	Image   string `json:"image"`
	Problem string `json:"problem"`
	// Other is whether that is another target's fault.
	Other bool `json:"other,omitempty"`
}

// MovedError says that a record was changed by others since it was read.
type MovedError struct{ Source, ID string }

// Error names the target.
func (m *MovedError) Error() string {
	return fmt.Sprintf("%s is being changed for %s by another run or rollback", m.ID, m.Source)
}

func (t TargetRecord) inUTC() TargetRecord {
	t.Points = slices.Clone(t.Points)
	for n := range t.Points {
		toUTC(&t.Points[n].At, &t.Points[n].Told, &t.Points[n].Taken)
	}
	if t.Begun != nil {
		begun := *t.Begun
		toUTC(&begun.From.At, &begun.From.Told, &begun.From.Taken, &begun.To.At, &begun.To.Told, &begun.To.Taken)
		t.Begun = &begun
	}
	if t.Back != nil {
		back := *t.Back
		toUTC(&back.At, &back.Told, &back.Taken)
		t.Back = &back
	}
	return t
}
