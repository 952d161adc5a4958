package roll_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// errKilled is what a step that was killed gives: nothing that it would report of one target.
var errKilled = context.DeadlineExceeded

// killer lets some calls through, and then kills the step: before the call, or after it had its effect.
type killer struct {
	*steptest.Stage
	left  int
	after bool
}

func killed[T any](k *killer, do func() (T, error)) (T, error) {
	var none T
	if k.left--; k.left > 0 {
		return do()
	}
	if k.left == 0 && k.after {
		_, _ = do()
	}
	return none, errKilled
}

func (k *killer) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return k.Ledger.Targets(ctx, source)
}

func (k *killer) Owner(ctx context.Context, name string) (ledger.Owner, bool, error) {
	return k.Ledger.Owner(ctx, name)
}

func (k *killer) Registration(ctx context.Context, id string) (ledger.Registration, bool, error) {
	return k.Ledger.Registration(ctx, id)
}

func (k *killer) PutOwner(ctx context.Context, o ledger.Owner) (ledger.Owner, error) {
	return killed(k, func() (ledger.Owner, error) { return k.Ledger.PutOwner(ctx, o) })
}

func (k *killer) PutTarget(ctx context.Context, t ledger.TargetRecord) (ledger.TargetRecord, error) {
	return killed(k, func() (ledger.TargetRecord, error) { return k.Ledger.PutTarget(ctx, t) })
}

type killedEC2 struct {
	*sdk.Client
	k *killer
}

func (e killedEC2) CreateLaunchTemplateVersion(ctx context.Context, in *sdk.CreateLaunchTemplateVersionInput,
	o ...func(*sdk.Options)) (*sdk.CreateLaunchTemplateVersionOutput, error) {
	return killed(e.k, func() (*sdk.CreateLaunchTemplateVersionOutput, error) {
		return e.Client.CreateLaunchTemplateVersion(ctx, in, o...)
	})
}

func (e killedEC2) ModifyLaunchTemplate(ctx context.Context, in *sdk.ModifyLaunchTemplateInput,
	o ...func(*sdk.Options)) (*sdk.ModifyLaunchTemplateOutput, error) {
	return killed(e.k,
		func() (*sdk.ModifyLaunchTemplateOutput, error) { return e.Client.ModifyLaunchTemplate(ctx, in, o...) })
}

type killedSSM struct {
	*ssm.Client
	k *killer
}

func (p killedSSM) PutParameter(ctx context.Context, in *ssm.PutParameterInput,
	o ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	return killed(p.k, func() (*ssm.PutParameterOutput, error) { return p.Client.PutParameter(ctx, in, o...) })
}

// A roll that is killed at any of its changes, before or after, and then tried
// again: one version, and what was before is what really was before.
func TestRollKilledAnywhere(t *testing.T) {
	for at := 1; at <= 8; at++ {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				s.Cloud.AddImage(before)
				template(s, "fleet", "web", before)
				_, j := first(s)
				put(s, alias, before)
				k := &killer{Stage: s, left: at, after: after}
				of := step(s)
				of.EC2, of.SSM, of.Ledger = killedEC2{s.EC2, k}, killedSSM{s.SSM, k}, k
				if _, err := of.Handle(s.Context(), j); !errors.Is(err, errKilled) {
					t.Fatalf("killed at %d: %v", at, err)
				}
				time.Sleep(time.Minute)
				again := step(s)
				for range 2 {
					done, err := again.Handle(s.Context(), j)
					s.Must(err)
					s.Same("template", find(done, "fleet"),
						job.Rolled{Target: find(done, "fleet").Target, Name: "fleet", From: before, To: newest, Version: 2, Previous: 1})
					aliased := find(done, alias)
					s.Same("alias", []any{aliased.From, aliased.To, aliased.Previous, aliased.Problem},
						[]any{before, newest, int64(1), ""})
					time.Sleep(time.Minute)
				}
				s.Same("versions", len(versions(s, "fleet")), 2)
				for target, err := range s.Ledger.Kept.Targets(s.Context(), "web") {
					s.Must(err)
					s.Same("begun "+target.ID, target.Begun == nil, true)
					s.Same("images of "+target.ID, images(target), []string{newest, before})
				}
			})
		}
	}
}

func images(t ledger.TargetRecord) (ids []string) {
	for _, p := range t.Points {
		ids = append(ids, p.Image)
	}
	return ids
}
