package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"iter"
	"time"
)

// Three partitions hold the register. The first has every registration, in the order of lineages.
// The second has those that are not settled yet, so that a sweep reads no more than these. Each id
// has one of its own, which says where its registration is, or is the registration once it is retired.
const (
	register  = "register"
	unsettled = "unsettled"
	pointer   = "registration"
)

func lineagePrefix(lineage string) string { return "lineage#" + lineage + "#" }

func registrationKey(r Registration) key {
	return key{register, lineagePrefix(r.Lineage) + r.token()}
}

func unsettledKey(r Registration) key {
	return key{unsettled, lineagePrefix(r.Lineage) + r.token()}
}

func pointerKey(id string) key { return key{"registered#" + id, pointer} }

// rows is what the register needs of a store.
type rows interface {
	// read is the document at k; ok is false when there is none.
	read(ctx context.Context, k key) (doc string, ok bool, err error)
	// add writes where nothing is; otherwise existing is what is there.
	add(ctx context.Context, k key, holder, doc string) (existing string, added bool, err error)
	// swap writes what has this holder, or the new one already; ok is false when it has not.
	swap(ctx context.Context, k key, known, holder, doc string) (ok bool, err error)
	// set writes, whatever is there; a document with an end is forgotten some time after it.
	set(ctx context.Context, k key, holder, doc string, ends time.Time) error
	// take deletes what has this holder.
	take(ctx context.Context, k key, holder string) error
	// under are the documents whose sort keys begin with the prefix, in their order.
	under(ctx context.Context, partition, prefix string) iter.Seq2[record, error]
}

// add registers r, which has no Revision, unless it is registered: then the stored one comes back.
// The note that it is not settled comes first: whatever is made later is found by it.
func add(ctx context.Context, s rows, r Registration) (Registration, error) {
	r = r.inUTC()
	r.Schema, r.Revision = r.schema(), rand.Text()
	doc, err := encode(r)
	if err != nil {
		return r, err
	}
	if err := s.set(ctx, unsettledKey(r), unsettled, doc, time.Time{}); err != nil {
		return r, err
	}
	existing, added, err := s.add(ctx, registrationKey(r), r.Revision, doc)
	if err != nil {
		return r, err
	}
	if !added {
		if r, err = decodeRegistration(existing); err != nil || !r.Known() {
			return r, err
		}
	}
	return r, point(ctx, s, r)
}

// amend writes r as it was read with what has changed since.
func amend(ctx context.Context, s rows, r Registration) (Registration, error) {
	if !r.Known() {
		return r, &NewerError{Token: r.token(), ID: r.ID}
	}
	r, known := r.inUTC(), r.Revision
	r.Schema, r.Revision = r.schema(), rand.Text()
	doc, err := encode(r)
	if err != nil {
		return r, err
	}
	ok, err := s.swap(ctx, registrationKey(r), known, r.Revision, doc)
	if err == nil && !ok {
		err = &MovedError{Source: r.Lineage, ID: cmp.Or(r.ID, r.token())}
	}
	if err != nil {
		return r, err
	}
	return r, point(ctx, s, r)
}

// point says where the registration of an id is. It is repeated with every write, so that one
// which was cut off in between is made up for.
func point(ctx context.Context, s rows, r Registration) error {
	if r.ID == "" {
		return nil
	}
	doc, err := encode(r)
	if err != nil {
		return err
	}
	return s.set(ctx, pointerKey(r.ID), pointer, doc, time.Time{})
}

// retire ends a registration. The pointer keeps it: it is written first, and while the registration
// is still there as well, that one counts.
func retire(ctx context.Context, s rows, r Registration, at time.Time) error {
	if !r.Known() {
		return &NewerError{Token: r.token(), ID: r.ID}
	}
	r = r.inUTC()
	if r.ID != "" {
		ended := r
		ended.Retired = at
		doc, err := encode(ended.inUTC())
		if err != nil {
			return err
		}
		if err := s.set(ctx, pointerKey(r.ID), pointer, doc, at.Add(Archived)); err != nil {
			return err
		}
	}
	if err := s.take(ctx, registrationKey(r), r.Revision); err != nil {
		return err
	}
	return s.take(ctx, unsettledKey(r), unsettled)
}

func settle(ctx context.Context, s rows, r Registration) error {
	return s.take(ctx, unsettledKey(r), unsettled)
}

// find is the registration of an id, also when it is retired.
func find(ctx context.Context, s rows, id string) (r Registration, ok bool, err error) {
	doc, ok, err := s.read(ctx, pointerKey(id))
	if err != nil || !ok {
		return Registration{}, false, err
	}
	pointed, err := decodeRegistration(doc)
	if err != nil {
		return Registration{}, false, err
	}
	doc, ok, err = s.read(ctx, registrationKey(pointed))
	if err != nil {
		return Registration{}, false, err
	}
	if ok {
		r, err = decodeRegistration(doc)
		if err != nil || r.ID == id {
			return r, err == nil, err
		}
	}
	return pointed, !pointed.Retired.IsZero(), nil
}

// list are the registrations of a lineage, or all of them.
func list(ctx context.Context, s rows, lineage string) iter.Seq2[Registration, error] {
	prefix := ""
	if lineage != "" {
		prefix = lineagePrefix(lineage)
	}
	return func(yield func(Registration, error) bool) {
		for kept, err := range s.under(ctx, register, prefix) {
			var r Registration
			if err == nil {
				r, err = decodeRegistration(kept.doc)
			}
			// A group's name may hold the separator, so that another's begins with the same prefix.
			if err == nil && lineage != "" && r.Lineage != lineage {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// listUnsettled are the registrations that are not settled, each as it stands now.
func listUnsettled(ctx context.Context, s rows) iter.Seq2[Registration, error] {
	return func(yield func(Registration, error) bool) {
		for kept, err := range s.under(ctx, unsettled, "") {
			var r Registration
			if err == nil {
				r, err = current(ctx, s, kept.doc)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// current is the registration that a note is of. A note alone was cut off on its way in or out; it has no Revision.
func current(ctx context.Context, s rows, note string) (Registration, error) {
	r, err := decodeRegistration(note)
	if err != nil {
		return r, err
	}
	doc, ok, err := s.read(ctx, registrationKey(r))
	if err != nil {
		return r, err
	}
	if ok {
		return decodeRegistration(doc)
	}
	r.Revision = ""
	return r, nil
}

// decodeRegistration reads what it can of one that was written by a newer version.
func decodeRegistration(doc string) (Registration, error) {
	r, err := decode[Registration](doc)
	var other *json.UnmarshalTypeError
	if !r.Known() && errors.As(err, &other) {
		return r, nil
	}
	return r, err
}
