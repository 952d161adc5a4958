package usage_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/sharing"
	"goldsmith/shared/usage"
)

const sharee, organization = "111122223333", "arn:aws:organizations::999900001111:organization/o-a1b2c3d4e5"

// sharedBy lets others launch an image, as function share does.
func (w *world) sharedBy(image string, with job.Sharing) {
	_, err := sharing.Permit(w.Context(), w.EC2, image, []string{snapshotOf(w.describe(image)[0])}, with)
	w.Must(err)
}

func (w *world) report(image string, edits ...func(*sdk.CreateImageUsageReportInput)) {
	in := &sdk.CreateImageUsageReportInput{
		ImageId: aws.String(image), ResourceTypes: []types.ImageUsageResourceTypeRequest{
			{ResourceType: aws.String("ec2:Instance")},
			{ResourceType: aws.String("ec2:LaunchTemplate"), ResourceTypeOptions: []types.ImageUsageResourceTypeOptionRequest{
				{OptionName: aws.String("version-depth"), OptionValues: []string{usage.Depth}}}},
		},
	}
	for _, edit := range edits {
		edit(in)
	}
	_, err := w.EC2.CreateImageUsageReport(w.Context(), in)
	w.Must(err)
}

// What Goldsmith shares is used where EC2's report of it says so; until there is one nothing is known.
func TestSharedImages(t *testing.T) {
	with := job.Sharing{Accounts: []string{sharee}, Organizations: []string{organization}, Snapshots: true}
	uses := func(w *world, image string) usage.Found {
		found, err := w.finder().Look(w.Context(), w.describe(image),
			map[string]usage.Shared{image: {With: with, Asked: true}})
		w.Must(err)
		return found
	}
	const making = "whether the accounts that it is shared with use it is being found out: EC2 makes a usage report"
	for name, c := range map[string]struct {
		story  func(w *world, image string)
		use    string
		unsure bool
		ask    bool
	}{
		"never reported": {func(*world, string) {}, "", true, true},
		"reported a minute ago": {func(w *world, image string) { w.report(image); time.Sleep(time.Minute) },
			"", true, false},
		"reported": {func(w *world, image string) { w.report(image); time.Sleep(24 * time.Hour) },
			"", false, false},
		"reported weeks ago, and not launched since": {func(w *world, image string) {
			w.report(image)
			time.Sleep(28 * 24 * time.Hour)
		}, "", false, false},
		"reported weeks ago, and launched since": {func(w *world, image string) {
			w.report(image)
			time.Sleep(25 * 24 * time.Hour)
			w.Must(w.Cloud.SetLastLaunched(image, time.Now()))
			time.Sleep(3 * 24 * time.Hour)
		}, "", true, true},
		"reported, and launched so late before that the report leaves it out": {func(w *world, image string) {
			w.Must(w.Cloud.SetLastLaunched(image, time.Now().Add(-23*time.Hour)))
			w.report(image)
			time.Sleep(3 * 24 * time.Hour)
		}, "", true, true},
		"reported, and launched a day before": {func(w *world, image string) {
			w.Must(w.Cloud.SetLastLaunched(image, time.Now().Add(-25*time.Hour)))
			w.report(image)
			time.Sleep(24 * time.Hour)
		}, "", false, false},
		"reported of some alone": {func(w *world, image string) {
			w.report(image, func(in *sdk.CreateImageUsageReportInput) { in.AccountIds = []string{"444455556666"} })
			w.report(image, func(in *sdk.CreateImageUsageReportInput) { in.ResourceTypes = in.ResourceTypes[1:] })
			w.report(image, func(in *sdk.CreateImageUsageReportInput) { in.ResourceTypes[1].ResourceTypeOptions = nil })
			time.Sleep(24 * time.Hour)
		}, "", true, true},
		"launched": {func(w *world, image string) {
			w.Must(w.Cloud.UseBy(ec2.Consumer{Account: sharee}, image, false))
			time.Sleep(25 * time.Hour)
			w.report(image)
			time.Sleep(24 * time.Hour)
		}, "account 111122223333 (instances: 1)", false, false},
		"in a launch template": {func(w *world, image string) {
			w.Must(w.Cloud.UseBy(ec2.Consumer{Account: "222233334444", Organization: organization}, image, true))
			time.Sleep(80 * time.Hour)
			w.report(image)
			time.Sleep(24 * time.Hour)
		}, "account 222233334444 (launch templates: 1)", false, false},
		"also shared by a person": {func(w *world, image string) {
			w.sharedBy(image, job.Sharing{Accounts: []string{"444455556666"}})
		}, "shared with account 444455556666", false, false},
		"reports cannot be read": {func(w *world, _ string) {
			w.Cloud.Inject(ec2.Fault{Action: "DescribeImageUsageReports", Code: "UnauthorizedOperation"})
		}, "whether the accounts that it is shared with use it cannot be read: UnauthorizedOperation", false, false},
		"entries cannot be read": {func(w *world, image string) {
			w.report(image)
			time.Sleep(24 * time.Hour)
			w.Cloud.Inject(ec2.Fault{Action: "DescribeImageUsageReportEntries", Code: "UnauthorizedOperation"})
		}, "whether the accounts that it is shared with use it cannot be read: UnauthorizedOperation", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				image := w.image()
				w.sharedBy(image, with)
				c.story(w, image)
				found := uses(w, image)
				var use []string
				if c.use != "" {
					use = []string{c.use}
				}
				last := found.Uses[image]
				w.Same("uses", last[max(0, len(last)-len(use)):], use)
				if c.use == "" {
					w.Same("uses", last, use)
				}
				w.Same("unsure", found.Unsure[image] == making, c.unsure)
				w.Same("ask", len(found.Ask) > 0, c.ask)
			})
		})
	}
}

