package snapshot_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/snapshot"
	"goldsmith/local/ec2"
	"goldsmith/shared/attribute"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// shared is EC2 in which one more image names every snapshot that images are looked for of, with ENA missing.
type shared struct {
	*sdk.Client
	image, owner, alias string
}

func (o shared) DescribeImages(ctx context.Context, in *sdk.DescribeImagesInput, options ...func(*sdk.Options),
) (*sdk.DescribeImagesOutput, error) {
	out, err := o.Client.DescribeImages(ctx, in, options...)
	if err != nil || len(in.Filters) == 0 {
		return out, err
	}
	for _, of := range in.Filters[0].Values {
		out.Images = append(out.Images, types.Image{
			ImageId: aws.String(o.image), OwnerId: aws.String(o.owner), ImageOwnerAlias: aws.String(o.alias),
			CreationDate: aws.String("2099-01-01T00:00:00.000Z"), VirtualizationType: types.VirtualizationTypeHvm,
			Architecture: types.ArchitectureValuesX8664, RootDeviceName: aws.String("/dev/xvda"), EnaSupport: aws.Bool(false),
			BlockDeviceMappings: []types.BlockDeviceMapping{{
				DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(of)},
			}},
		})
	}
	return out, nil
}

// An image of the snapshot that the volume came from is evidence only where another account cannot put it there.
func TestWhoseImageOfTheOriginCounts(t *testing.T) {
	const foreign = "999999999999"
	for _, c := range []struct {
		what         string
		image, alias string
		counts       bool
	}{
		{what: "another account's", image: "ami-0fedcba9876543210"},
		{what: "another account's, with an alias that EC2 gives no vendor", image: "ami-0fedcba9876543210",
			alias: "amazonia"},
		{what: "the Marketplace's", image: "ami-0fedcba9876543210", alias: "aws-marketplace", counts: true},
		{what: "AWS's", image: "ami-0fedcba9876543210", alias: "amazon", counts: true},
		{what: "the one that the instance was launched from", image: ec2.ImageX86, counts: true},
	} {
		scene := func(s *steptest.Stage) (step, snapshot.Input) {
			_, in := scene(s)
			return snapshot.Step{EC2: shared{s.EC2, c.image, foreign, c.alias}, EBS: s.EBS, Ledger: s.Ledger,
				Region: steptest.Region, Now: time.Now}.Handle, in
		}
		steptest.Play(t, scene, []given{{
			Name: c.what, Anything: true,
			Then: func(s *steptest.Stage, j job.Job) {
				if j.Registering == nil {
					s.Fatalf("refused: %v", j.Skip)
				}
				ena := attribute.Carried(j.Registering).Value(attribute.ENA)
				s.Same("the image's word on ENA is taken", ena == "false", c.counts)
			},
		}})
	}
}

// detached is EC2 in which volumes are attached to nothing, and came from an AMI that was made of another instance.
type detached struct {
	*sdk.Client
	builder string
}

const origin = "snap-0fedcba9876543210"

func (o *detached) DescribeVolumes(ctx context.Context, in *sdk.DescribeVolumesInput, options ...func(*sdk.Options),
) (*sdk.DescribeVolumesOutput, error) {
	out, err := o.Client.DescribeVolumes(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	for n := range out.Volumes {
		out.Volumes[n].Attachments, out.Volumes[n].SnapshotId = nil, aws.String(origin)
	}
	return out, nil
}

func (o *detached) DescribeImages(ctx context.Context, in *sdk.DescribeImagesInput, options ...func(*sdk.Options),
) (*sdk.DescribeImagesOutput, error) {
	if !slices.Equal(in.Filters[0].Values, []string{origin}) {
		return o.Client.DescribeImages(ctx, in, options...)
	}
	return &sdk.DescribeImagesOutput{Images: []types.Image{{
		ImageId: aws.String("ami-0fedcba9876543210"), OwnerId: aws.String(steptest.Account),
		SourceInstanceId:   aws.String(o.builder),
		VirtualizationType: types.VirtualizationTypeHvm, Architecture: types.ArchitectureValuesX8664,
		RootDeviceName: aws.String(root), EnaSupport: aws.Bool(true), BootMode: types.BootModeValuesUefiPreferred,
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String(root),
			Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(origin)}}},
	}}}, nil
}

