package command_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/disks"
	"goldsmith/local/ebs"
	"goldsmith/local/ec2"
	"goldsmith/shared/tag"
)

const key = "arn:aws:kms:eu-central-1:123456789012:key/0000"

// upload makes a completed snapshot of a disk, with the tag of its settings.
func (s *scene) upload(settings string, lay func() (*disks.Disk, error)) string {
	s.Helper()
	d, err := lay()
	s.must(err)
	id, err := ebs.Upload(s.Context(), direct.NewFromConfig(s.suite.AWS()), d, d.Size(), direct.StartSnapshotInput{})
	s.must(err)
	if settings != "" {
		s.must(s.suite.EC2.SetTags(id, map[string]string{tag.ImageSettings: settings}))
	}
	time.Sleep(24 * time.Hour)
	return id
}

func linux() (*disks.Disk, error) { return disks.Linux(1) }

// snapshotOf is the completed snapshot of an instance's root volume.
func (s *scene) snapshotOf(instance string) string {
	s.Helper()
	out, err := s.cloud.CreateSnapshots(s.Context(), &sdk.CreateSnapshotsInput{
		InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(instance)},
	})
	s.must(err)
	time.Sleep(24 * time.Hour)
	return aws.ToString(out.Snapshots[0].SnapshotId)
}

func TestPlanOfASnapshot(t *testing.T) {
	play(t, func(s *scene) {
		web := s.launch("web")
		golden := s.snapshotOf(web)
		_, err := s.cloud.CreateImage(s.Context(),
			&sdk.CreateImageInput{InstanceId: aws.String(web), Name: aws.String("web"),
				TagSpecifications: []types.TagSpecification{{
					ResourceType: types.ResourceTypeImage, Tags: tag.List(map[string]string{tag.Managed: "true"}),
				}}})
		s.must(err)
		time.Sleep(24 * time.Hour)
		s.golden("plan-snapshot-instance", s.types("plan", "--source", golden), 0)
		s.must(s.suite.EC2.SetState(web, ec2.Terminated))
		time.Sleep(24 * time.Hour)
		s.golden("plan-snapshot-instance-gone", s.types("plan", "--source", golden), 0)
	})
	play(t, func(s *scene) {
		s.golden("plan-snapshot-uploaded", s.types("plan", "--source", s.upload("", linux)), 4)
		said := "rootDeviceName=/dev/xvda enaSupport=true"
		s.golden("plan-snapshot-said", s.types("plan", "--source", s.upload(said, linux), "--set", "bootMode=uefi", "-o",
			"json"), 0)
		s.golden("plan-snapshot-contradiction", s.types("plan", "--source", s.upload(said+" architecture=arm64", linux)), 4)
		data := func() (*disks.Disk, error) { return disks.GPT(1, disks.Part{MiB: 900, Fill: disks.EXT4}) }
		s.golden("plan-snapshot-data", s.types("plan", "--source", s.upload("", data)), 4)
	})
}

// TestPlanOfASnapshotWithoutALedger holds that what cannot be read of the ledger is no evidence, and no failure.
func TestPlanOfASnapshotWithoutALedger(t *testing.T) {
	play(t, func(s *scene) {
		id := s.upload("", linux)
		want := s.types("plan", "--source", id)
		for _, s.refused = range []string{"AccessDeniedException", "ResourceNotFoundException"} {
			if got := s.types("plan", "--source", id); got != want {
				s.Errorf("%s: %d %s%s", s.refused, got.code, got.out, got.err)
			}
		}
		s.refused = "InternalServerError"
		if got := s.types("plan", "--source", id); got.code != command.Broken {
			s.Errorf("a ledger that fails is none: %d %s", got.code, got.out)
		}
	})
}

func TestPlanOfASnapshotThatMayNotBeRead(t *testing.T) {
	play(t, func(s *scene) {
		client := direct.NewFromConfig(s.suite.AWS())
		d, err := disks.Linux(1)
		s.must(err)
		id, err := ebs.Upload(s.Context(), client, d, d.Size(),
			direct.StartSnapshotInput{Encrypted: aws.Bool(true), KmsKeyArn: aws.String(key)})
		s.must(err)
		time.Sleep(24 * time.Hour)
		s.suite.EBS.DenyKey(key)
		s.golden("plan-snapshot-denied", s.types("plan", "--source", id), 4)
	})
}

