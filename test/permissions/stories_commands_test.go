package permissions

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// managed starts an instance whose agent Systems Manager reaches.
func (n *night) managed(tags map[string]string) string {
	n.t.Helper()
	n.EC2.AddInstanceProfile("managed")
	return n.launch(ec2.ImageX86, "", tags, func(in *sdk.RunInstancesInput) {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("managed")}
	})
}

// asked puts the request tag on an instance of no plan, at the time of plan commanded.
func (n *night) asked(id string) {
	n.t.Helper()
	time.Sleep(time.Until(due.Add(2 * time.Hour)))
	n.tag(id, map[string]string{tag.Request: "commanded"})
}

// commands are those that were begun on an instance, in their order.
func (n *night) commands(id string) string {
	var all []string
	for _, i := range n.Parameters.Invocations() {
		if i.Instance == id && !i.Begun.IsZero() {
			all = append(all, i.Command)
		}
	}
	return strings.Join(all, " ")
}

// commanded is a night with images around which commands are run, one enrolled and one asked for. Neither image can be
// made, so that the end of the job runs what is due; a second run has its images.
func commanded(n *night) {
	web, lab := n.managed(enrolled("web", "commanded")), n.managed(map[string]string{"Name": "lab"})
	n.EC2.Inject(ec2.Fault{Action: "CreateImage", Code: "InternalError", Status: 500, Until: due.Add(3 * time.Hour)})
	n.asked(lab)
	n.run(due.Add(3 * time.Hour))
	for _, id := range []string{web, lab} {
		n.want("commands on "+id, n.commands(id), "freeze thaw")
	}
	n.tag(lab, map[string]string{tag.Request: "commanded"})
	n.run(time.Now())
	n.want("ending", n.result(lab).Ending, job.Imaged)
}

// commandedAborted is one whose runs end between the commands: recover runs what is due.
func commandedAborted(n *night) {
	web, lab := n.managed(enrolled("web", "commanded")), n.managed(map[string]string{"Name": "lab"})
	n.before("image", func(string) { n.ok(n.States.Stop(n.runOf("commanded"), "", "")) })
	n.run(due.Add(2 * time.Hour))
	time.Sleep(20 * time.Minute)
	n.before("image", func(string) { n.ok(n.States.Stop(n.runOf("request"), "", "")) })
	n.tag(lab, map[string]string{tag.Request: "commanded"})
	n.run(time.Now())
	time.Sleep(20 * time.Minute)
	for _, id := range []string{web, lab} {
		n.want("commands on "+id, n.commands(id), "freeze thaw")
	}
}

// frozen is one with an image while all stands still.
func frozen(n *night) {
	db := n.managed(enrolled("db", "frozen"))
	n.run(due.Add(2*time.Hour + 10*time.Minute))
	n.want("ending", n.result(db).Ending, job.Imaged)
	n.want("frozen", len(n.Parameters.Frozen()), 1)
}

// commandedUnasked is one in which an agent does not come back before the request is answered.
func commandedUnasked(n *night) {
	lab := n.managed(map[string]string{"Name": "lab"})
	n.before("image", func(string) { n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId"}) })
	time.Sleep(5 * time.Minute)
	n.tag(lab, map[string]string{tag.Request: "stopped"})
	n.run(time.Now())
	n.want("request", n.EC2.Tags(lab)[tag.Request], "")
	n.Forget("SendCommand")
	time.Sleep(20 * time.Minute)
	n.want("commands", n.commands(lab), "freeze thaw")
}
