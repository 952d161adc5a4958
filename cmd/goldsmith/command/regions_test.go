package command_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/organizations"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
	"goldsmith/shared/tag"
)

// virginia is a Region of copies.
const virginia = "us-east-1"

// openWithCopies opens a suite whose plan nightly has copies in that Region.
func openWithCopies(t *testing.T, copies ...plan.Copy) *scene {
	t.Helper()
	all, err := planfile.Load("testdata/plans.yaml", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := all.Plans["nightly"]
	p.Copies = copies
	all.Plans["nightly"] = p
	return open(t, all, func(o *stack.Options) { o.EC2.Regions = []string{virginia} })
}

// Images lists where each image lies, under which key, and whom it is shared with; a Region that may not be looked at
// is named, and what is a person's own there is not registered.
func TestImagesOfEveryRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, err := planfile.Load("testdata/plans.yaml", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p := all.Plans["nightly"]
		p.Share.Accounts = []string{"111122223333"}
		p.Copies = []plan.Copy{
			{Region: virginia, Key: "alias/golden", Share: plan.Share{Accounts: []string{"444455556666"}, Snapshots: true}},
			{Region: "eu-central-1", Key: "alias/golden"},
		}
		all.Plans["nightly"] = p
		s := open(t, all, func(o *stack.Options) { o.EC2.Regions = []string{virginia} })
		for _, region := range []string{virginia, "eu-central-1"} {
			there := s.suite.EC2.In(region)
			there.SetKey(there.KeyNamed("alias/golden"), ec2.KeyUsable)
		}
		s.launch("web")
		s.types("run", "nightly", "--wait")
		s.suite.EC2.In(virginia).SeedCopy("web/copy", time.Now(), map[string]string{tag.Managed: "true", tag.Name: "web"},
			"ami-0123456789abcdef0", "eu-central-1")
		s.golden("images-regions", s.types("images", "--plans", plans), command.OK)
		s.golden("images-regions-json", s.types("images", "--plans", plans, "--plan", "nightly", "-o", "json"), command.OK)
		s.suite.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeImages", Code: "UnauthorizedOperation"})
		s.golden("images-region-denied", s.types("images", "--plans", plans), command.OK)
	})
}

// Check tells what copies cannot be in the Region that it is told, with each its line; of another Region it does not.
func TestCheckOfARegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, plan.Plans{})
		s.golden("check-home", s.types("check", "testdata/home.yaml", "--region", "eu-central-1"), command.Misused)
		s.golden("check-nowhere", s.types("check", "testdata/home.yaml", "--region", "eu-central"), command.Misused)
		s.golden("check-elsewhere", s.types("check", "testdata/home.yaml", "--region", "eu-west-1"), command.OK)
	})
}

// Status lists what is held in the Regions of copies beside what is at home, until it follows again; a Region that may
// not be looked at is told of as the ledger knows it.
func TestStatusOfHoldsInRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWithCopies(t, plan.Copy{Region: virginia, Alias: true})
		s.launch("web")
		for range 2 {
			s.types("run", "nightly", "--wait")
			time.Sleep(10 * time.Minute)
		}
		s.types("rollback", "--name", "web", "--yes")
		time.Sleep(10 * time.Minute)
		s.golden("status-held-regions", s.types("status"), command.OK)
		s.golden("status-held-regions-json", s.types("status", "-o", "json"), command.OK)
		s.types("follow", "--name", "web")
		if after := s.types("status").out; strings.Contains(after, virginia) {
			t.Error("what follows again is still held: " + after)
		}
	})
}

// Plan shows what copies would be rolled into in their Regions; a Region that may not be looked at is told of, and the
// rest is shown all the same.
func TestPlanOfRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWithCopies(t, plan.Copy{Region: virginia, Alias: true})
		path := filepath.Join(t.TempDir(), "plans.yaml")
		text, err := os.ReadFile("testdata/plans.yaml")
		s.must(err)
		written := strings.Replace(string(text), "  nightly:\n",
			"  nightly:\n    copies: [{region: us-east-1, alias: true}]\n", 1)
		s.must(os.WriteFile(path, []byte(written), 0o600))
		s.launch("web")
		there := sdk.NewFromConfig(s.suite.AWS(), func(o *sdk.Options) { o.Region = virginia })
		for _, kind := range []types.InstanceType{"t3.micro", "t4g.small"} {
			_, err := there.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{
				LaunchTemplateName: aws.String(string(kind)),
				LaunchTemplateData: &types.RequestLaunchTemplateData{
					ImageId: aws.String(ec2.ImageX86), InstanceType: kind},
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
					Tags: tag.List(map[string]string{tag.Source: "web"})}},
			})
			s.must(err)
		}
		s.golden("plan-regions", s.types("plan", "nightly", "--plans", path), command.OK)
		s.golden("plan-regions-json", s.types("plan", "nightly", "--plans", path, "-o", "json"), command.OK)
		s.suite.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: "UnauthorizedOperation"})
		s.suite.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeImages", Code: "UnauthorizedOperation"})
		s.golden("plan-region-denied", s.types("plan", "nightly", "--plans", path), command.OK)
	})
}

// Check doubts a Region that this version does not know, and asks AWS only when it is told to: then it tells all that
// the account has not, each with its line, or what these credentials do not see.
func TestCheckOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWithCopies(t, plan.Copy{Region: virginia})
		there := s.suite.EC2.In(virginia)
		there.SetKey(there.KeyNamed("alias/off"), ec2.KeyDisabled)
		s.unplugged = errors.New("nothing is to be asked")
		s.golden("check-doubts", s.types("check", "testdata/doubts.yaml"), command.OK)
		s.golden("check-doubts-json", s.types("check", "testdata/doubts.yaml", "-o", "json"), command.OK)
		s.golden("check-asked-offline", s.types("check", "testdata/doubts.yaml", "--ask"), command.Broken)
		s.unplugged = nil
		s.golden("check-asked", s.types("check", "testdata/doubts.yaml", "--ask"), command.Misused)
		s.golden("check-asked-json", s.types("check", "testdata/doubts.yaml", "--ask", "-o", "json"), command.Misused)
		s.golden("check-asked-home", s.types("check", "testdata/home.yaml", "--ask"), command.Misused)
		s.golden("check-asked-no-key", s.types("check", "testdata/seen.yaml", "--ask"), command.Misused)
		there.SetKey(there.KeyNamed("alias/golden"), ec2.KeyUsable)
		s.suite.Organizations.Join(organizations.Organization{ID: "o-a1b2c3d4e5", Management: "999900001111"})
		s.golden("check-asked-well", s.types("check", "testdata/seen.yaml", "--ask"), command.OK)
		for _, action := range []string{"DescribeKey", "DescribeOrganization"} {
			s.suite.Inject(inject.Fault{Action: action, Code: "AccessDeniedException"})
		}
		s.golden("check-asked-unseen", s.types("check", "testdata/seen.yaml", "--ask"), command.OK)
		s.suite.EC2.Inject(ec2.Fault{Action: "DescribeRegions", Code: "UnauthorizedOperation"})
		s.golden("check-asked-blind", s.types("check", "testdata/seen.yaml", "--ask"), command.Broken)
	})
}
