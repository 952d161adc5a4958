package dynamodb_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// Developer guide, "Point-in-time recovery" and "Using deletion protection"; API reference, RestoreTableToPointInTime:
// what a restored table lacks.
func TestATableIsRestored(t *testing.T) {
	play(t, func(c scene) {
		c.put(at("a", attributes{"n": n("1")}))
		time.Sleep(time.Hour)
		then := time.Now()
		time.Sleep(time.Minute)
		c.put(at("a", attributes{"n": n("2")}))
		_, err := c.DeleteItem(c.Context(), &sdk.DeleteItemInput{TableName: name, Key: at("b", nil)})
		c.want("", err)
		restore := func(target string, at time.Time) error {
			_, err := c.RestoreTableToPointInTime(c.Context(), &sdk.RestoreTableToPointInTimeInput{
				SourceTableName: name, TargetTableName: &target, RestoreDateTime: &at,
			})
			return err
		}
		c.want("InvalidRestoreTimeException", restore("restored", then))
		time.Sleep(time.Hour)
		c.want("InvalidRestoreTimeException", restore("restored", then.Add(-3*time.Hour)))
		c.want("TableAlreadyExistsException", restore(*name, then))
		c.want("", restore("restored", then))
		restored := aws.String("restored")
		_, err = c.GetItem(c.Context(), &sdk.GetItemInput{TableName: restored, Key: at("a", nil)})
		c.want("ResourceNotFoundException", err)
		time.Sleep(time.Hour)
		if was, is := c.get(restored), c.get(name); was != "n=1 pk=p sk=a" || is != "n=2 pk=p sk=a" {
			c.Errorf("restored %q, now %q", was, is)
		}
		c.lacks(restored)
	})
}

// lacks wants a table without time to live, point-in-time recovery and deletion protection.
func (c scene) lacks(table *string) {
	c.Helper()
	d, err := c.DescribeTable(c.Context(), &sdk.DescribeTableInput{TableName: table})
	c.want("", err)
	ttl, err := c.DescribeTimeToLive(c.Context(), &sdk.DescribeTimeToLiveInput{TableName: table})
	c.want("", err)
	recovery, err := c.DescribeContinuousBackups(c.Context(), &sdk.DescribeContinuousBackupsInput{TableName: table})
	c.want("", err)
	if aws.ToBool(d.Table.DeletionProtectionEnabled) || ttl.TimeToLiveDescription.TimeToLiveStatus != "DISABLED" ||
		recovery.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != "DISABLED" {
		c.Errorf("%+v\n%+v\n%+v", d.Table, ttl.TimeToLiveDescription, recovery.ContinuousBackupsDescription)
	}
}

func TestADeletedTableHasABackup(t *testing.T) {
	play(t, func(c scene) {
		c.put(at("a", attributes{"n": n("1")}))
		remove := func() error {
			_, err := c.DeleteTable(c.Context(), &sdk.DeleteTableInput{TableName: name})
			return err
		}
		c.want("ValidationException", remove())
		_, err := c.UpdateTable(c.Context(), &sdk.UpdateTableInput{
			TableName: name, DeletionProtectionEnabled: aws.Bool(false),
		})
		c.want("", err)
		c.want("", remove())
		c.want("ResourceInUseException", remove())
		time.Sleep(time.Minute)
		c.want("ResourceNotFoundException", remove())
		out, err := c.ListBackups(c.Context(), &sdk.ListBackupsInput{BackupType: types.BackupTypeFilterSystem})
		c.want("", err)
		if len(out.BackupSummaries) != 1 {
			c.Fatalf("%+v", out.BackupSummaries)
		}
		_, err = c.RestoreTableFromBackup(c.Context(), &sdk.RestoreTableFromBackupInput{
			BackupArn: out.BackupSummaries[0].BackupArn, TargetTableName: name,
		})
		c.want("", err)
		time.Sleep(time.Hour)
		if diff := cmp.Diff("n=1 pk=p sk=a", c.get(name)); diff != "" {
			c.Error(diff)
		}
		c.lacks(name)
		time.Sleep(36 * 24 * time.Hour)
		out, err = c.ListBackups(c.Context(), &sdk.ListBackupsInput{BackupType: types.BackupTypeFilterAll})
		c.want("", err)
		if len(out.BackupSummaries) != 0 {
			c.Errorf("the system's backup is kept: %+v", out.BackupSummaries)
		}
	})
}
