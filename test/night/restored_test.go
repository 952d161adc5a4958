package night_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"goldsmith/infra/workflow"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// The runbook's way back from point-in-time recovery, with runs between the moment that is restored and the loss. What
// the restored table does not know is neither counted nor touched, and once it is adopted nights are as before.
func TestTheTableIsRestored(t *testing.T) {
	t.Parallel()
	keepTwo := func(p *plan.Plan) { p.Keep = plan.Keep{Last: 2, Minimum: 2, Grace: plan.Duration(time.Hour)} }
	play(t, stack.Options{Plans: nightly(keepTwo), Table: true, History: true}, func(n *night) {
		web := n.launch("web", "")
		n.template("web", "web", "t3.micro", "ami-0abcdef1234567890")
		n.nights(0)
		n.nights(1)
		time.Sleep(3 * time.Hour)
		moment, known := time.Now(), n.kept(web)
		n.nights(2)
		n.nights(3)
		unknown := n.kept(web) // Those of the first two nights went by the rules.
		n.want("images", []int{len(known), len(unknown)}, []int{2, 2})

		n.restoreTable(moment)
		n.nights(4)
		n.want("what the table does not know", n.states(unknown), "available available")
		for r, err := range n.Ledger.Retirements(n.ctx, "nightly") {
			n.ok(err)
			n.want("counted "+r.Subject, r.Subject == unknown[0] || r.Subject == unknown[1], false)
		}
		answer := must(n.Invoke(n.ctx, "goldsmith-recover", must(event.Adopt{All: true, By: "ada"}.MarshalJSON())(n.t)))(n.t)
		var adopted struct {
			Adopted struct{ Images []struct{ ID, Why string } }
		}
		n.ok(json.Unmarshal(answer, &adopted))
		n.want("adopted", fmt.Sprint(adopted.Adopted.Images), fmt.Sprintf("[{%s } {%s }]", min(unknown[0], unknown[1]),
			max(unknown[0], unknown[1])))
		n.nights(5)
		n.nights(6)
		n.want("after two nights more", n.states(unknown), "gone gone")
		n.want("images that stay", len(n.kept(web)), 2)
		n.excused.dead = true // Without the table a sweep can do nothing.
		_, image := n.standard("web")
		n.want("the template launches the newest", image, n.kept(web)[1])
	})
}

// states are how images are, in a line.
func (n *night) states(ids []string) string {
	n.t.Helper()
	var all []string
	for _, id := range ids {
		all = append(all, n.is(id))
	}
	return strings.Join(all, " ")
}

// restoreTable does what the runbook says, one step after the other.
func (n *night) restoreTable(to time.Time) {
	n.t.Helper()
	tables := dynamodb.NewFromConfig(n.AWS())
	table, restored := aws.String(workflow.Name), aws.String(workflow.Name+"-restored")
	must(tables.RestoreTableToPointInTime(n.ctx, &dynamodb.RestoreTableToPointInTimeInput{
		SourceTableName: table, TargetTableName: restored, RestoreDateTime: aws.Time(to),
	}))(n.t)
	time.Sleep(time.Hour)
	backup := must(tables.CreateBackup(n.ctx, &dynamodb.CreateBackupInput{
		TableName: restored, BackupName: aws.String("before"),
	}))(n.t)
	time.Sleep(time.Minute)
	must(tables.UpdateTable(n.ctx, &dynamodb.UpdateTableInput{
		TableName: table, DeletionProtectionEnabled: aws.Bool(false),
	}))(n.t)
	must(tables.DeleteTable(n.ctx, &dynamodb.DeleteTableInput{TableName: table}))(n.t)
	time.Sleep(time.Minute)
	must(tables.RestoreTableFromBackup(n.ctx, &dynamodb.RestoreTableFromBackupInput{
		TargetTableName: table, BackupArn: backup.BackupDetails.BackupArn,
	}))(n.t)
	time.Sleep(time.Hour)
	must(tables.UpdateTimeToLive(n.ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: table, TimeToLiveSpecification: &types.TimeToLiveSpecification{
			Enabled: aws.Bool(true), AttributeName: aws.String(ledger.TTLAttribute),
		},
	}))(n.t)
	must(tables.UpdateContinuousBackups(n.ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: aws.Bool(true),
		},
	}))(n.t)
	must(tables.UpdateTable(n.ctx, &dynamodb.UpdateTableInput{
		TableName: table, DeletionProtectionEnabled: aws.Bool(true),
	}))(n.t)
}

// The runbook names the calls that TestTheTableIsRestored makes, in their order.
func TestTheRunbookRestoresTheTable(t *testing.T) {
	text := string(must(os.ReadFile("../../docs/operations.md"))(t))
	_, steps, _ := strings.Cut(text, "**From point-in-time recovery**")
	for _, command := range []string{
		"restore-table-to-point-in-time", "create-backup", "deletion protection off TABLE and delete it",
		"restore-table-from-backup", "update-time-to-live", "AttributeName=" + ledger.TTLAttribute,
		"update-continuous-backups", "update-table --table-name TABLE --deletion-protection-enabled", "goldsmith adopt --all",
	} {
		_, rest, found := strings.Cut(steps, command)
		if !found {
			t.Fatalf("the runbook does not say %q after the steps before it", command)
		}
		steps = rest
	}
}
