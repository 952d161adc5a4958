package night_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// newer is a release whose errors have other names, and whose claim writes a field that its definition reads.
type newer struct{ inner asl.Invoker }

// renamed are the newer release's names of errors.
var renamed = strings.NewReplacer(`"Failed"`, `"GivenUp"`, `"NotYet"`, `"ComeAgain"`, `"Transient"`, `"Busy"`)

// newerDefinition is the definition of that release.
func newerDefinition() string {
	const choices = `"Is the image ready?": {
            "Type": "Choice",
            "Choices": [`
	text := renamed.Replace(workflow.Definition)
	return strings.Replace(text, choices, choices+`
              {"Variable": "$.lane", "StringEquals": "slow", "Next": "Wait for the image"},`, 1)
}

// Invoke calls the code of today as that release would have it.
func (n newer) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	answer, failed := n.inner.Invoke(ctx, function, payload)
	if failed != nil {
		return answer, &asl.Error{Name: strings.Trim(renamed.Replace(`"`+failed.Name+`"`), `"`), Cause: failed.Cause}
	}
	var document map[string]json.RawMessage
	if json.Unmarshal(answer, &document) == nil && document["source"] != nil {
		document["lane"] = json.RawMessage(`"fast"`)
		answer, _ = json.Marshal(document)
	}
	return answer, nil
}

// deployments are the steps in whose course another release is deployed.
var deployments = []string{"claim", "stop", "watch:stopped", "image", "watch:snapshotted", "start", "watch:running",
	"watch:available", "release"}

// A run that is on keeps the code, the names of errors and the fields that it began with, whatever is deployed
// meanwhile: a newer release, or the one before.
func TestADeploymentInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, step := range deployments {
		t.Run("a newer release at "+step, func(t *testing.T) {
			play(t, stack.Options{History: true}, func(n *night) {
				n.deployed(func(web string) {
					n.at(step, web, func(work) { n.deploy(newerDefinition(), true) })
				})
			})
		})
		t.Run("the one before at "+step, func(t *testing.T) {
			play(t, stack.Options{History: true}, func(n *night) {
				n.deploy(newerDefinition(), true)
				n.deployed(func(web string) {
					n.at(step, web, func(work) { n.deploy(workflow.Definition, false) })
				})
			})
		})
	}
}

func (n *night) deploy(definition string, isNewer bool) {
	n.t.Helper()
	err := n.Deploy(definition, func(asl.Invoker) asl.Invoker {
		if isNewer {
			return newer{n.hooks}
		}
		return n.hooks
	})
	if err != nil {
		n.t.Error(err)
	}
}

// deployed plays the night, in which one step also meets an error of each kind that its machine has to know.
func (n *night) deployed(during func(web string)) {
	web := n.launch("web", "")
	during(web)
	n.EC2.Inject(ec2.Fault{Action: "StopInstances", Code: "IncorrectInstanceState", Until: due.Add(30 * time.Second)})
	n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity",
		Until: due.Add(10 * time.Minute)})
	r := n.run()[0]
	n.want("the run", r.Status, asl.Succeeded)
	n.want("web", n.results(r)[web].Ending, job.Imaged)
	// The next run begins with what was deployed.
	time.Sleep(24 * time.Hour)
	runs := n.finish()
	n.want("runs", len(runs), 2)
	n.want("the next run", runs[0].Status, asl.Succeeded)
	n.want("web in the next run", n.results(runs[0])[web].Ending, job.Imaged)
}
