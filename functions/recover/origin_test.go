package recovery_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// adoptable are the tags of an image that is to be adopted.
func adoptable(source, run string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tag.List(map[string]string{
		tag.Managed: "true", tag.Source: source, tag.Name: "web", tag.Plan: "nightly", tag.Run: run,
	})}}
}

// Every image is looked at once, however many pages of two hundred there are, also where nothing is registered
// meanwhile.
func TestAdoptPages(t *testing.T) {
	for _, images := range []int{199, 200, 201, 401} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			for range images {
				run := job.RunName("nightly", time.Now())
				_, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{
					InstanceId: aws.String(s.Web), Name: aws.String("goldsmith/web/" + s.Web + "/" + run), NoReboot: aws.Bool(true),
					TagSpecifications: adoptable(s.Web, run),
				})
				s.Must(err)
				time.Sleep(24 * time.Hour)
			}
			for _, dry := range []bool{true, false} {
				seen, asked, pages := map[string]int{}, event.Adopt{All: true, By: "ada", Dry: dry}, 0
				for more := true; more && pages <= images; pages++ {
					a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, asked))
					s.Must(err)
					for _, c := range a.Adopted.Images {
						s.Same("why not", c.Why, "")
						seen[c.ID]++
					}
					asked.After = a.Adopted.After
					more = asked.After != ""
				}
				s.Same(fmt.Sprintf("pages of %d images", images), []int{len(seen), pages}, []int{images, (images + 199) / 200})
				s.Same("looks at each", slices.Max(slices.Collect(maps.Values(seen))), 1)
			}
			registered := 0
			for r, err := range s.Ledger.Kept.Registrations(s.Context(), s.Web) {
				s.Must(err)
				s.Same("snapshots of "+r.ID, len(r.Snapshots), 1)
				registered++
			}
			s.Same("registered", registered, images)
		})
	}
}

// What is adopted by its id belongs to the lineage that EC2's facts show, whatever its tags say.
func TestAdoptedLineages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		instance, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{s.Web}})
		s.Must(err)
		volume := instance.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId
		made, err := s.EC2.CreateImage(s.Context(),
			&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String("of an instance"), NoReboot: aws.Bool(true),
				TagSpecifications: adoptable("i-0123456789abcdef0", "r")})
		s.Must(err)
		time.Sleep(time.Minute)
		snapshot, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: volume})
		s.Must(err)
		time.Sleep(2 * time.Hour)
		registered, err := s.EC2.RegisterImage(s.Context(),
			&sdk.RegisterImageInput{Name: aws.String("of a snapshot"), RootDeviceName: aws.String("/dev/xvda"),
				Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"),
				BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
					Ebs: &types.EbsBlockDevice{SnapshotId: snapshot.SnapshotId}}},
				TagSpecifications: adoptable("i-0123456789abcdef0", "r")})
		s.Must(err)
		_, err = s.Ledger.Kept.Register(s.Context(),
			ledger.Registration{Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: "group/web", AMIName: "x",
				ID: aws.ToString(made.ImageId)})
		s.Must(err)
		copied, err := s.EC2.CopyImage(s.Context(),
			&sdk.CopyImageInput{Name: aws.String("a copy"), SourceImageId: made.ImageId,
				SourceRegion:      aws.String(steptest.Region),
				TagSpecifications: adoptable("i-0123456789abcdef0", "r")})
		s.Must(err)
		time.Sleep(2 * time.Hour)
		a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{By: "ada", Images: []string{
			aws.ToString(registered.ImageId), aws.ToString(copied.ImageId),
		}}))
		s.Must(err)
		lineages := map[string]string{}
		for _, c := range a.Adopted.Images {
			s.Same("why not", c.Why, "")
			lineages[c.ID] = c.Lineage
		}
		s.Same("lineages", lineages, map[string]string{aws.ToString(registered.ImageId): s.Web,
			aws.ToString(copied.ImageId): aws.ToString(made.ImageId)})
	})
}

// With an image that is adopted go the snapshots that were made with it: all of an instance with several volumes, of
// each of many such images; and not one that was there before.
func TestAdoptedSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		source := s.Launch("db", nil, volumes("/dev/xvda", "/dev/sdf", "/dev/sdg"))
		persons := copyOf(s, ledger.Registration{}, "snap-9")
		var ids []string
		for n := range 70 { // They have 210 snapshots: more than one call asks about.
			in := &sdk.CreateImageInput{InstanceId: &source, Name: aws.String(fmt.Sprint("db ", n)), NoReboot: aws.Bool(true),
				TagSpecifications: adoptable(source, fmt.Sprint("r", n))}
			if n == 0 {
				in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdh"),
					Ebs: &types.EbsBlockDevice{SnapshotId: &persons}}}
			}
			made, err := s.EC2.CreateImage(s.Context(), in)
			s.Must(err)
			ids = append(ids, aws.ToString(made.ImageId))
			time.Sleep(2 * time.Hour)
		}
		a := accountOf(s, nightlyOf(s))
		a.Origins.EC2 = paged{s.EC2}
		_, err := recovery.New(a).Handle(s.Context(), asking(s, event.Adopt{By: "ada", Images: ids}))
		s.Must(err)
		for _, id := range ids {
			r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
			s.Must(err)
			s.Same("snapshots of "+r.AMIName, []any{len(r.Snapshots), slices.Contains(r.Snapshots, persons)}, []any{3, false})
		}
	})
}

// startedAt is an EC2 in which all snapshots were started at that moment.
type startedAt struct {
	*sdk.Client
	at time.Time
}

func (f startedAt) DescribeSnapshots(
	ctx context.Context, in *sdk.DescribeSnapshotsInput, o ...func(*sdk.Options),
) (*sdk.DescribeSnapshotsOutput, error) {
	out, err := f.Client.DescribeSnapshots(ctx, in, o...)
	if err != nil {
		return nil, err
	}
	for n := range out.Snapshots {
		out.Snapshots[n].StartTime = &f.at
	}
	return out, nil
}

// A snapshot that was started in the second in which its image was made is the image's: EC2 may give whole seconds.
func TestASnapshotOfTheSameSecond(t *testing.T) {
	for before, own := range map[time.Duration]int{0: 1, time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			time.Sleep(300 * time.Millisecond)
			made := time.Now()
			image, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{InstanceId: &s.Web, Name: aws.String("web"),
				NoReboot: aws.Bool(true), TagSpecifications: adoptable(s.Web, "r")})
			s.Must(err)
			time.Sleep(time.Hour)
			a := accountOf(s, nightlyOf(s))
			a.Origins.EC2 = startedAt{s.EC2, made.Truncate(time.Second).Add(-before)}
			_, err = recovery.New(a).Handle(s.Context(),
				asking(s, event.Adopt{By: "ada", Images: []string{aws.ToString(image.ImageId)}}))
			s.Must(err)
			r, _, err := s.Ledger.Kept.Registration(s.Context(), aws.ToString(image.ImageId))
			s.Must(err)
			s.Same("snapshots", len(r.Snapshots), own)
		})
	}
}
