package night_test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

const denied = "UnauthorizedOperation"

// ordinary is longer than any stop, snapshot and start of a calm night.
const ordinary = 5 * time.Minute

// injects is a story in which one fault strikes the calls that name web.
func injects(f ec2.Fault) func(n *night, web, template string) {
	return func(n *night, web, _ string) {
		f.Resource = web
		n.EC2.Inject(f)
	}
}

func force(after time.Duration) func(*plan.Plan) {
	return func(p *plan.Plan) { p.Force = plan.Duration(after) }
}

// Troubles with stopping.
func stopping() []trouble {
	return []trouble{
		{
			what:  "StopInstances is refused for good",
			story: injects(ec2.Fault{Action: "StopInstances", Code: denied, Status: 403}),
			want:  comes{ending: job.Broken, problem: denied},
		},
		{
			what:  "the tag that says who stopped it is refused for good",
			story: injects(ec2.Fault{Action: "CreateTags", Code: denied, Status: 403}),
			want:  comes{ending: job.Skipped, says: []string{"goldsmith:stopped cannot be put on"}},
		},
		{
			what: "stop protection is switched on just before the stop",
			story: func(n *night, web, _ string) {
				n.at("stop", web, func(work) { n.protect(web) })
			},
			want: comes{
				ending: job.Broken, problem: "OperationNotPermitted", says: []string{"Switch stop protection off"},
				also: func(n *night, _ sfn.Execution, web string) {
					n.want("starts", len(n.callsOf("StartInstances", web)), 0)
				},
			},
		},
		{
			what: "stop protection is switched on just after the stop",
			story: func(n *night, web, _ string) {
				n.after("stop", web, func(work) { n.protect(web) })
			},
			want: comes{ending: job.Imaged, back: ordinary, also: imaged},
		},
		{
			what:  "the instance hangs in stopping; a person forces it hours later",
			story: injects(ec2.Fault{Action: "StopInstances", Stuck: true}),
			want: comes{
				ending: job.LeftStopped, problem: "is still stopping", says: []string{"Left stopped"}, state: ec2.Stopping,
				back: 3*time.Hour + 3*sweep,
				also: func(n *night, _ sfn.Execution, web string) { n.forceByHand(web) },
			},
		},
		{
			what: "the same, and the plan says `force: 15m`", plan: force(15 * time.Minute),
			story: injects(ec2.Fault{Action: "StopInstances", Stuck: true}),
			want: comes{
				ending: job.Imaged, says: []string{"told to stop by force after 15m: file systems may need a check",
					string(job.ForcedStop)}, back: 20 * time.Minute,
				also: func(n *night, r sfn.Execution, web string) {
					imaged(n, r, web)
					n.want("stops", len(n.stopsOf(web)), 2)
					n.want("rolled", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), n.results(r)[web].Image.ID)
				},
			},
		},
		{
			what: "the same, and the plan is strict, too: no image is made",
			plan: func(p *plan.Plan) { p.Force, p.Strict = plan.Duration(15*time.Minute), true },
			story: func(n *night, web, _ string) {
				n.quiet()
				n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Stuck: true})
			},
			want: comes{
				ending: job.Broken, problem: "was stopped by force; plan nightly is strict",
				says: []string{"Check its file systems"}, back: 20 * time.Minute,
				also: func(n *night, _ sfn.Execution, web string) { n.want("images", len(n.imagesOf(web)), 0) },
			},
		},
		{
			what: "not even force stops it; a person comes hours later", plan: force(15 * time.Minute),
			story: injects(ec2.Fault{Action: "StopInstances", Wedged: true, Until: due.Add(time.Hour)}),
			want: comes{
				ending: job.LeftStopped, problem: "is still stopping", says: []string{"Left stopped", string(job.ForcedStop)},
				state: ec2.Stopping, back: 3*time.Hour + 3*sweep,
				also: func(n *night, _ sfn.Execution, web string) {
					n.want("stops", len(n.stopsOf(web)), 2)
					n.forceByHand(web)
				},
			},
		},
		{
			what: "a stop that is only slow is never forced", plan: force(15 * time.Minute),
			story: injects(ec2.Fault{Action: "StopInstances", Delay: 12 * time.Minute}),
			want: comes{ending: job.Imaged, back: 17 * time.Minute, also: func(n *night, r sfn.Execution, web string) {
				imaged(n, r, web)
				n.want("stops", len(n.stopsOf(web)), 1)
			}},
		},
	}
}

// quiet lets no other source have a warning, for a plan that is strict.
func (n *night) quiet() {
	n.t.Helper()
	for _, s := range n.fleet {
		n.ok(n.EC2.SetElasticIP(s.id, "203.0.113."+s.id[len(s.id)-1:]))
	}
}

func imaged(n *night, r sfn.Execution, web string) {
	n.t.Helper()
	n.wasImaged(r, web)
}

func (n *night) protect(web string) {
	_, err := n.cloud.ModifyInstanceAttribute(n.ctx, &sdk.ModifyInstanceAttributeInput{
		InstanceId: aws.String(web), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
	})
	n.ok(err)
}

func (n *night) forceByHand(web string) {
	n.t.Helper()
	must(n.cloud.StopInstances(n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{web}, Force: aws.Bool(true)}))(n.t)
}
