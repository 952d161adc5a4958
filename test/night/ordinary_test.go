package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/tag"
)

// What CloudFormation and Terraform make is rolled on the first night, each launcher keeps all but the image, and
// the rehearsal says it: CloudFormation never moves a default, and its groups name the latest number; Terraform moves
// it only where it is told to, and its groups name $Latest.
func TestTemplatesOfOrdinaryTools(t *testing.T) {
	data := func(kind types.InstanceType, user string) types.RequestLaunchTemplateData {
		return types.RequestLaunchTemplateData{
			ImageId: aws.String(ec2.ImageX86), InstanceType: kind, UserData: aws.String(user),
		}
	}
	changed := []types.RequestLaunchTemplateData{data("m5.large", "c2Vjb25k"), data("m5.large", "dGhpcmQ=")}
	for name, c := range map[string]struct {
		versions []types.RequestLaunchTemplateData
		standard int
		group    string // the version that a group names; none without
		stays    bool
	}{
		"CloudFormation":                            {changed, 1, "3", true},
		"CloudFormation, on the first day":          {nil, 1, "1", false},
		"Terraform":                                 {changed, 1, "$Latest", true},
		"Terraform with update_default_version":     {changed, 3, "$Default", false},
		"Terraform, on the first day":               {nil, 1, "$Latest", false},
		"by hand, without a group, and one version": {nil, 1, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "private")
				fleet := n.versioned("fleet", rollTemplate{tags: map[string]string{tag.Source: "web"},
					first: data("t3.micro", "Zmlyc3Q="), versions: c.versions, standard: c.standard})
				if c.group != "" {
					n.group("members", fleet, c.group)
				}
				was := n.launching([]string{fleet}, nil)
				p := n.plans.Plans["nightly"]
				n.begin()
				time.Sleep(time.Until(due.Add(-time.Millisecond)))
				said := n.rehearse(rehearsal.Scheduled(p, due), p)
				r := n.finishAfter(due)[0]
				n.equals(said, r)
				rolled := n.rolled(r, web, "fleet")
				n.want("problem", rolled.Problem, "")
				n.want("stays", rolled.Stays, c.stays)
				n.want("told in "+rolled.Note, strings.Contains(rolled.Note, "its default version 1 differs in"), c.stays)
				made := n.results(r)[web].Image.ID
				n.want("latest", n.imageIn(fleet, "$Latest"), made)
				n.want("default is moved", n.imageIn(fleet, "$Default") == made, !c.stays)
				n.sameButImage("the roll", map[string]bool{fleet: false}, was, n.launching([]string{fleet}, nil))
			})
		})
	}
}
