package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
)

const homeRegion, virginia, paris = "eu-central-1", "us-east-1", "eu-west-3"

// copied is the nightly plan with copies.
func copied(all ...plan.Copy) plan.Plans {
	return nightly(func(p *plan.Plan) { p.Copies = all })
}

// afar is an account with two more Regions.
func afar(plans plan.Plans) stack.Options {
	return stack.Options{Plans: plans, EC2: ec2.Options{Regions: []string{virginia, paris}}}
}

// abroad is the client of EC2 in a Region.
func (n *night) abroad(region string) *sdk.Client {
	return sdk.NewFromConfig(n.AWS(), func(o *sdk.Options) { o.Region = region })
}

// in are the account's own images in a Region that are copies.
func (n *night) in(region string) (images []types.Image) {
	n.t.Helper()
	out := must(n.abroad(region).DescribeImages(n.ctx, &sdk.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), IncludeDeprecated: aws.Bool(true),
	}))(n.t)
	for _, i := range out.Images {
		if i.SourceImageId != nil && aws.ToString(i.SourceInstanceId) == "" {
			images = append(images, i)
		}
	}
	return images
}

// keysOf are the keys of an image's snapshots, in its Region.
func (n *night) keysOf(region string, i types.Image) (keys []string) {
	n.t.Helper()
	for _, m := range i.BlockDeviceMappings {
		out := must(n.abroad(region).DescribeSnapshots(n.ctx,
			&sdk.DescribeSnapshotsInput{SnapshotIds: []string{aws.ToString(m.Ebs.SnapshotId)}}))(n.t)
		keys = append(keys, aws.ToString(out.Snapshots[0].KmsKeyId))
	}
	return keys
}

// golden makes a key in a Region that plans name by alias/golden.
func (n *night) golden(region string, state ec2.KeyState) string {
	key := n.EC2.In(region).KeyNamed("alias/golden")
	n.EC2.In(region).SetKey(key, state)
	return key
}

// A proven image is copied to another Region under a key of that, once, named and tagged as the image is, and home does
// not wait for it.
func TestAnImageIsCopied(t *testing.T) {
	play(t, afar(copied(plan.Copy{Region: virginia, Key: "alias/golden"}, plan.Copy{Region: paris})), func(n *night) {
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		key := n.golden(virginia, ec2.KeyUsable)
		n.begin()
		r := n.run()[0]
		n.wasImaged(r, web)
		result := n.results(r)[web]
		n.want("copies told of", len(result.Copies), 2)
		for at, region := range []string{virginia, paris} {
			made := n.in(region)
			n.want("copies in "+region, len(made), 1)
			n.want("its id", result.Copies[at].ID, aws.ToString(made[0].ImageId))
			n.want("its state", string(made[0].State), "available")
			n.want("its image", aws.ToString(made[0].SourceImageId), result.Image.ID)
			n.want("its name", aws.ToString(made[0].Name), result.Image.Name)
			n.want("its tag", tag.Map(made[0].Tags)[tag.Source], web)
			registered := n.registrationOf(result.Copies[at].ID)
			n.want("registered", []any{registered.Region, registered.From, registered.Lineage, registered.Good},
				[]any{region, result.Image.ID, web, true})
			if wait := result.Copies[at].At.Sub(result.Times.Released); wait <= 0 {
				t.Errorf("the source was released %s after its copy in %s", -wait, region)
			}
		}
		n.want("key in "+virginia, n.keysOf(virginia, n.in(virginia)[0]), []string{key, key})
		n.want("key in "+paris, n.keysOf(paris, n.in(paris)[0]), []string{"", ""})
		n.want("rolled", result.Rolled[0].To, result.Image.ID)
		n.saysOf(r, "OK: nightly", "2 copied", "copied to us-east-1 under key alias/golden as ami-")
	})
}