// The data volumes of the instance that an AMI was made of are none of an instance that was launched from the AMI.
func TestTheInstanceOfTheOriginIsAnother(t *testing.T) {
	api := &detached{}
	from := func(s *steptest.Stage) (step, snapshot.Input) {
		_, in := scene(s)
		api.Client = s.EC2
		return snapshot.Step{EC2: api, EBS: s.EBS, Ledger: s.Ledger, Region: steptest.Region, Now: time.Now}.Handle, in
	}
	steptest.Play(t, from, []given{{
		Name: "started with its snapshot", Anything: true,
		Given: func(s *steptest.Stage, in *snapshot.Input) {
			builder, by := started(s, "nightly")
			s.Must(s.Cloud.SetTags(by["/dev/sdf"], map[string]string{tag.Device: "/dev/sdf"}))
			in.Job = s.SnapshotJob(s.Stored(s.Web, map[string]string{tag.Request: "nightly"}))
			api.builder = builder
			time.Sleep(time.Hour)
		},
		Then: func(s *steptest.Stage, j job.Job) {
			if j.Registering == nil {
				s.Fatalf("refused: %v", j.Skip)
			}
			s.Same("devices", len(disks(j)), 0)
		},
	}})
}

// lent is EC2 in which every snapshot is another account's, which shares it.
type lent struct{ *sdk.Client }

func (l lent) DescribeSnapshots(ctx context.Context, in *sdk.DescribeSnapshotsInput, options ...func(*sdk.Options),
) (*sdk.DescribeSnapshotsOutput, error) {
	if slices.Contains(in.OwnerIds, "self") {
		return &sdk.DescribeSnapshotsOutput{}, nil
	}
	return l.Client.DescribeSnapshots(ctx, in, options...)
}

// A snapshot of another account makes no image, and is planned to make none.
func TestASnapshotOfAnotherAccount(t *testing.T) {
	from := func(s *steptest.Stage) (step, snapshot.Input) {
		_, in := scene(s)
		return snapshot.Step{EC2: lent{s.EC2}, EBS: s.EBS, Ledger: s.Ledger, Region: steptest.Region,
			Now: time.Now}.Handle, in
	}
	steptest.Play(t, from, []given{{
		Name: "shared with this one", Anything: true,
		Says: []string{"is no snapshot of this account", "Copy it into this account, and name the copy."},
	}})
}

// An instance's UEFI variables go into the image of its root volume, before those of an AMI; where they are not to be
// had it is told.
func TestUEFIDataOfTheInstance(t *testing.T) {
	const data = "QU1aTlVFRkk="
	most := strings.Repeat("QUJD", 16000)
	for _, c := range []struct{ what, has, refusal, settings, want, told string }{
		{what: "they are read", want: data},
		{what: "as much as RegisterImage takes", has: most, want: most},
		{what: "more than RegisterImage takes", has: most + "QUJD", told: "take 64004 characters"},
		{what: "denied", refusal: "UnauthorizedOperation", told: "were not read"},
		{what: "EC2 has none of it", refusal: "UnsupportedOperation", told: "were not read"},
		{what: "without use", settings: "bootMode=legacy-bios"},
	} {
		steptest.Play(t, scene, []given{{
			Name: c.what, Anything: true,
			Given: func(s *steptest.Stage, in *snapshot.Input) {
				s.Cloud.SetUEFIData(s.Web, cmp.Or(c.has, data))
				if c.refusal != "" {
					s.Refuse("GetInstanceUefiData", c.refusal, 1)
				}
				if c.settings != "" {
					s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.Request: "nightly", tag.ImageSettings: c.settings}))
				}
			},
			Then: func(s *steptest.Stage, j job.Job) {
				if j.Registering == nil {
					s.Fatalf("refused: %v", j.Skip)
				}
				s.Same("sent", aws.ToString(attribute.Carried(j.Registering).Input("x").UefiData), c.want)
				s.Same("told", strings.Contains(fmt.Sprint(j.Warnings), cmp.Or(c.told, "UEFI data")), c.told != "")
			},
		}})
	}
}
