package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

// Owner is the lineage that a name belongs to: the one whose image was last rolled under it, or that a
// person handed it to.
type Owner struct {
	Name string `json:"name"`
	// Lineage is the owner, Source the one of its sources that took the name, and Run the run that did.
	Lineage string `json:"lineage"`
	Source  string `json:"source,omitempty"`
	Run     string `json:"run,omitempty"`
	// Key is what templates name the source by that take their image from a parameter; only of the owner of one.
	Key string `json:"key,omitempty"`
	// By is the person who handed the name over; empty when a run took it.
	By string `json:"by,omitempty"`
	// Former are the lineages that had the name before, the latest last.
	Former []string `json:"former,omitempty"`
	// Taken is when the snapshot was started that the source's image is of; only of a snapshot.
	Taken time.Time `json:"taken,omitzero"`
	// At is since when.
	At time.Time `json:"at,omitzero"`
	// Revision changes with every PutOwner.
	Revision string `json:"revision,omitempty"`
}

// mostFormer bounds what is remembered of a name that a new instance has every day: an item takes 400 KB.
const mostFormer = 500

// After is the owner that follows another one, or the same one again.
func (o Owner) After(before Owner) Owner {
	o.Revision, o.Former = before.Revision, slices.Clone(before.Former)
	if before.Lineage != "" && before.Lineage != o.Lineage && !slices.Contains(o.Former, before.Lineage) {
		o.Former = append(o.Former, before.Lineage)
	}
	o.Former = o.Former[max(0, len(o.Former)-mostFormer):]
	return o
}

// TakenError says that a name's owner has changed since it was read.
type TakenError struct{ Name string }

// Error names it.
func (t *TakenError) Error() string {
	return fmt.Sprintf("the name %s is being taken for another source", t.Name)
}

func (o Owner) inUTC() Owner {
	toUTC(&o.At, &o.Taken)
	return o
}

func ownerKey(name string) key { return key{"owner#" + name, "owner"} }

func owner(ctx context.Context, s rows, name string) (o Owner, ok bool, err error) {
	doc, ok, err := s.read(ctx, ownerKey(name))
	if err != nil || !ok {
		return Owner{}, false, err
	}
	o, err = decode[Owner](doc)
	return o, err == nil, err
}

func putOwner(ctx context.Context, s rows, o Owner) (Owner, error) {
	o, known := o.inUTC(), o.Revision
	o.Revision = rand.Text()
	doc, err := encode(o)
	if err != nil {
		return o, err
	}
	ok, err := s.swap(ctx, ownerKey(o.Name), known, o.Revision, doc)
	if err == nil && !ok {
		err = &TakenError{Name: o.Name}
	}
	return o, err
}
