package claim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// The ids of keys that volumes have: one that the deployment lists, and one that it does not.
const (
	ourKey   = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	theirKey = "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// keyed gives the claim a source whose volume is encrypted with a key in this state.
func keyed(state ec2.KeyState, edit ...func(*claim.Input)) func(*steptest.Stage, *claim.Input) {
	return under(ourKey, state, edit...)
}

func under(key string, state ec2.KeyState, edit ...func(*claim.Input)) func(*steptest.Stage, *claim.Input) {
	return func(s *steptest.Stage, in *claim.Input) {
		if key == "" {
			key = s.Cloud.DefaultKey()
		}
		in.Job.Source.ID = s.Launch("locked", map[string]string{tag.Plan: "nightly"}, func(in *sdk.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
				Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true), KmsKeyId: aws.String(key)}}}
		})
		s.Cloud.SetKey(key, state)
		for _, e := range edit {
			e(in)
		}
	}
}

func TestClaimAsksForKeys(t *testing.T) {
	const asked = looks + " StartInstances DescribeVolumes DescribeKey"
	strict := func(in *claim.Input) { in.Job.Plan.Strict = true }
	fresh := func(in *claim.Input) { in.Job.Run.Asked = time.Now() }
	noted := func(in *claim.Input) { in.Job.Source.Notes = []job.ReasonCode{job.KeyUnseen} }
	unseen := func(s *steptest.Stage, j job.Job) {
		s.Same("warnings", j.Warnings, []job.Reason{{Code: job.KeyUnseen,
			Text: "whether the KMS keys of its volumes can be used could not be seen"}})
	}
	steptest.Play(t, scene, cases{
		{Name: "usable", Given: keyed(ec2.KeyUsable), Want: asked + " Slots*2 Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.StopFirst) }},
		{Name: "disabled", Given: keyed(ec2.KeyDisabled), Want: asked + ": ok",
			Then: skips(job.CannotStart, "is in state Disabled. Enable it")},
		{Name: "kmsKeys does not list it", Given: under(theirKey, ec2.KeyUsable), Want: asked + ": ok",
			Then: skips(job.CannotStart, "may make no grant on key "+theirKey)},
		{Name: "nor can that be looked at", Given: under(theirKey, ec2.KeyHidden), Want: asked + ": ok",
			Then: skips(job.CannotStart, "may make no grant on key "+theirKey)},
		{Name: "AWS's own is not listed, and needs no grant", Given: under("", ec2.KeyUsable),
			Want: asked + " Slots*2 Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.StopFirst) }},
		{Name: "it cannot be looked at: said so, and gone on", Given: keyed(ec2.KeyHidden),
			Want: asked + " Slots*2 Take Record: ok", Then: unseen},
		{Name: "and select has found that out", Given: keyed(ec2.KeyHidden, fresh, noted),
			Want: looks + " Slots*2 Take Record: ok", Then: unseen},
		{Name: "what select could not look at is looked at by now", Given: keyed(ec2.KeyUsable, noted),
			Want: asked + " Slots*2 Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) }},
		{Name: "the plan is strict", Given: keyed(ec2.KeyHidden, strict), Want: asked + ": ok",
			Then: skips(job.KeyUnseen, "(the plan is strict)")},
		{
			Name: "KMS is busy", Want: asked + "*6: Transient",
			Given: func(s *steptest.Stage, in *claim.Input) {
				keyed(ec2.KeyUsable)(s, in)
				s.Refuse("DescribeKey", "ThrottlingException", 6)
			},
			Says: []string{"looking at key arn:aws:kms:"},
		},
	})
}

// What select found of the account's quotas holds for the run.
func TestClaimHeedsQuotas(t *testing.T) {
	over := job.Quota{Code: "L-1216C47A", Over: "4 run, and it allows 3"}
	found := func(q job.Quota) func(*steptest.Stage, *claim.Input) {
		return func(_ *steptest.Stage, in *claim.Input) {
			in.Job.Run.Asked, in.Job.Run.Quotas = time.Now(), []job.Quota{q}
		}
	}
	steptest.Play(t, scene, cases{
		{Name: "exceeded", Given: found(over), Want: looks + ": ok",
			Then: skips(job.CannotStart, "quota L-1216C47A of EC2 counts, 4 run")},
		{Name: "exceeded an hour ago: EC2 is not asked", Want: looks + ": ok",
			Given: func(s *steptest.Stage, in *claim.Input) { found(over)(s, in); time.Sleep(time.Hour) },
			Then:  skips(job.CannotStart, "quota L-1216C47A of EC2 counts, 4 run")},
		{Name: "another family's", Given: found(job.Quota{Code: "L-DB2E81BA", Over: "4 run, and it allows 3"}),
			Want: looks + " Slots*2 Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) }},
		{Name: "not read", Given: found(job.Quota{Code: "L-1216C47A"}), Want: looks + " Slots*2 Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("warnings", []any{len(j.Warnings), j.Warnings[0].Code}, []any{1, job.QuotaUnseen})
			}},
	})
}
