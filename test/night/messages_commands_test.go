package night_test

import (
	"strings"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/ssm"
	"goldsmith/shared/plan"
)

// commandSituations are those in which commands around images fail, or cannot be run.
func commandSituations() []*situation {
	fails := func(command, printed string) func(n *night) {
		return func(n *night) {
			n.Parameters.OnCommand(func(_, ran string) ssm.Ran {
				if ran == command {
					return ssm.Ran{Status: "Failed", Code: 1, Output: printed}
				}
				return ssm.Ran{}
			})
			n.managed("db", "private")
		}
	}
	run := func(prepare func(n *night)) func(n *night) {
		return func(n *night) { prepare(n); n.run() }
	}
	return []*situation{
		{what: "the command before fails, and the source is left alone", options: commanded(),
			story: run(fails("freeze", "ERROR 1205: Lock wait timeout exceeded\n"))},
		{what: "Systems Manager does not reach the agent, and it is imaged all the same",
			options: commanded(failing(plan.HookIgnore)),
			story:   run(func(n *night) { n.launch("db", "private") })},
		{what: "the command after fails", options: commanded(),
			story: run(fails("thaw", "Job for mysqld.service failed.\n"))},
		{what: "the agent does not come back with its instance for an hour", options: commanded(), story: func(n *night) {
			db := n.managed("db", "private")
			n.after("image", db, func(work) { n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId"}) })
			n.run()
			time.Sleep(time.Hour)
			n.Forget("SendCommand")
		}},
		{what: "the limit of a freeze passes before every snapshot is seen", options: frozen(), story: run(func(n *night) {
			n.managed("db", "private")
			n.at("image", "", func(work) {
				n.Inject(inject.Fault{Action: "DescribeSnapshots", Code: "RequestLimitExceeded",
					Until: time.Now().Add(90 * time.Second)})
			})
		})},
		{what: "what is to be frozen runs Windows", options: frozen(), story: run(func(n *night) {
			n.managed("db", "private image="+ec2.ImageWindows)
		})},
		{what: "there is nothing to freeze", options: frozen(), story: run(func(n *night) {
			n.Parameters.OnCommand(func(_, command string) ssm.Ran {
				if strings.Contains(command, "export do=thaw") {
					return ssm.Ran{Status: "Success"}
				}
				return ssm.Ran{Status: "Failed", Code: 1, Output: "there is nothing to freeze: no mount of ext4 or xfs beside " +
					"those that the system itself needs\n"}
			})
			n.managed("db", "private")
		})},
		{what: "a frozen source is let go on by other hands", options: frozen(), story: run(func(n *night) {
			n.at("image", n.managed("db", "private"), func(w work) { n.Parameters.LetGo(w.Source.ID) })
		})},
		{what: "Systems Manager is lost for an hour while all stands still, and the run is aborted", options: frozen(),
			story: func(n *night) {
				n.at("image", n.managed("db", "private"), func(w work) {
					n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId"})
					n.ok(n.States.Stop(w.Execution, "", ""))
				})
				n.run()
				time.Sleep(time.Hour)
				n.Forget("SendCommand")
			}},
		{what: "the work on a source is aborted between the commands, and the command after fails", options: commanded(uncut),
			story: func(n *night) {
				fails("thaw", "Job for mysqld.service failed.\n")(n)
				n.after("image", "", func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
				n.run()
				time.Sleep(3 * sweep)
			}},
	}
}
