package ledgertest

import (
	"errors"

	"pgregory.net/rapid"

	"goldsmith/shared/ledger"
)

// anImage is a registration of one of few lineages and AMI names.
func anImage(r *rapid.T) ledger.Registration { return aRegistration(source(r), run(r)) }

func registeredAs(r ledger.Registration) string { return r.Lineage + " " + r.AMIName }

func (m model) register(r *rapid.T) {
	put := anImage(r)
	put.Begun = moment(r)
	got, err := m.l.Register(r.Context(), put)
	check(r, err)
	stored, exists := m.made[registeredAs(put)]
	if !exists {
		stored = put
		stored.Schema, stored.Revision = 1, got.Revision
	}
	equal(r, "registration", got, stored)
	m.made[registeredAs(put)], m.open[registeredAs(put)] = stored, true
}

// amend amends a registration as it stands, or as it stood before.
func (m model) amend(r *rapid.T) {
	change := anImage(r)
	stored, exists := m.made[registeredAs(change)]
	change.ID, change.Gone = "ami-"+registeredAs(change), moment(r)
	change.Revision = rapid.SampledFrom([]string{stored.Revision, "stale"}).Draw(r, "revision")
	if !exists {
		change.Revision = "never"
	}
	got, err := m.l.Amend(r.Context(), change)
	if change.Revision != stored.Revision {
		if moved := (*ledger.MovedError)(nil); !errors.As(err, &moved) {
			r.Fatalf("got %v, want *Moved (there is one: %v)", err, exists)
		}
		return
	}
	check(r, err)
	change.Schema, change.Revision = 1, got.Revision
	equal(r, "registration", got, change)
	m.made[registeredAs(change)] = change
}

func (m model) settle(r *rapid.T) {
	which := anImage(r)
	check(r, m.l.Settle(r.Context(), which))
	delete(m.open, registeredAs(which))
}

func (m model) retire(r *rapid.T) {
	which := registeredAs(anImage(r))
	stored, exists := m.made[which]
	if !exists {
		return
	}
	at := moment(r)
	check(r, m.l.Retire(r.Context(), stored, at))
	delete(m.made, which)
	delete(m.open, which)
	if stored.ID != "" {
		stored.Retired = at
		m.ended[stored.ID] = stored
	}
}

func (m model) registration(r *rapid.T) {
	which := registeredAs(anImage(r))
	id := "ami-" + which
	want, exists := m.made[which]
	if exists = exists && want.ID == id; !exists {
		want, exists = m.ended[id]
	}
	got, ok, err := m.l.Registration(r.Context(), id)
	check(r, err)
	equal(r, "whether it is registered", ok, exists)
	equal(r, "registration", got, want)
}

func (m model) listRegistrations(r *rapid.T) {
	lineage := source(r)
	equal(r, "registrations", registrationsOf(r, m.l, lineage),
		sorted(m.made, func(each ledger.Registration) bool { return each.Lineage == lineage }))
	equal(r, "all registrations", registrationsOf(r, m.l, ""),
		sorted(m.made, func(ledger.Registration) bool { return true }))
	open := sorted(m.made, func(each ledger.Registration) bool { return m.open[registeredAs(each)] })
	equal(r, "unsettled", unsettledOf(r, m.l), open)
}
