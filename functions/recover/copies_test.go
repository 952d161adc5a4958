package recovery_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

// unlisted is an EC2 that lists no image, though there are some.
type unlisted struct{ *sdk.Client }

func (unlisted) DescribeImages(
	context.Context, *sdk.DescribeImagesInput, ...func(*sdk.Options),
) (*sdk.DescribeImagesOutput, error) {
	return &sdk.DescribeImagesOutput{}, nil
}

// copiesAPI of a job that was cut off go unless an image holds them: one of a person, or the job's own that EC2 does
// not list and whose registration was never answered.
func TestCopiesThatAnImageHoldsStay(t *testing.T) {
	for name, c := range map[string]struct {
		image  func(r ledger.Registration, root, data string) *sdk.RegisterImageInput
		listed bool
		left   []string // of "root" and "data"
	}{
		"no image": {listed: true},
		"a person's image holds the data volume's": {
			image: func(_ ledger.Registration, _, data string) *sdk.RegisterImageInput {
				return registering("by hand", data)
			},
			// It boots from it.
			listed: true, left: []string{"data"},
		},
		"a person's image holds both": {
			image: func(_ ledger.Registration, root, data string) *sdk.RegisterImageInput {
				return registering("by hand", root, data)
			},
			listed: true, left: []string{"root", "data"},
		},
		"its own image is not listed": {
			image: func(r ledger.Registration, root, data string) *sdk.RegisterImageInput {
				return registering(r.AMIName, root, data)
			},
			left: []string{"root", "data"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
					Plan: "nightly", Run: steptest.RunName, AMIName: "goldsmith/lab", Token: "T0K3N", Begun: time.Now()}
				data, root := copyOf(s, r, "snap-2"), copyOf(s, r, "snap-1")
				r.From, r.Snapshots = root, []string{root, data}
				r.Copies = map[string]string{"snap-1": root, "snap-2": data}
				r, err := s.Ledger.Kept.Register(s.Context(), r)
				s.Must(err)
				if c.image != nil {
					_, err := s.EC2.RegisterImage(s.Context(), c.image(r, root, data))
					s.Must(err)
				}
				time.Sleep(time.Hour)
				l := leftovers(s)
				if !c.listed {
					l.EC2 = unlisted{s.EC2}
				}
				s.Must(l.Settle(s.Context(), nil, []ledger.Registration{r}))
				var left []string
				for name, id := range map[string]string{"root": root, "data": data} {
					_, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{id}})
					if err == nil {
						left = append(left, name)
					}
				}
				slices.Sort(left)
				slices.Sort(c.left)
				s.Same("copies that are left", left, c.left)
			})
		})
	}
}

func leftovers(s *steptest.Stage) recovery.Leftovers {
	return recovery.Leftovers{
		EC2: s.EC2, Usage: usage.Finder{EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM}, Register: s.Ledger.Kept,
		Waits: s.Ledger.Kept, Results: s.Ledger.Kept, Now: time.Now,
	}
}

// copyOf is a snapshot that is described as the registration's copy of another one.
func copyOf(s *steptest.Stage, r ledger.Registration, of string) string {
	s.Helper()
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{s.Web}})
	s.Must(err)
	made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{
		VolumeId:    out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId,
		Description: aws.String(register.Copied(r, of)),
	})
	s.Must(err)
	time.Sleep(time.Hour)
	return aws.ToString(made.SnapshotId)
}

// registering asks for an image of snapshots, the first of which is its root volume's.
func registering(name string, snapshots ...string) *sdk.RegisterImageInput {
	in := &sdk.RegisterImageInput{
		Name: aws.String(name), RootDeviceName: aws.String("/dev/xvda"), VirtualizationType: aws.String("hvm"),
		Architecture: types.ArchitectureValuesX8664,
	}
	for n, id := range snapshots {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: aws.String([]string{"/dev/xvda", "/dev/sdf"}[n]), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(id)},
		})
	}
	return in
}