// storedPlans is a file with a plan of snapshots, which says what nothing else says of them.
func (s *scene) storedPlans(more string) string {
	s.Helper()
	path := filepath.Join(s.TempDir(), "plans.yaml")
	s.must(os.WriteFile(path, []byte(`default: stored
plans:
  stored:
    schedule: cron(30 3 * * ? *)
    sources: {snapshots: {tags: {Backup: [daily]}}}
    image: {settings: "rootDeviceName=/dev/xvda enaSupport=true"}
`+more), 0o600))
	return path
}

// What a run of a plan of snapshots would register of each, and by whose word.
func TestPlanOfAPlanOfSnapshots(t *testing.T) {
	play(t, func(s *scene) {
		data := func() (*disks.Disk, error) { return disks.GPT(1, disks.Part{MiB: 900, Fill: disks.EXT4}) }
		ids := map[string]string{"web": s.snapshotOf(s.launch("web")), "mail": s.upload("", linux),
			"store": s.upload("", data)}
		for name, id := range ids {
			s.must(s.suite.EC2.SetTags(id, map[string]string{"Backup": "daily", "Name": name}))
		}
		path := s.storedPlans("")
		s.golden("plan-of-snapshots", s.types("plan", "--plans", path), 0)
		s.golden("plan-of-snapshots-json", s.types("plan", "--plans", path, "-o", "json"), 0)
		s.golden("plan-snapshot-planned", s.types("plan", "--plans", path, "stored", "--source", ids["mail"]), 0)
		path = s.storedPlans("    verify: {boot: true, subnet: subnet-0123456789abcdef0}\n")
		s.golden("plan-snapshot-untestable", s.types("plan", "--plans", path, "stored", "--source", ids["mail"]), 4)
	})
}

func TestPlanOfASnapshotMistakes(t *testing.T) {
	play(t, func(s *scene) {
		for name, line := range map[string][]string{
			"plan-snapshot-malformed": {"plan", "--source", "snap-1"},
			"plan-snapshot-name":      {"plan", "--source", "snap-0123456789abcdef0", "--plans", plans, "weekly"},
			"plan-snapshot-set":       {"plan", "--set", "bootMode=uefi"},
			"plan-snapshot-wrong-set": {"plan", "--source", "snap-0123456789abcdef0", "--set", "kernelId=aki-1", "--set",
				"bootMode=bios"},
		} {
			s.golden(name, s.types(line...), 2)
		}
		s.golden("plan-snapshot-gone", s.types("plan", "--source", "snap-0123456789abcdef0"), 1)
	})
}

// One command has an image made of a snapshot and of the data volumes that are named with it.
func TestRunOfASnapshotWithItsData(t *testing.T) {
	play(t, func(s *scene) {
		web := s.launch("web")
		root, data := s.snapshotOf(web), s.upload("", func() (*disks.Disk, error) { return disks.Blank(1), nil })
		s.must(s.suite.EC2.SetTags(root, map[string]string{tag.Plan: "nightly", "Name": "mail"}))
		s.must(s.suite.EC2.SetTags(data, map[string]string{tag.Plan: "nightly"}))
		before := len(s.changes())
		s.types("plan", "--source", root, "--data", "/dev/sdf="+data)
		if made := s.changes()[before:]; len(made) != 0 {
			t.Errorf("plan has done %v", made)
		}
		got := s.types("run", "nightly", "--source", root, "--data", "/dev/sdf="+data)
		if got.code != command.OK {
			t.Fatalf("it ended with %d: %s", got.code, got.out)
		}
		time.Sleep(2 * time.Hour)
		made := s.made() // Those of the nights before are of web.
		if last := made[len(made)-1]; tag.Map(last.Tags)[tag.Name] != "mail" || len(last.BlockDeviceMappings) != 2 {
			t.Errorf("made was %v with %d volumes", tag.Map(last.Tags), len(last.BlockDeviceMappings))
		}
	})
}
