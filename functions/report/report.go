// Package report writes the page of a run that has been told of, where messages lead to it.
package report

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	runpage "goldsmith/shared/page"
	told "goldsmith/shared/report"
)

// ledgerAPI is the run and what came of it.
type ledgerAPI interface {
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	told.Ledger
}

// keeper keeps pages.
type keeper interface {
	Put(ctx context.Context, run string, page []byte) error
}

// Step writes pages.
type Step struct {
	Ledger ledgerAPI
	Bucket keeper
	Now    func() time.Time
}

// Handle writes the run's page and returns what it was given: whatever comes of a page, the run ends as it did.
func (s Step) Handle(ctx context.Context, p job.Batch) (job.Batch, error) {
	if p.Plan.Notify.Link == "" {
		return p, nil
	}
	run, known, err := s.Ledger.GetRun(ctx, p.Run.Name)
	if err != nil {
		return p, fmt.Errorf("reading run %s: %w", p.Run.Name, err)
	}
	if !known {
		handler.Log(ctx).WarnContext(ctx, "no page: the ledger does not know the run")
		return p, nil
	}
	page := runpage.Run{Run: run, Plan: p.Plan, Written: s.Now()}
	if page.Results, err = told.ResultsOf(ctx, s.Ledger, run.Name); err != nil {
		return p, err
	}
	if page.Retired, err = told.RetiredBy(ctx, s.Ledger, run); err != nil {
		return p, err
	}
	var text bytes.Buffer
	if err := runpage.Write(&text, page); err != nil {
		return p, err
	}
	return p, s.Bucket.Put(ctx, run.Name, text.Bytes())
}
