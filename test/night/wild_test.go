package night_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/stack"
)

var wildNights = flag.Int("wild", 12, "how many wild nights are played, a seed each")

// Nights in which everything goes wrong that may: only the invariants hold. A
// seed repeats what goes wrong, though not the SDK's pauses before it tries again.
func TestWildNights(t *testing.T) {
	for seed := range uint64(*wildNights) { //nolint:gosec // a count
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) { wild(t, seed+1) })
	}
}

func wild(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	play(t, stack.Options{
		Seed: seed,
		Events: map[string]eventbridge.Faults{"": {Loss: 0.2, Double: 0.2, Reorder: 0.5},
			eventbridge.SchedulerSource: {Double: 0.5}, "aws.states": {}},
		EC2: ec2.Options{Lag: time.Duration(random.IntN(8)) * time.Second},
	}, func(n *night) {
		n.excused.dead = true
		for i := range 8 {
			n.launch(fmt.Sprintf("web-%d", i), []string{"", "gp3 st1", "stopped", "m5.large spot"}[i%4])
		}
		n.template("web", "web-0", "t3.micro", ec2.ImageX86)
		time.Sleep(time.Minute)
		n.begin()
		ids := n.ids("web-0", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7")
		until := due.Add(time.Duration(random.IntN(60)) * time.Minute)
		for _, action := range []string{"StopInstances", "CreateImage", "StartInstances", "DescribeInstances",
			"DescribeSnapshots", "CreateTags"} {
			n.EC2.Inject(ec2.Fault{Action: action, Chance: 0.1, Drop: true, Until: until})
			n.EC2.Inject(ec2.Fault{Action: action, Chance: 0.2, Code: "RequestLimitExceeded", Until: until})
			n.EC2.Inject(ec2.Fault{Action: action, Chance: 0.05, Code: "InternalError", After: true, Until: until})
		}
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: ids[random.IntN(8)], Code: "InsufficientInstanceCapacity",
			Until: until})
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: ids[random.IntN(8)], ImageState: "failed"})
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: ids[random.IntN(8)], Delay: 20 * time.Minute})
		if random.IntN(2) == 0 {
			n.at(moments[random.IntN(len(moments))], ids[random.IntN(8)], func(w work) {
				arn := w.Execution
				if random.IntN(2) == 0 {
					arn = n.runs()[0].ARN
				}
				if err := n.States.Stop(arn, "", ""); err != nil {
					n.t.Error(err)
				}
			})
		}
		n.run()
		time.Sleep(time.Until(due.Add(90 * time.Minute))) // by then nothing goes wrong any more
	})
}
