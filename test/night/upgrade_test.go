package night_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// later are the fields that records did not have in their first version, or do not always have, whatever they are of;
// laterOfJobs are those of jobs. An upgrade in the middle of a run meets records and jobs without them.
var (
	later = []string{
		"schema", "keep", "asked", "volume", "taken", "missed", "anew", "adopted", "copies", "going", "region", "failed",
		"sharing", "leftOut", "server", // registrations
		"stopTried", "forced", "refused", "refusedLast", "refusedBy", "takenBack", // claims
		"instanceType", "zone", "host", "standby", // claims and jobs
		"seen", "due", "by", "startedAt", // slots
		"made", "through", "parameter", "left", "was", // targets
		"later", "again", // requests
		"sent", "timezone", // runs
	}
	laterOfJobs = []string{"lineage", "zone", "host", "kept", "notes", "instanceType", "most", "quotas", "asked", "held",
		"since", "hangs", "registering", "standby", "outOfService", "server"}
)

// upgrades are the steps in whose course the table is found as another version left it.
var upgrades = []string{"claim", "watch:stopped", "image", "watch:snapshotted", "start", "watch:available", "roll",
	"release", "retire", "notify"}

// An upgrade in the middle of a run, from an older version or back from a newer one: the table holds what that has
// written, and the run goes on with a job that it began. The instance is back, its image is there, and nothing is made
// twice or removed.
func TestAnUpgradeInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, step := range upgrades {
		for name, edit := range map[string]func(document){"an older version": older, "a newer version": newerFields} {
			t.Run(name+" at "+step, func(t *testing.T) {
				var began began
				options := stack.Options{Table: true, History: true}
				if name == "an older version" {
					options.Wrap = began.wrap
				}
				play(t, options, func(n *night) { n.upgraded(step, edit) })
			})
		}
	}
}

// upgraded plays a night in whose course every record of the table is changed, and the night after.
func (n *night) upgraded(step string, edit func(document)) {
	n.t.Helper()
	web := n.launch("web", "")
	n.template("fleet", "web", "t3.micro", "ami-0abcdef1234567890")
	n.begin()
	rewritten := false
	source := map[bool]string{true: "", false: web}[step == "retire" || step == "notify"]
	n.at(step, source, func(work) { rewritten = true; n.rewrite(edit) })
	n.run()
	n.want("the table was rewritten", rewritten, true)
	newer := n.newerRegistrations()
	n.want("web", n.EC2.State(web), ec2.Running)
	made := n.imagesOf(web)
	n.want("images", len(made), 1)
	time.Sleep(4 * sweep)
	n.want("claims", n.claimed(), 0)
	n.want("its image", n.is(aws.ToString(made[0].ImageId)), "available")
	time.Sleep(24 * time.Hour)
	runs := n.finish()
	n.want("web in the next run", n.results(runs[0])[web].Ending, job.Imaged)
	n.want("images after the next run", len(n.imagesOf(web)), 2)
	n.want("what a newer version registered", n.newerRegistrations(), newer)
}

// newerRegistrations are the images and tests that a newer version has registered: it is left as it is.
func (n *night) newerRegistrations() (names []string) {
	n.t.Helper()
	for r, err := range n.Ledger.Registrations(n.ctx, "") {
		if n.ok(err); !r.Known() {
			names = append(names, r.AMIName+r.Revision)
		}
	}
	return names
}

// document is a record or a job as JSON.
type document = map[string]any

// older takes away what a first version did not write.
func older(d document) { without(d, later) }

func without(d document, fields []string) {
	for _, field := range fields {
		delete(d, field)
	}
}

// newerFields adds what a newer version may have written: a field, and a schema of its own.
func newerFields(d document) {
	d["addedLater"] = document{"a": 1}
	if _, registered := d["schema"]; registered {
		d["schema"] = ledger.RegisterSchema + 1
	}
}

// rewrite changes every record of the table.
func (n *night) rewrite(edit func(document)) {
	n.t.Helper()
	table := dynamodb.NewFromConfig(n.AWS())
	all := must(table.Scan(n.ctx, &dynamodb.ScanInput{
		TableName: aws.String(workflow.Name), ConsistentRead: aws.Bool(true),
	}))(n.t)
	for _, item := range all.Items {
		text, ok := item["doc"].(*types.AttributeValueMemberS)
		if !ok {
			continue
		}
		var d document
		if json.Unmarshal([]byte(text.Value), &d) != nil {
			continue
		}
		edit(d)
		item["doc"] = &types.AttributeValueMemberS{Value: string(must(json.Marshal(d))(n.t))}
		must(table.PutItem(n.ctx, &dynamodb.PutItemInput{TableName: aws.String(workflow.Name), Item: item}))(n.t)
	}
}

// claimed is how many claims there are.
func (n *night) claimed() (count int) {
	n.t.Helper()
	for _, err := range n.Ledger.Claims(n.ctx) {
		n.ok(err)
		count++
	}
	return count
}

// began is a trigger of the first version: the jobs of what it begins have none of the later fields.
type began struct{ inner asl.Invoker }

func (b *began) wrap(inner asl.Invoker) asl.Invoker {
	b.inner = inner
	return b
}

// Invoke hands claim, the first step of a source, the job as the first version began it.
func (b *began) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	var d document
	if strings.Contains(function, "claim") && json.Unmarshal(payload, &d) == nil {
		for _, part := range []any{d, d["source"], d["run"]} {
			if inner, ok := part.(document); ok {
				without(inner, laterOfJobs)
			}
		}
		if text, err := json.Marshal(d); err == nil {
			payload = text
		}
	}
	return b.inner.Invoke(ctx, function, payload)
}