// In its own Region an image is copied under another key, beside itself.
func TestAnImageIsEncryptedAnew(t *testing.T) {
	play(t, afar(copied(plan.Copy{Region: homeRegion, Key: "alias/golden"})), func(n *night) {
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		key := n.golden(homeRegion, ec2.KeyUsable)
		n.begin()
		r := n.run()[0]
		n.wasImaged(r, web)
		result, made := n.results(r)[web], n.in(homeRegion)
		n.want("copies", len(made), 1)
		n.want("key", n.keysOf(homeRegion, made[0]), []string{key, key})
		n.want("name", aws.ToString(made[0].Name), result.Image.Name+"/copy")
		n.want("rolled", result.Rolled[0].To, result.Image.ID)
		n.saysOf(r, "OK: nightly", "1 copied")
	})
}

// One Region that copies cannot be made in keeps no other: the image is made, rolled and copied elsewhere, the run is
// PARTIAL, and nothing of the failed copy stays.
func TestOneRegionKeepsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		story func(n *night)
		says  []string
		known bool
	}{
		"the key is disabled": {
			"alias/golden", func(n *night) { n.golden(virginia, ec2.KeyDisabled) },
			[]string{"key alias/golden in us-east-1 is in state Disabled"}, true,
		},
		"the key is to be deleted": {
			"alias/golden", func(n *night) { n.golden(virginia, ec2.KeyPendingDeletion) },
			[]string{"key alias/golden in us-east-1 is in state PendingDeletion", "or cancel this one's deletion and enable it"},
			true,
		},
		"there is no key": {"alias/golden", nil, []string{"there is no key alias/golden in us-east-1"}, true},
		"the key is disabled in the night": {
			"alias/golden",
			func(n *night) {
				key := n.golden(virginia, ec2.KeyUsable)
				n.at("release", "", func(work) { n.EC2.In(virginia).SetKey(key, ec2.KeyDisabled) })
			},
			[]string{"copying image ami-", "under key alias/golden failed. EC2 says: ", "Given key ID is not accessible"}, false,
		},
		"it is refused": {
			"", func(n *night) {
				n.EC2.In(virginia).Inject(ec2.Fault{Action: "CopyImage", Code: "UnauthorizedOperation"})
			},
			[]string{"copying image ami-", "UnauthorizedOperation"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, afar(copied(plan.Copy{Region: virginia, Key: c.key}, plan.Copy{Region: paris})), func(n *night) {
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				if c.story != nil {
					c.story(n)
				}
				n.begin()
				said := n.rehearse(rehearsal.Scheduled(n.plans.Plans["nightly"], due), n.plans.Plans["nightly"])
				r := n.run()[0]
				if ahead := said.Copies[0].Problem; ahead != "" {
					n.want("said before", n.results(r)[web].Copies[0].Problem, ahead)
				}
				n.want("known before", said.Copies[0].Problem != "", c.known)
				n.wasImaged(r, web)
				n.want("copies in "+virginia, len(n.in(virginia)), 0)
				n.want("copies in "+paris, len(n.in(paris)), 1)
				n.want("snapshots in "+virginia, len(n.storedIn(virginia)), 0)
				n.want("rolled", n.results(r)[web].Rolled[0].To, n.imageOf(web))
				n.saysOf(r, append(c.says, "PARTIAL: nightly", "1 copied", "1 not copied")...)
			})
		})
	}
}

// storedIn are the account's own snapshots in a Region.
func (n *night) storedIn(region string) []types.Snapshot {
	n.t.Helper()
	out := must(n.abroad(region).DescribeSnapshots(n.ctx, &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))(n.t)
	return out.Snapshots
}

// More copies than EC2 makes at once wait for room, and all are made.
func TestCopiesWaitForRoom(t *testing.T) {
	play(t, afar(copied(plan.Copy{Region: virginia})), func(n *night) {
		const servers = 25
		for i := range servers {
			n.launch(fmt.Sprintf("web-%02d", i), "gp3")
		}
		n.begin()
		r := n.run()[0]
		n.want("copies", len(n.in(virginia)), servers)
		n.saysOf(r, "OK: nightly", "25 copied")
	})
}

