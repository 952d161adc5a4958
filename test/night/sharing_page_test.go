package night_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	kms "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// What docs/sharing.md has to paste for an account that launches is what EC2 and KMS take: a template whose versions
// launch one shared image after the other, and a grant of operations that there are.
func TestWhatAConsumerPastes(t *testing.T) {
	text := string(must(os.ReadFile("../../docs/sharing.md"))(t))
	pasted := regexp.MustCompile(`--launch-template-data '([^']*)'`).FindAllStringSubmatch(text, -1)
	if len(pasted) != 2 {
		t.Fatalf("the page has %d launch templates", len(pasted))
	}
	play(t, stack.Options{Plans: shares(plan.Share{Accounts: accounts(consumerA)})}, func(n *night) {
		web := n.launch("web", "gp3")
		n.run()
		image := n.imageOf(web)
		n.want("who launches it", n.launches(image, consumerA), accounts(consumerA))
		made := must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("web"), LaunchTemplateData: n.pasted(pasted[0][1], ec2.ImageX86),
		}))(t)
		id := made.LaunchTemplate.LaunchTemplateId
		next := must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: id, SourceVersion: aws.String("$Latest"), LaunchTemplateData: n.pasted(pasted[1][1], image),
		}))(t)
		n.makeDefault(aws.ToString(id), "2")
		_, launched := n.standard("web")
		n.want("launched", []any{launched, next.LaunchTemplateVersion.LaunchTemplateData.InstanceType},
			[]any{image, types.InstanceTypeT3Micro})
	})
	granted := regexp.MustCompile(`--grantee-principal (\S+) --operations ([A-Za-z ]+)`).FindAllStringSubmatch(text, -1)
	if len(granted) != 2 || granted[0][1] != scalingRole {
		t.Fatalf("the page has the grants %q", granted)
	}
	for _, grant := range granted {
		for operation := range strings.FieldsSeq(grant[2]) {
			if !slices.Contains(kms.GrantOperation("").Values(), kms.GrantOperation(operation)) {
				t.Errorf("KMS grants no %s", operation)
			}
		}
	}
}

// pasted is what a launch template has, with an image of this account.
func (n *night) pasted(data, image string) *types.RequestLaunchTemplateData {
	n.t.Helper()
	made := &types.RequestLaunchTemplateData{}
	strict := json.NewDecoder(strings.NewReader(data))
	strict.DisallowUnknownFields()
	n.ok(strict.Decode(made))
	made.ImageId = aws.String(image)
	return made
}
