package night_test

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
)

// Troubles with launch templates and aliases: the source is imaged all the same.
func rolling() []trouble {
	notRolled := func(parts ...string) comes {
		return comes{ending: job.Imaged, says: append(parts, "PARTIAL", "Not rolled", "web"), back: ordinary, also: imaged}
	}
	refusal := func(action, failed string) trouble {
		c := trouble{what: action + " is refused for good", want: notRolled(failed)}
		c.story = func(n *night, _, template string) {
			n.EC2.Inject(ec2.Fault{Action: action, Resource: template, Code: denied, Status: 403})
		}
		c.want.also = func(n *night, r sfn.Execution, web string) {
			n.wasImaged(r, web)
			unrolled(n, r, web)
		}
		return c
	}
	return []trouble{
		refusal("CreateLaunchTemplateVersion", "making a version with ami-"),
		refusal("ModifyLaunchTemplate", "making version 2 the default"),
		{
			what: "the launch template is deleted before it is rolled",
			story: func(n *night, web, template string) {
				n.at("roll", web, func(work) { n.deleteTemplate(template) })
			},
			want: comes{ending: job.Imaged, back: ordinary, also: imaged},
		},
		{
			what: "the launch template is deleted in the middle of its roll",
			story: func(n *night, _, template string) {
				n.EC2.Inject(ec2.Fault{Action: "ModifyLaunchTemplate", Resource: template,
					Code: "InvalidLaunchTemplateId.NotFound", Message: "The specified launch template, with template ID " + template +
						", does not exist."})
			},
			want: notRolled("InvalidLaunchTemplateId.NotFound"),
		},
		{
			what: "the alias in Parameter Store cannot be written",
			story: func(n *night, _, _ string) {
				// Somebody has made a list of it: Parameter Store does not change a parameter's type.
				must(n.ssm.PutParameter(n.ctx, &ssm.PutParameterInput{
					Name: aws.String("/goldsmith/images/web"), Value: aws.String("a,b"), Type: ssmtypes.ParameterTypeStringList,
				}))(n.t)
			},
			want: notRolled("/goldsmith/images/web"),
		},
	}
}

func (n *night) deleteTemplate(template string) {
	_, err := n.cloud.DeleteLaunchTemplate(n.ctx, &sdk.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String(template)})
	n.ok(err)
}
