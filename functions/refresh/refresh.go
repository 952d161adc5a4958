// Package refresh moves Auto Scaling groups to what was rolled, by instance
// refreshes, and writes down how they stand. The workflow calls it until none is
// left to start or to wait for; the source is released long before.
package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/metric"
	"goldsmith/shared/rollout"
	"goldsmith/shared/standby"
)

// ledgerAPI is where results go, and what knows of targets that a job does not carry.
type ledgerAPI interface {
	rollout.Ledger
	standby.Slots
	PutResult(ctx context.Context, r job.Result) error
}

// Step refreshes groups.
type Step struct {
	AutoScaling groupsAPI
	EC2         ec2.DescribeLaunchTemplateVersionsAPIClient
	SSM         parameters
	Ledger      ledgerAPI
	Now         func() time.Time
}

// Handle starts what can be started and records how things stand. What cannot
// be done for a group is told on its own; only an AWS that is busy is an error,
// since the whole step can then be tried again: a refresh that was started is
// found again by what it deploys.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	var err error
	switch {
	case !j.Plan.Roll.Refresh.Enabled:
		j, err = s.warn(ctx, j)
	case len(j.Refreshes) == 0:
		j.Refreshes, err = s.begin(ctx, j)
	default:
		err = s.follow(ctx, &j)
	}
	if err != nil {
		return j, err
	}
	j.Refreshing = slices.ContainsFunc(j.Refreshes, job.Refresh.Open)
	if err := s.Ledger.PutResult(ctx, j.ResultOf(job.Imaged, s.Now().UTC())); err != nil {
		return j, fmt.Errorf("recording the refreshes of %s: %w", j.Source.ID, err)
	}
	if !j.Refreshing {
		count(ctx, j)
	}
	return j, nil
}

// lasting is what to tell of an error that lasts; one that passes is given back.
func lasting(err error) (string, error) {
	if err == nil || fault.IsTransient(err) || fault.IsNotYet(err) || fault.Code(err) == inProgress ||
		errors.As(err, new(*fault.NotYet)) {
		return "", err
	}
	return fault.Brief(err), nil
}

func count(ctx context.Context, j job.Job) {
	for _, r := range j.Refreshes {
		if r.Problem != "" {
			handler.Log(ctx).WarnContext(ctx, "not refreshed", "group", r.Group, "refresh", r.ID, "status", r.Status, "problem",
				r.Problem)
			metric.Put(ctx, handler.Log(ctx), metric.RefreshesFailed, j.Run.Plan, 1)
		}
	}
}
