package permissions

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/rollout"
	"goldsmith/shared/sharing"
	"goldsmith/shared/tag"
)

// The Regions that plan copied copies images to.
const paris, oregon = "eu-west-3", "us-west-2"

// copyTime is when that plan runs.
var copyTime = due.Add(4 * time.Hour)

// keysOfCopies are those of its copies: by an alias in the one, by its id in the other.
var keysOfCopies = map[string]string{paris: "alias/golden", oregon: "5678abcd-12ab-34cd-56ef-1234567890ab"}

func (n *night) golden() {
	for region, name := range keysOfCopies {
		n.Beside[region].EC2.SetKey(n.Beside[region].EC2.KeyNamed(name), ec2.KeyUsable)
	}
}

// copied are copies in two Regions that come to nothing, and are removed.
func copied(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "copied"))
	n.golden()
	n.before("release", func(string) {
		for region, name := range keysOfCopies {
			n.Beside[region].EC2.SetKey(n.Beside[region].EC2.KeyNamed(name), ec2.KeyDisabled)
		}
	})
	n.run(copyTime)
	copies := n.result(web).Copies
	n.want("ending", n.result(web).Ending, job.Imaged)
	for at, region := range []string{paris, oregon} {
		n.want("copied to "+region, copies[at].Problem == "", false)
		n.want("left in "+region, len(n.stored(region)), 0)
	}
}

func (n *night) stored(region string) []types.Snapshot {
	n.t.Helper()
	return must(n.in(region).DescribeSnapshots(n.ctx,
		&sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))(n.t).Snapshots
}

// copiesRetired are three nights: old copies are deprecated, disabled and removed in their own Regions, and one that is
// used again is deprecated no longer.
func copiesRetired(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "copied"))
	n.golden()
	gone, kept := map[string]string{}, map[string]string{}
	for _, region := range []string{paris, oregon} {
		gone[region], kept[region] = n.oldCopy(region, web, 30), n.oldCopy(region, web, 5)
		n.usedAgain(region, kept[region])
	}
	for day := range 3 {
		n.run(copyTime.AddDate(0, 0, day))
	}
	for _, region := range []string{paris, oregon} {
		shown := map[string]types.Image{}
		out := must(n.in(region).DescribeImages(n.ctx,
			&sdk.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true)}))(n.t)
		for _, i := range out.Images {
			shown[aws.ToString(i.ImageId)] = i
		}
		n.want("gone", shown[gone[region]].ImageId == nil, true)
		n.want("kept", shown[kept[region]].ImageId != nil && shown[kept[region]].DeprecationTime == nil, true)
	}
}

// copiesSharedNoLonger are two nights: each is copied and shared, EC2 is asked who uses an old copy, and that is shared
// no longer.
func copiesSharedNoLonger(n *night) {
	sharee := ec2.Consumer{Account: "777777777777"}
	web := n.launch(ec2.ImageX86, "", enrolled("web", "copied"))
	n.golden()
	key := n.Beside[oregon].EC2.KeyNamed(keysOfCopies[oregon])
	n.Beside[oregon].EC2.Grant(key, "arn:aws:iam::777777777777:root", "DescribeKey", "Decrypt",
		"ReEncryptFrom", "CreateGrant")
	old := map[string]string{}
	for _, region := range []string{paris, oregon} {
		old[region] = n.oldSharedCopy(region, web, sharee)
	}
	n.run(copyTime)
	made := n.result(web).Copies
	n.ok(n.Beside[oregon].EC2.CopyBy(sharee, made[1].ID))
	n.want("shared in "+paris, made[0].Shared.Problem, "")
	for region, id := range old {
		n.ok(n.Beside[region].EC2.LaunchBy(sharee, id))
	}
	n.run(copyTime.AddDate(0, 0, 1))
	for region, id := range old {
		if n.Beside[region].EC2.LaunchBy(sharee, id) == nil {
			n.t.Errorf("%s is shared still in %s", id, region)
		}
	}
}

// oldSharedCopy is a copy that is shared with an account, with its snapshots, and that is deprecated.
func (n *night) oldSharedCopy(region, web string, with ec2.Consumer) string {
	n.t.Helper()
	id := n.oldCopy(region, web, 30)
	r, _, err := n.ledger.Registration(n.ctx, id)
	n.ok(err)
	r.Shared = &job.Sharing{Accounts: []string{with.Account}, Snapshots: true, At: time.Now().AddDate(0, 0, -30)}
	must(n.ledger.Amend(n.ctx, r))(n.t)
	i := must(n.in(region).DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{id}}))(n.t).Images[0]
	must(sharing.Permit(n.ctx, n.in(region), id, image.Snapshots(i), *r.Shared))(n.t)
	n.deprecated(region, id)
	return id
}

// in is the client of EC2 in a Region.
func (n *night) in(region string) *sdk.Client {
	return sdk.NewFromConfig(n.AWS(), func(o *sdk.Options) { o.Region = region })
}

