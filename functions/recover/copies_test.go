package recovery_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/recover/leftovers"
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

// paged is an EC2 that gives snapshots in small pages.
type paged struct{ *sdk.Client }

func (p paged) DescribeSnapshots(
	ctx context.Context, in *sdk.DescribeSnapshotsInput, o ...func(*sdk.Options),
) (*sdk.DescribeSnapshotsOutput, error) {
	asked := *in
	if len(asked.SnapshotIds) == 0 {
		asked.MaxResults = aws.Int32(5)
	}
	return p.Client.DescribeSnapshots(ctx, &asked, o...)
}

// Copies of a job that was cut off go unless an image holds them: one of a person, or the job's own that EC2 does
// not list and whose registration was never answered.
func TestCopiesThatAnImageHoldsStay(t *testing.T) {
	for name, c := range map[string]struct {
		// holds are the snapshots of an image, its root volume's first: copies, or a person's other one.
		holds []string
		// own is whether it is the job's image, which EC2 does not list.
		own  bool
		left []string
	}{
		"no image": {},
		"a person's image boots from a data volume's": {holds: []string{"data"}, left: []string{"data"}},
		"a person's image holds two":                  {holds: []string{"root", "data"}, left: []string{"data", "root"}},
		"a person's image holds those of both data volumes": {holds: []string{"other", "data", "more"},
			left: []string{"data", "more"}},
		"its own image is not listed": {holds: []string{"root", "data", "more"}, own: true,
			left: []string{"data", "more", "root"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
					Plan: "nightly", Run: steptest.RunName, AMIName: "goldsmith/lab", Token: "T0K3N", Begun: time.Now()}
				all := map[string]string{"root": copyOf(s, r, "snap-1")}
				for n := range 5 { // Others are described as copies of the root volume's, too: the copies are on two pages.
					all["described "+strconv.Itoa(n)] = copyOf(s, r, "snap-1")
				}
				all["data"], all["more"] = copyOf(s, r, "snap-2"), copyOf(s, r, "snap-3")
				all["other"] = copyOf(s, ledger.Registration{}, "snap-9")
				r.From, r.Snapshots = all["root"], []string{all["root"], all["data"], all["more"]}
				r.Copies = map[string]string{"snap-1": all["root"], "snap-2": all["data"], "snap-3": all["more"]}
				r, err := s.Ledger.Kept.Register(s.Context(), r)
				s.Must(err)
				if title := "by hand"; len(c.holds) > 0 {
					var snapshots []string
					for _, name := range c.holds {
						snapshots = append(snapshots, all[name])
					}
					if c.own {
						title = r.AMIName
					}
					_, err := s.EC2.RegisterImage(s.Context(), registering(title, snapshots...))
					s.Must(err)
				}
				time.Sleep(time.Hour)
				l := leftImages(s)
				if l.EC2 = (paged{s.EC2}); c.own {
					l.EC2 = unlisted{s.EC2}
				}
				for range 2 { // The second is when no run comes back to it any more.
					s.Must(l.Settle(s.Context(), nil, []ledger.Registration{r}))
					s.Same("copies that are left", remaining(s, all), c.left)
					time.Sleep(5 * 24 * time.Hour)
				}
				s.Same("open", len(open(s)), 0)
				registered := 0
				for _, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
					s.Must(err)
					registered++
				}
				s.Same("registered", registered > 0, len(c.left) > 0)
			})
		})
	}
}

// Of snapshots that are described as one of its copies, that goes which was there first and is written down: anyone may
// describe a copy of the copy likewise, before a sweep or once the registered one is gone. So it is of the root
// volume's and of a data volume's.
func TestACopyWithTheDescriptionOfAnother(t *testing.T) {
	for _, answered := range []bool{true, false} {
		for _, of := range []string{"snap-1", "snap-2"} {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
					Plan: "nightly", Run: steptest.RunName, AMIName: "goldsmith/lab", Token: "T0K3N", Begun: time.Now()}
				all := map[string]string{"root": copyOf(s, r, of), "data": copyOf(s, r, of)}
				if answered {
					r = register.WithCopy(r, of, all["root"])
				}
				r, err := s.Ledger.Kept.Register(s.Context(), r)
				s.Must(err)
				for range 3 {
					for r, err = range s.Ledger.Kept.Unsettled(s.Context()) {
						s.Must(err)
					}
					s.Must(leftImages(s).Settle(s.Context(), nil, []ledger.Registration{r}))
					time.Sleep(time.Hour)
				}
				s.Same("left", remaining(s, all), []string{"data"})
				s.Same("registered", r.Copies, map[string]string{of: all["root"]})
			})
		}
	}
}

// remaining are the copies that are there, by their names.
func remaining(s *steptest.Stage, copies map[string]string) (left []string) {
	s.Helper()
	for _, name := range []string{"data", "more", "root"} {
		_, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{copies[name]}})
		if err == nil {
			left = append(left, name)
		}
	}
	return left
}

func leftImages(s *steptest.Stage) leftovers.Images {
	return leftovers.Images{
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
			DeviceName: aws.String([]string{"/dev/xvda", "/dev/sdf", "/dev/sdg"}[n]),
			Ebs:        &types.EbsBlockDevice{SnapshotId: aws.String(id)},
		})
	}
	return in
}
