package permissions

import (
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// aborted ends a run while its instance is down: recover brings it back and tells people, in one message
// when it hears of the end so late that the instance is back.
func aborted(n *night, messages int) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	n.before("image", func(string) { n.ok(n.States.Stop(n.onlyRun(), "", "")) })
	n.run(due)
	time.Sleep(20 * time.Minute)
	n.want("state", n.EC2.State(web), ec2.Running)
	n.want("messages", len(n.Slack.Messages()), messages)
}

// manyAborted: a run of more sources than are asked about one by one ends before their images are made.
func manyAborted(n *night) {
	var ids []string
	for range 25 {
		ids = append(ids, n.launch(ec2.ImageX86, "", enrolled("web", "grouped")))
	}
	down := 0
	n.before("image", func(string) {
		for _, id := range ids {
			if n.EC2.State(id) != ec2.Running {
				down++
			}
		}
		n.ok(n.States.Stop(n.runOf("grouped"), "", ""))
	})
	n.run(due.Add(5 * time.Hour))
	time.Sleep(20 * time.Minute)
	n.want("down together", down, len(ids))
	for _, id := range ids {
		n.want("state", n.EC2.State(id), ec2.Running)
	}
}

// startedBySweep: function start is denied to start what the sweep may, and may again by the next request.
func startedBySweep(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
	n.before("image", func(string) {
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Nth: []int{1, 2}, Code: "UnauthorizedOperation",
			Status: 403})
	})
	n.run(due)
	time.Sleep(20 * time.Minute)
	n.want("state", n.EC2.State(web), ec2.Running)
	n.tag(lab, map[string]string{tag.Request: "asked"})
	n.run(time.Now())
	n.want("ending", n.result(lab).Ending, job.Imaged)
}
