package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// scalingRole is the role that Auto Scaling launches with.
const scalingRole = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

// letRole is a key policy that lets a role use the key, as docs/sharing.md has it.
func letRole(role string) string {
	return strings.ReplaceAll(letUse(consumerA), "arn:aws:iam::"+consumerA.Account+":root", role)
}

// Before anything is stopped it is told, by plan as by the run, which groups could not launch what will be rolled,
// since the key of the volumes does not let Auto Scaling's role use it. The image is made and rolled all the same, and
// what the groups launch then is as it was told.
func TestGroupsThatCannotLaunchWhatIsRolled(t *testing.T) {
	t.Parallel()
	operations := []string{"Decrypt", "DescribeKey", "ReEncryptFrom", "CreateGrant"}
	usable := keyIn("usable")
	for name, c := range map[string]struct {
		key      string
		story    func(n *night)
		plan     func(*plan.Plan)
		code     job.ReasonCode
		says     string
		launches bool
		unseen   bool // by the rehearsal
	}{
		"nothing lets it": {"usable", nil, nil, job.KeyNotForGroups,
			"groups fleet, follows cannot launch the image: key " + usable + " of its volumes does not let " + scalingRole +
				" use it",
			false, false},
		"a grant does": {"usable", func(n *night) { n.EC2.Grant(usable, scalingRole, operations...) }, nil, "",
			"", true, false},
		"a grant lets another": {"usable",
			func(n *night) { n.EC2.Grant(usable, scalingRole+"_other", operations...) }, nil, job.KeyNotForGroups,
			"groups fleet, follows cannot launch the image", false, false},
		"the policy does": {"usable", func(n *night) { n.EC2.SetKeyPolicy(usable, letRole(scalingRole)) }, nil, "",
			"", true, false},
		"the policy lets the accounts": {"usable", func(n *night) { n.EC2.SetKeyPolicy(usable, letUse(consumerA)) }, nil,
			job.KeyNotForGroups, "groups fleet, follows cannot launch the image", false, false},
		"AWS's own key": {"aws", nil, nil, "", "", true, false},
		"it cannot be seen": {"hidden", nil, nil, job.GroupsUnseen,
			"whether groups fleet, follows can launch the image could not be seen: of key " + keyIn("hidden") +
				" of its volumes the policy or its grants cannot be read (AccessDeniedException)", false, false},
		"groups cannot be listed": {"usable",
			func(n *night) {
				n.at("claim", "", func(work) {
					n.EC2.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: "UnauthorizedOperation", Nth: []int{1}})
				})
			}, nil, job.GroupsUnseen, "whether groups can launch the image, which is encrypted, could not be seen", false, true},
		"nothing is rolled": {"usable", nil, func(p *plan.Plan) { p.Roll.Skip = true }, "", "", true, false},
		"it is shared as well": {"usable", func(n *night) { n.EC2.SetKeyPolicy(usable, letUse(consumerA)) },
			func(p *plan.Plan) { p.Share.Accounts = accounts(consumerA) }, job.KeyNotForGroups, "groups fleet, follows", false,
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edits := []func(*plan.Plan){}
			if c.plan != nil {
				edits = append(edits, c.plan)
			}
			play(t, stack.Options{Plans: nightly(edits...)}, func(n *night) {
				web := n.launch("web", "key="+c.key)
				n.group("fleet", n.template("fleet", "web", "t3.micro", ec2.ImageX86), "$Default", empty)
				n.template("other", "api", "t3.micro", ec2.ImageX86)
				n.group("others", n.template("others", "api", "t3.micro", ec2.ImageX86), "$Default", empty)
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				time.Sleep(5 * time.Minute) // Parameter Store checks images.
				n.group("follows", n.template("follows", "", "t3.micro", "resolve:ssm:/goldsmith/images/web"), "$Latest", empty)
				if c.story != nil {
					c.story(n)
				}
				n.begin()
				p := n.plans.Plans["nightly"]
				said := n.rehearse(rehearsal.Scheduled(p, due), p)
				r := n.run()[0]
				n.wasImaged(r, web)
				told := n.results(r)[web].Warnings
				if !c.unseen {
					n.want("told", toldOfGroups(told), toldOfGroups(said.Sources[0].Warnings))
				}
				if c.code == "" {
					n.want("told of groups", toldOfGroups(told), []string{})
				} else if all := toldOfGroups(told); len(all) != 1 || !strings.HasPrefix(all[0], string(c.code)+": "+c.says) {
					t.Errorf("told is %q, want %s: %s", all, c.code, c.says)
				}
				if c.code != "" {
					n.saysOf(r, "OK: nightly", string(c.code))
				}
				n.resize("fleet", 1)
				n.want("the group launches", len(n.members("fleet")) > 0, c.launches)
				n.resize("fleet", 0)
			})
		})
	}
}

// empty makes a group without members.
func empty(in *autoscaling.CreateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(0) }

// resize has a group have so many members, and waits.
func (n *night) resize(group string, many int32) {
	n.t.Helper()
	must(n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(group), DesiredCapacity: aws.Int32(many)}))(n.t)
	time.Sleep(10 * time.Minute)
}

// toldOfGroups are the warnings of groups that cannot launch an image, or may not.
func toldOfGroups(warnings []job.Reason) []string {
	all := []string{}
	for _, w := range warnings {
		if w.Code == job.KeyNotForGroups || w.Code == job.GroupsUnseen {
			all = append(all, fmt.Sprintf("%s: %s", w.Code, w.Text))
		}
	}
	return all
}