// Copies have a retention of their own, in their own Region: they go by what uses them there, with their snapshots, and
// what is kept at home keeps none of them.
func TestCopiesAreRetired(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) {
		p.Keep.Last = 5
		p.Copies = []plan.Copy{{Region: virginia, Keep: plan.Keep{Last: 1, Grace: plan.MinGrace}}, {Region: paris}}
	})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "gp3")
		n.through(0)
		first := n.firstOf(web)
		used := first.Copies[0].ID
		n.ok(n.used(virginia, used))
		time.Sleep(3 * 24 * time.Hour)
		n.foretold(virginia)
		n.want("images at home", len(n.imagesOf(web)), 5)
		n.want("copies in "+paris, len(n.in(paris)), 5)
		var left []string
		for _, i := range n.in(virginia) {
			if i.DeprecationTime == nil {
				left = append(left, aws.ToString(i.ImageId))
			}
		}
		n.want("copies that stay in "+virginia, len(left), 2)
		n.want("status of the one in use", []any{n.status(used).Status, n.status(used).Region}, []any{job.InUse, virginia})
		n.want("snapshots", len(n.storedIn(virginia)), 2*len(n.in(virginia)))
	})
}

// foretold: the next night does with the copies in a Region what its rehearsal says, and names the new one to none.
func (n *night) foretold(region string) {
	n.t.Helper()
	p := n.plans.Plans["nightly"]
	said := n.rehearse(rehearsal.Scheduled(p, time.Now().Add(time.Hour)), p)
	steps := map[retention.Step]job.Status{retention.Deprecate: job.Deprecated, retention.Retire: job.Retired,
		retention.InUse: job.InUse}
	before, told := map[string]job.Status{}, 0
	for _, i := range said.Images {
		if want, changes := steps[i.Step]; i.Region == region && changes {
			before[i.ID] = want
		}
	}
	time.Sleep(24 * time.Hour)
	for id, want := range before {
		n.want("status of "+id, n.status(id).Status, want)
		told++
	}
	if told < 3 {
		n.t.Errorf("a rehearsal tells of %d copies in %s: %+v", told, region, said.Images)
	}
}

// used launches an instance from an image in a Region.
func (n *night) used(region, image string) error {
	_, err := n.abroad(region).RunInstances(n.ctx, &sdk.RunInstancesInput{
		ImageId: &image, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
	})
	return err
}

// What runs leave of copies that were cut off is settled by later ones: a copy whose making was never answered is found
// by its name and kept like any other, what was never made is forgotten, and one that has failed and could not be
// removed is removed then.
func TestWhatIsLeftOfCopiesIsSettled(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) {
		p.Copies = []plan.Copy{{Region: virginia, Key: "alias/golden"}}
	})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "gp3")
		key := n.golden(virginia, ec2.KeyUsable)
		made := time.Now().AddDate(0, 0, -3)
		leave := func(name string) {
			must(n.Ledger.Register(n.ctx, ledger.Registration{
				Kind: ledger.MadeImage, Call: ledger.CopyImage, Lineage: web, Source: web, Name: "web", Plan: "nightly", Run: name,
				Region: virginia, From: "ami-0123456789abcdef0", FromRegion: homeRegion, AMIName: name, Begun: made,
			}))(n.t)
		}
		leave("answered to nobody")
		leave("never made")
		found := n.EC2.In(virginia).SeedCopy("answered to nobody", made, map[string]string{
			tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: web, tag.Run: "answered to nobody",
		}, "ami-0123456789abcdef0", homeRegion)
		n.at("release", "", func(work) { n.EC2.In(virginia).SetKey(key, ec2.KeyDisabled) })
		n.EC2.In(virginia).Inject(ec2.Fault{Action: "DeregisterImage", Code: "UnauthorizedOperation", Nth: []int{1}})
		n.through(0)
		failed := n.firstOf(web).Copies[0].ID
		n.want("registered", n.registrationOf(found).Region, virginia)
		for r, err := range n.Ledger.Registrations(n.ctx, web) {
			n.ok(err)
			if r.AMIName == "never made" {
				t.Errorf("what was never made is still registered: %+v", r)
			}
		}
		n.want("copies", len(n.in(virginia)), 2)
		n.EC2.In(virginia).SetKey(key, ec2.KeyUsable)
		time.Sleep(3 * 24 * time.Hour)
		for _, i := range n.in(virginia) {
			if id := aws.ToString(i.ImageId); id == failed {
				t.Errorf("the failed copy %s is still there: %s", id, i.State)
			}
		}
		n.want("status of the failed one", []any{n.status(failed).Status, n.status(failed).Region},
			[]any{job.Retired, virginia})
	})
}

