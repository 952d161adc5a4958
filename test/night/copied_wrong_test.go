package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// parameterIn writes a parameter in a Region.
func (n *night) parameterIn(region, name, value string, kind ssmtypes.ParameterType) {
	n.t.Helper()
	in := &ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(value), Type: kind}
	if kind == ssmtypes.ParameterTypeString {
		in.DataType = aws.String("aws:ec2:image")
	}
	must(ssm.NewFromConfig(n.AWS(), func(o *ssm.Options) { o.Region = region }).PutParameter(n.ctx, in))(n.t)
}

// What stands in the way of rolling a copy in its Region leaves that target alone, is told, and costs neither the copy
// nor anything at home.
func TestWhatACopyIsNotRolledInto(t *testing.T) {
	t.Parallel()
	const own = "/goldsmith/images/web"
	for name, c := range map[string]struct {
		given func(n *night) (template string)
		says  string
	}{
		"the alias is a secret": {func(n *night) string {
			n.parameterIn(virginia, own, "hush", ssmtypes.ParameterTypeSecureString)
			return ""
		}, "it is a SecureString, and launch templates take images from a String"},
		"a template that takes another name's alias": {func(n *night) string {
			n.parameterIn(virginia, "/goldsmith/images/api", ec2.ImageX86, ssmtypes.ParameterTypeString)
			return n.templateIn(virginia, "web", "web", "resolve:ssm:/goldsmith/images/api")
		}, "which is not the alias of web"},
		"a template whose instances cannot run it": {func(n *night) string {
			id := n.templateIn(virginia, "web", "web", ec2.ImageX86)
			made := must(n.abroad(virginia).CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateId: aws.String(id), SourceVersion: aws.String("1"), LaunchTemplateData: instanceType("t4g.micro"),
			}))(n.t)
			n.makeDefaultIn(virginia, id, aws.ToInt64(made.LaunchTemplateVersion.VersionNumber))
			return id
		}, "t4g.micro"},
		"templates cannot be looked at": {func(n *night) string {
			n.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: denied, Status: 403,
				Until: due.Add(time.Hour)})
			return n.templateIn(virginia, "web", "web", ec2.ImageX86)
		}, "UnauthorizedOperation"},
		"versions cannot be made": {func(n *night) string {
			n.EC2.In(virginia).Inject(ec2.Fault{Action: "CreateLaunchTemplateVersion", Code: denied, Status: 403})
			return n.templateIn(virginia, "web", "web", ec2.ImageX86)
		}, "UnauthorizedOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, rolledAfar(), func(n *night) {
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				template := c.given(n)
				before := ""
				if template != "" {
					before = n.launchesAfar(virginia, template)
				}
				r := n.nights(0)
				n.wasImaged(r, web)
				result := n.results(r)[web]
				n.want("copy", []any{result.Copies[0].Problem, result.Copies[0].ID != ""}, []any{"", true})
				for _, rolled := range result.Rolled {
					n.want("problem at home of "+rolled.Target, rolled.Problem, "")
				}
				if template != "" {
					n.want("what it launches", n.launchesAfar(virginia, template), before)
				}
				said := ""
				for _, rolled := range result.Copies[0].Rolled {
					said += rolled.Problem
				}
				if !strings.Contains(said, c.says) {
					t.Errorf("it is told as %q, want %q in it", said, c.says)
				}
				n.saysOf(r, "PARTIAL: ", "in us-east-1", "2 copied")
				time.Sleep(time.Hour)
			})
		})
	}
}