// oldCopy is a copy that was made so many days ago.
func (n *night) oldCopy(region, web string, days int) string {
	n.t.Helper()
	made, name := time.Now().AddDate(0, 0, -days), fmt.Sprintf("old/%d", days)
	id := n.Beside[region].EC2.SeedCopy(name, made, map[string]string{
		tag.Managed: "true", tag.Plan: "copied", tag.Name: "web", tag.Source: web, tag.Run: fmt.Sprint(days),
	}, "ami-0123456789abcdef0", here.Region)
	must(n.ledger.Register(n.ctx, ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CopyImage, Lineage: web, Source: web, Name: "web", Plan: "copied",
		Run: fmt.Sprint(days), Region: region, From: "ami-0123456789abcdef0", FromRegion: here.Region,
		AMIName: name, ID: id, Good: true, Begun: made,
	}))(n.t)
	return id
}

// usedAgain has a copy deprecated, and then an instance launched from it.
func (n *night) usedAgain(region, id string) {
	n.t.Helper()
	n.deprecated(region, id)
	must(n.in(region).RunInstances(n.ctx, &sdk.RunInstancesInput{
		ImageId: aws.String(id), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
	}))(n.t)
}

// deprecated has a copy deprecated by an earlier run.
func (n *night) deprecated(region, id string) {
	n.t.Helper()
	must(n.in(region).EnableImageDeprecation(n.ctx, &sdk.EnableImageDeprecationInput{
		ImageId: aws.String(id), DeprecateAt: aws.Time(time.Now().Add(time.Hour)),
	}))(n.t)
	n.ok(n.ledger.PutRetirement(n.ctx, job.Retirement{
		Plan: "copied", Region: region, Subject: id, Name: "web", Run: "old", Status: job.Deprecated,
		Since: time.Now().AddDate(0, 0, -10),
	}))
}

// copiesRolled are three nights in which copies are rolled in their Region, with a rollback between them: what launched
// an old copy is pruned with it.
func copiesRolled(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "copied"))
	n.golden()
	old := n.oldCopy(paris, web, 30)
	values := ssm.NewFromConfig(n.AWS(), func(o *ssm.Options) { o.Region = paris })
	must(values.PutParameter(n.ctx, &ssm.PutParameterInput{
		Name: aws.String("/golden/web"), Value: aws.String(old), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String("aws:ec2:image"),
	}))(n.t)
	made := must(n.in(paris).CreateVolume(n.ctx, &sdk.CreateVolumeInput{
		AvailabilityZone: aws.String(paris + "a"), Size: aws.Int32(8)}))(n.t)
	snapshot := must(n.in(paris).CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{VolumeId: made.VolumeId}))(n.t)
	for name, data := range map[string]*types.RequestLaunchTemplateData{
		"subscribed": {ImageId: aws.String(old), InstanceType: types.InstanceTypeM5Large,
			IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: aws.String("web")}},
		"by-alias": {ImageId: aws.String("resolve:ssm:/golden/web"), InstanceType: types.InstanceTypeM5Large},
		"searching": {ImageId: aws.String(old),
			InstanceRequirements: &types.InstanceRequirementsRequest{
				VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(2)},
				MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(4096)},
			},
			BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
				DeviceName: aws.String("/dev/sdf"),
				Ebs:        &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: snapshot.SnapshotId},
			}}},
	} {
		out := must(n.in(paris).CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String(name), LaunchTemplateData: data,
			TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: "web"}),
			}},
		}))(n.t)
		must(rollout.Abroad{Region: paris, Ledger: n.ledger}.PutTarget(n.ctx, ledger.TargetRecord{
			Source: "web", ID: aws.ToString(out.LaunchTemplate.LaunchTemplateId), Made: []int64{1},
		}))(n.t)
	}
	night := func(day int) job.Copy {
		n.run(copyTime.AddDate(0, 0, day))
		time.Sleep(5 * time.Minute) // Parameter Store has looked at the images by then.
		for _, r := range n.result(web).Copies[0].Rolled {
			n.want("problem of "+r.Target, r.Problem, "")
		}
		n.want("targets", len(n.result(web).Copies[0].Rolled), 4)
		return n.result(web).Copies[0]
	}
	first := night(0)
	night(1)
	must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"),
		[]byte(`{"goldsmith":"rollback","version":"1","name":"web","by":"ada"}`)))(n.t)
	time.Sleep(5 * time.Minute)
	value, _ := n.Beside[paris].Parameters.Value("/goldsmith/images/web")
	n.want("rolled back to", value, first.ID)
	must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"),
		[]byte(`{"goldsmith":"rollback","version":"1","name":"web","by":"ada","follow":true}`)))(n.t)
	night(2)
	n.want("gone", len(must(n.in(paris).DescribeImages(n.ctx, &sdk.DescribeImagesInput{
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{old}}}}))(n.t).Images), 0)
}