// What is shared no longer goes once a report says so that has all that was launched before; that one stays true.
func TestReportsOfWhatIsSharedNoLonger(t *testing.T) {
	for name, c := range map[string]struct {
		// from is how long before the look the first report may be made that counts; made is when one was.
		from, made time.Duration
		unsure     bool
	}{
		"too early a report": {24 * time.Hour, 25 * time.Hour, true},
		"one that has all":   {24 * time.Hour, 23 * time.Hour, false},
		"an old one":         {20 * 24 * time.Hour, 19 * 24 * time.Hour, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			image := w.image()
			w.report(image)
			time.Sleep(c.made / 2)
			w.Must(w.Cloud.SetLastLaunched(image, time.Now().Add(-50*time.Hour)))
			time.Sleep(c.made - c.made/2)
			found, err := w.finder().Look(w.Context(), w.describe(image), map[string]usage.Shared{image: {
				With: job.Sharing{Accounts: []string{sharee}}, Asked: true, Ended: true, From: time.Now().Add(-c.from)}})
			w.Must(err)
			w.Same(name+": unsure", found.Unsure[image] != "", c.unsure)
			w.Same(name+": asked for", len(found.Ask) > 0, c.unsure)
		})
	}
}

// Of what nothing is registered every permission is a use.
func TestOthersShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		image := w.image()
		w.sharedBy(image, job.Sharing{Accounts: []string{sharee}, Snapshots: true})
		found, err := w.finder().Look(w.Context(), w.describe(image),
			map[string]usage.Shared{"ami-0123456789abcdef0": {With: job.Sharing{Accounts: []string{sharee}}, Asked: true}})
		w.Must(err)
		w.Same("uses", found.Uses[image], []string{"shared with account " + sharee,
			"snapshot " + snapshotOf(w.describe(image)[0]) + ": shared with account " + sharee})
		w.Same("asked", len(found.Ask)+len(found.Unsure), 0)
	})
}

// A snapshot that Goldsmith did not share is used by whom it is shared with; one that it did is asked about, as images
// are.
func TestSharesOfSnapshotsAlone(t *testing.T) {
	for name, ours := range map[string]bool{"a person's": false, "Goldsmith's": true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			image := w.image()
			snapshot := snapshotOf(w.describe(image)[0])
			w.share(snapshot, []string{sharee}, nil)
			with := job.Sharing{Accounts: []string{sharee}, Snapshots: ours}
			found, err := w.finder().Look(w.Context(), w.describe(image),
				map[string]usage.Shared{image: {With: with, Asked: true}})
			w.Must(err)
			uses := []string{"snapshot " + snapshot + ": shared with account " + sharee}
			if ours {
				uses = nil
			}
			w.Same(name+" uses", found.Uses[image], uses)
			w.Same(name+" asked about", slices.Contains(found.Ask, image), ours)
		})
	}
}

// madeInVain is an EC2 that could not make its reports.
type madeInVain struct{ usage.EC2 }