// What EC2 is too busy for in a Region is tried for thirty hours, and then told with what is known; the copies are
// there, and each Region's count for themselves.
func TestWhatARegionIsTooBusyForIsTold(t *testing.T) {
	t.Parallel()
	share := plan.Share{Accounts: accounts(consumerA)}
	for action, edit := range map[string]func(*plan.Plan){
		"DescribeLaunchTemplates": func(p *plan.Plan) {},
		"ModifyImageAttribute":    func(p *plan.Plan) { p.Copies[0].Share = share },
		"DescribeImages":          func(p *plan.Plan) {},
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			play(t, rolledAfar(edit), func(n *night) {
				web := n.launch("web", "gp3")
				there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
				n.EC2.In(virginia).Inject(ec2.Fault{Action: action, Code: "InternalError", Until: due.Add(40 * time.Hour)})
				n.begin()
				time.Sleep(4 * 24 * time.Hour)
				runs := n.runs()
				r := runs[len(runs)-1]
				made := n.results(r)[web].Copies
				n.want("copied to "+paris, []any{made[1].Problem, made[1].At.IsZero()}, []any{"", false})
				late := made[0].At
				switch action {
				case "ModifyImageAttribute":
					n.want("shared", strings.HasPrefix(made[0].Shared.Problem, "it was tried for 30h0m0s: "), true)
					n.want("rolled", made[0].Rolled[0].Problem, "")
				case "DescribeLaunchTemplates":
					n.want("rolled", strings.HasPrefix(made[0].Rolled[0].Problem, "it was tried for 30h0m0s: "), true)
				default:
					n.want("copied", strings.Contains(made[0].Problem, "was not found out in 30h0m0s: "), true)
					late = due.Add(31 * time.Hour)
				}
				if took := late.Sub(due); took < 30*time.Hour || took > 31*time.Hour {
					t.Errorf("it was looked at for %s", took)
				}
				n.saysOf(r, "PARTIAL: ", "30h0m0s")
				last := n.results(runs[0])[web].Copies[0].ID
				n.want("in the end", n.launchesAfar(virginia, there), last)
			})
		})
	}
}

// Of two sources of one name the one that has it at home has it in each Region.
func TestOneSourceHasANameInEachRegion(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(), func(n *night) {
		one, two := n.launch("web", "gp3"), n.launch("other", "gp3")
		must(n.cloud.CreateTags(n.ctx, &sdk.CreateTagsInput{Resources: []string{two},
			Tags: tag.List(map[string]string{tag.Name: "web"})}))(t)
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		byID := map[string]string{one: n.templateIn(virginia, one, one, ec2.ImageX86),
			two: n.templateIn(virginia, two, two, ec2.ImageX86)}
		n.template(one, one, "t3.micro", ec2.ImageX86)
		n.template(two, two, "t3.micro", ec2.ImageX86)
		results := n.results(n.nights(0))
		owner, _, err := n.Ledger.Owner(n.ctx, "web")
		n.ok(err)
		time.Sleep(5 * time.Minute)
		n.want("rolled there", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
			[]string{results[owner.Source].Copies[0].ID, results[owner.Source].Copies[0].ID})
		for id, template := range byID {
			n.want("by id "+id, n.launchesAfar(virginia, template), results[id].Copies[0].ID)
		}
	})
}

// What a person has set back in a Region stays, as at home, and is told.
func TestWhatAPersonHasSetBackAfarStays(t *testing.T) {
	t.Parallel()
	play(t, rolledAfar(), func(n *night) {
		web := n.launch("web", "gp3")
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		n.nights(0)
		n.makeDefaultIn(virginia, there, 1)
		result := n.results(n.nights(1))[web]
		n.want("there", n.launchesAfar(virginia, there), ec2.ImageX86)
		n.want("told", strings.Contains(result.Copies[0].Rolled[0].Problem, "it was set back by hand"), true)
	})
}

// An alias goes on holding a copy that the rules keep no longer, until a later one is rolled; then it goes with the
// version that launched it.
func TestARolledCopyIsRetired(t *testing.T) {
	t.Parallel()
	keep := plan.Keep{Last: 1, Grace: plan.MinGrace}
	play(t, rolledAfar(func(p *plan.Plan) { p.Keep.Last, p.Copies[0].Keep = 9, keep }), func(n *night) {
		web := n.launch("web", "gp3")
		there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
		first := n.results(n.nights(0))[web].Copies[0].ID
		for night := range 4 {
			n.nights(night + 1)
		}
		n.want("status of the first", n.status(first).Status, job.Retired)
		out := must(n.abroad(virginia).DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
			LaunchTemplateId: aws.String(there)}))(t)
		for _, v := range out.LaunchTemplateVersions {
			if aws.ToString(v.LaunchTemplateData.ImageId) == first {
				t.Errorf("version %d still names %s", aws.ToInt64(v.VersionNumber), first)
			}
		}
		n.want("what stays",
			aws.ToInt64(out.LaunchTemplateVersions[len(out.LaunchTemplateVersions)-1].VersionNumber), int64(1))
	})
}
