package selection_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// The keys that volumes are encrypted with: grants may be made on all but foreign.
const (
	foreign = "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	key     = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	other   = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ac"
)

// locked launches an instance of the plan whose volumes are encrypted with these keys.
func locked(s *steptest.Stage, name string, keys ...string) string {
	return s.Launch(name, enrolled, func(in *sdk.RunInstancesInput) {
		for n, device := range []string{"/dev/sdf", "/dev/sdg"}[:len(keys)] {
			in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
				DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{
					VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true), KmsKeyId: aws.String(keys[n]),
				},
			})
		}
	})
}

// What a volume's key keeps from being started again is not stopped; each key is asked about once.
func TestSelectKeys(t *testing.T) {
	keyed := func(state ec2.KeyState) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			locked(s, "one", other, key)
			locked(s, "two", key)
			s.Cloud.SetKey(key, state)
		}
	}
	const keysAsked = looks + " DescribeInstances DescribeKey*2"
	left := func(n int, says string) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, p job.Batch) {
			s.Same("chosen", len(p.Sources), 1)
			s.Same("to be asked about", p.Ask, []string{s.Web})
			results := s.Results(p.Run.Name)
			s.Same("left out", len(results), n)
			for _, r := range results {
				s.Same("reason", r.Skip, &job.Reason{Code: job.CannotStart,
					Text: "EC2 would not start it again: key " + key + " of its volumes " + says})
			}
		}
	}
	steptest.Play(t, scene, cases{
		{Name: "usable", Given: keyed(ec2.KeyUsable), Want: keysAsked + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", len(p.Sources), 3) }},
		{Name: "disabled", Given: keyed(ec2.KeyDisabled), Want: keysAsked + " PutResult*2: ok",
			Then: left(2, "is in state Disabled. Enable it")},
		{Name: "to be deleted", Given: keyed(ec2.KeyPendingDeletion), Want: keysAsked + " PutResult*2: ok",
			Then: left(2, "is in state PendingDeletion. Cancel its deletion and enable it")},
		{Name: "without its material", Given: keyed(ec2.KeyPendingImport),
			Want: keysAsked + " PutResult*2: ok",
			Then: left(2, "is in state PendingImport. Import its key material again")},
		{Name: "in a store that is not connected", Given: keyed(ec2.KeyUnavailable),
			Want: keysAsked + " PutResult*2: ok",
			Then: left(2, "is in state Unavailable. Connect its custom key store again")},
		{Name: "deleted", Given: keyed(ec2.KeyDeleted), Want: keysAsked + " PutResult*2: ok",
			Then: left(2, "does not exist any more")},
		{Name: "on which no grant may be made", Want: keysAsked + " PutResult: ok",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				locked(s, "one", key)
				locked(s, "two", foreign)
			},
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen", len(p.Sources), 2)
				s.Same("reason", s.Results(p.Run.Name)[0].Skip, &job.Reason{Code: job.CannotStart,
					Text: "EC2 would not start it again: function start may make no grant on key " + foreign + " of its " +
						"volumes, which the setting kmsKeys does not list. List it there, and deploy again"})
			}},
		{
			Name: "it cannot be looked at: said so, and gone on", Given: keyed(ec2.KeyHidden),
			Want: keysAsked + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				noted := 0
				for _, src := range p.Sources {
					if slices.Contains(src.Notes, job.KeyUnseen) {
						noted++
					}
				}
				s.Same("chosen and noted", []int{len(p.Sources), noted}, []int{3, 2})
			},
		},
		{
			Name: "KMS is busy: asked again",
			Given: func(s *steptest.Stage, p *job.Batch) {
				keyed(ec2.KeyUsable)(s, p)
				s.Refuse("DescribeKey", "ThrottlingException", 6)
			},
			Want: looks + " DescribeInstances DescribeKey*6: Transient | " + keysAsked + ": ok",
		},
		{
			Name: "nothing is stopped, nothing is asked",
			Given: func(s *steptest.Stage, p *job.Batch) {
				keyed(ec2.KeyDisabled)(s, p)
				p.Plan.Consistency = plan.Reboot
			},
			Want: "PutRun DescribeInstances DescribeInstanceTypes DescribeVolumes: ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", len(p.Sources), 3) },
		},
		{
			Name: "a request: claim asks again, and answers",
			Given: func(s *steptest.Stage, p *job.Batch) {
				keyed(ec2.KeyDisabled)(s, p)
				p.Run.Request = &job.Request{Source: locked(s, "three", key), Kind: job.Instance}
			},
			Want: looks + " DescribeInstances DescribeKey: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen and asked", []any{len(p.Sources), p.Run.Asked.IsZero()}, []any{1, true})
			},
		},
	})
}

// standard is the quota that t3.micro counts for, with its two vCPUs.
const standard = "L-1216C47A"

func TestSelectQuotas(t *testing.T) {
	allowed := func(vcpus float64) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) {
			s.Launch("another's", nil)
			s.Cloud.SetQuota(standard, vcpus)
		}
	}
	steptest.Play(t, scene, cases{
		{
			Name: "as many vCPUs run as are allowed", Given: allowed(4), Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen and quotas", []int{len(p.Sources), len(p.Run.Quotas)}, []int{1, 0})
			},
		},
		{
			Name: "more run than are allowed", Given: allowed(3), Want: looks + " DescribeInstances PutResult: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen", len(p.Sources), 0)
				results := s.Results(p.Run.Name)
				s.Same("reason", results[0].Skip, &job.Reason{Code: job.CannotStart, Text: "EC2 would not start it again: " +
					"of the On-Demand vCPUs that quota L-1216C47A of EC2 counts, 4 run, and it allows 3. " +
					"Ask Service Quotas for more, or stop what is not needed"})
			},
		},
		{
			Name: "Spot has a quota of its own",
			Given: func(s *steptest.Stage, p *job.Batch) {
				allowed(4)(s, p)
				s.Launch("spot", nil, func(in *sdk.RunInstancesInput) {
					in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
				})
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", len(p.Sources), 1) },
		},
		{
			Name: "the quota cannot be read: said so, and gone on",
			Given: func(s *steptest.Stage, p *job.Batch) {
				allowed(3)(s, p)
				s.Refuse("GetServiceQuota", "AccessDeniedException", 1)
			},
			Want: "PutRun DescribeInstances GetServiceQuota DescribeInstanceTypes DescribeVolumes DescribeInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen", len(p.Sources), 1)
				s.Same("quotas", p.Run.Quotas, []job.Quota{{Code: standard}})
			},
		},
		{
			Name: "what is stopped already is imaged all the same",
			Given: func(s *steptest.Stage, p *job.Batch) {
				allowed(1)(s, p)
				s.Set(s.Web, ec2.Stopped)
			},
			Want: "PutRun DescribeInstances DescribeInstanceTypes DescribeVolumes: ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", len(p.Sources), 1) },
		},
	})
}