// However a call of the path is answered, or not, an image has one copy in a Region in the end, and nothing else is
// left.
func TestACopyIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []ec2.Fault{
		{Action: "CopyImage", Drop: true, Nth: []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{Action: "CopyImage", Code: "InternalError", After: true, Nth: []int{1}},
		{Action: "CopyImage", Code: "RequestLimitExceeded", Nth: []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{Action: "CopyImage", Code: "ResourceLimitExceeded", Nth: []int{1, 2, 3}},
		{Action: "CopyImage", Code: "InvalidAMIID.NotFound", Nth: []int{1}},
		{Action: "DescribeImages", Code: "InternalError", Nth: []int{1, 2, 3, 4, 5, 6, 7}},
		{Action: "DescribeImages", Code: "InvalidAMIID.NotFound", Nth: []int{1}},
	} {
		t.Run(fmt.Sprint(fault.Action, " ", fault.Code), func(t *testing.T) {
			play(t, afar(copied(plan.Copy{Region: virginia})), func(n *night) {
				web := n.launch("web", "gp3")
				n.EC2.In(virginia).Inject(fault)
				n.begin()
				r := n.run()[0]
				n.wasImaged(r, web)
				n.want("copies", len(n.in(virginia)), 1)
				n.saysOf(r, "OK: nightly", "1 copied")
			})
		})
	}
}

// Copies lengthen neither the downtime nor the way to the roll, and take one call to be asked for and at most one look
// every five minutes, whatever they are told by.
func TestCopiesLengthenNothing(t *testing.T) {
	t.Parallel()
	var without job.Result
	for _, plans := range []plan.Plans{copied(), copied(plan.Copy{Region: virginia}, plan.Copy{Region: paris})} {
		play(t, afar(plans), func(n *night) {
			web := n.launch("web", "gp3")
			n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.begin()
			r := n.run()[0]
			result := n.results(r)[web]
			if len(result.Copies) == 0 {
				without = result
				return
			}
			n.want("downtime", result.Times.Downtime(), without.Times.Downtime())
			n.want("from the stop to the release", result.Times.Released.Sub(result.Times.StopSent),
				without.Times.Released.Sub(without.Times.StopSent))
			looks, asked := 0, len(n.callsOf("CopyImage"))
			for _, c := range n.callsOf("DescribeImages") {
				if strings.HasPrefix(c.Caller, "copy/") {
					looks++
				}
			}
			n.want("calls to ask for two copies", asked, 2)
			took := result.Copies[1].At.Sub(result.Times.Released)
			// The first looks come after a minute, a minute and a half, and so on, until they are five minutes apart.
			if most := 2 * (4 + int(took/(5*time.Minute))); looks > most {
				t.Errorf("%d looks at two copies in %s, want at most %d", looks, took, most)
			}
		})
	}
}

// A run that is aborted while its copies are on their way says so, and the next night begins: each copy comes about, is
// registered, and counts.
func TestTheNextNightBeginsWhileCopiesAreOnTheirWay(t *testing.T) {
	t.Parallel()
	plans := nightly(func(p *plan.Plan) {
		p.Keep.Last, p.Copies = 5, []plan.Copy{{Region: virginia}}
	})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "gp3")
		n.begin()
		n.after("copy", web, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
		n.run()
		first := n.runs()[0]
		n.want("image", n.firstOf(web).Ending, job.Imaged)
		time.Sleep(24 * time.Hour)
		n.saysOf(first, "not copied to us-east-1", "on its way when the run was cut off")
		time.Sleep(3 * 24 * time.Hour)
		made := n.in(virginia)
		n.want("copies", len(made), len(n.imagesOf(web)))
		for _, i := range made {
			n.want("state", string(i.State), "available")
			n.want("registered", n.registrationOf(aws.ToString(i.ImageId)).Region, virginia)
		}
	})
}
