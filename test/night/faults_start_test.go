package night_test

import (
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
)

// Troubles with bringing the instance back, and with EC2 as a whole.
func starting() []trouble {
	return []trouble{
		{
			what: "StartInstances is refused for good",
			story: func(n *night, web, _ string) {
				// Once it is stopped: a dry run before would keep it from being stopped.
				n.after("stop", web, func(work) {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: denied, Status: 403})
				})
			},
			want: comes{ending: job.LeftStopped, problem: denied,
				says: []string{"Left stopped", "aws ec2 start-instances --instance-ids i-"}, state: ec2.Stopped},
		},
		{
			what: "StartInstances is refused for an hour",
			story: func(n *night, web, _ string) {
				n.after("stop", web, func(work) {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: denied, Status: 403,
						Until: due.Add(time.Hour)})
				})
			},
			want: comes{
				ending: job.LeftStopped, problem: denied,
				says:  []string{"Left stopped", "aws ec2 start-instances --instance-ids i-"},
				state: ec2.Stopped, back: time.Hour + 2*sweep, also: brokenLater(time.Hour),
			},
		},
		{
			what:  "EC2 has no room for an hour (InsufficientInstanceCapacity)",
			story: injects(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity", Until: due.Add(time.Hour)}),
			want: comes{ending: job.Imaged, back: 70 * time.Minute, drawn: true,
				also: func(n *night, r sfn.Execution, web string) {
					n.wasImaged(r, web)
					n.want("down for the hour", n.results(r)[web].Times.Downtime() > 55*time.Minute, true)
				}},
		},
		{
			what: "the grant of the volume's KMS key is missing for half an hour: StartInstances succeeds, the instance " +
				"falls back to stopped",
			story: injects(ec2.Fault{
				Action: "StartInstances", StartReason: "Client.InternalError",
				Message: "Client.InternalError: Client error on launch", Until: due.Add(30 * time.Minute),
			}),
			want: comes{
				ending: job.LeftStopped, problem: "went back to stopped", says: []string{"Client error on launch"},
				state: ec2.Stopped, back: 30*time.Minute + 2*sweep,
			},
		},
		{
			what: "the account may make one call a second",
			story: func(n *night, _, _ string) {
				n.EC2.Inject(ec2.Fault{PerSecond: 1})
			},
			want: comes{ending: job.Imaged, back: 3 * ordinary, drawn: true, also: imaged},
		},
	}
}

// brokenLater: once it is started again, an hour after, its result says so.
func brokenLater(after time.Duration) func(n *night, r sfn.Execution, web string) {
	return func(n *night, r sfn.Execution, web string) {
		n.t.Helper()
		time.Sleep(time.Until(due.Add(after + 2*sweep)))
		n.want("state later", n.EC2.State(web), ec2.Running)
		n.want("ending later", n.results(r)[web].Ending, job.Broken)
	}
}