func (m madeInVain) DescribeImageUsageReports(ctx context.Context, in *sdk.DescribeImageUsageReportsInput,
	options ...func(*sdk.Options)) (*sdk.DescribeImageUsageReportsOutput, error) {
	out, err := m.EC2.DescribeImageUsageReports(ctx, in, options...)
	for n := range out.ImageUsageReports {
		out.ImageUsageReports[n].State = aws.String("error")
	}
	return out, err
}

// A report that EC2 could not make is asked for again.
func TestReportsThatCouldNotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		image, with := w.image(), job.Sharing{Accounts: []string{sharee}}
		w.sharedBy(image, with)
		w.report(image)
		time.Sleep(24 * time.Hour)
		finder := w.finder()
		finder.EC2 = madeInVain{finder.EC2}
		found, err := finder.Look(w.Context(), w.describe(image),
			map[string]usage.Shared{image: {With: with, Asked: true}})
		w.Must(err)
		w.Same("asked for again", found.Ask, []string{image})
	})
}

// Each image whose reports may not be read stays.
func TestReportsOfNoneAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		images, with := []string{w.image(), w.image()}, job.Sharing{Accounts: []string{sharee}}
		shared := map[string]usage.Shared{}
		for _, id := range images {
			w.sharedBy(id, with)
			shared[id] = usage.Shared{With: with, Asked: true}
		}
		w.Cloud.Inject(ec2.Fault{Action: "DescribeImageUsageReports", Code: "UnauthorizedOperation"})
		found, err := w.finder().Look(w.Context(), w.describe(images...), shared)
		w.Must(err)
		w.Same("images that are used", names(found.Uses), slices.Sorted(slices.Values(images)))
	})
}

// A report that cannot be read for any other reason keeps everything.
func TestReportsThatFail(t *testing.T) {
	for _, action := range []string{"DescribeImageUsageReports", "DescribeImageUsageReportEntries"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			image, with := w.image(), job.Sharing{Accounts: []string{sharee}}
			w.sharedBy(image, with)
			w.report(image)
			time.Sleep(24 * time.Hour)
			w.Cloud.Inject(ec2.Fault{Action: action, Code: "InternalError"})
			_, err := w.finder().Look(w.Context(), w.describe(image),
				map[string]usage.Shared{image: {With: with, Asked: true}})
			w.Same(action+" fails", err != nil, true)
		})
	}
}

// Each image that is shared, and what each account does with it, is found; the account's own use is another look's.
func TestReportsOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		with := job.Sharing{Accounts: []string{sharee, "222233334444"}}
		images := []string{w.image(), w.image(), w.image()}
		shared := map[string]usage.Shared{}
		for n, id := range images {
			w.sharedBy(id, with)
			shared[id] = usage.Shared{With: with, Asked: n < 2}
			w.Must(w.Cloud.UseBy(ec2.Consumer{Account: sharee}, id, false))
			w.Must(w.Cloud.UseBy(ec2.Consumer{Account: "222233334444"}, id, true))
		}
		time.Sleep(80 * time.Hour)
		for _, id := range images {
			w.report(id)
		}
		time.Sleep(24 * time.Hour)
		found, err := w.finder().Look(w.Context(), w.describe(images...), shared)
		w.Must(err)
		uses := []string{"account 111122223333 (instances: 1)", "account 222233334444 (launch templates: 1)"}
		for _, id := range images[:2] {
			slices.Sort(found.Uses[id])
			w.Same("uses", found.Uses[id], uses)
		}
		w.Same("not asked about", len(found.Uses[images[2]])+len(found.Unsure), 0)
	})
}

// Of nothing, nothing is asked.
func TestUsesOfNothing(t *testing.T) {
	found, err := (usage.Finder{}).Look(t.Context(), nil, nil)
	if uses, other := (usage.Finder{}).SnapshotUses(t.Context(), nil); err != nil || other != nil || len(uses) > 0 ||
		found.Uses != nil {
		t.Errorf("%v, %v, %v, %v", found, err, uses, other)
	}
}

// What pins a version is named, whether it has the template by its id or by its name.
func TestPinsOfAVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		name, id := w.template(w.other, w.other, w.other)
		first := w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = spec(id, "2") })
		second := w.group(func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = named(name) })
		pins, err := w.finder().Pins(w.Context())
		w.Must(err)
		of := types.LaunchTemplate{LaunchTemplateId: &id, LaunchTemplateName: &name}
		w.Same("version 2", pins.Of(of, 2), []string{"Auto Scaling group " + first, "Auto Scaling group " + second})
		w.Same("version 1", len(pins.Of(of, 1)), 0)
	})
}
