package members

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	ebstypes "github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedules "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

type attributes = map[string]tabletypes.AttributeValue

func attribute(text string) tabletypes.AttributeValue {
	return &tabletypes.AttributeValueMemberS{Value: text}
}

func at(hash, sort string) attributes {
	return attributes{"pk": attribute(hash), "sk": attribute(sort)}
}

// A request may change what its pointers lead to, so each has names of its own.
func madeTable() *string  { return aws.String("made") }
func plainTable() *string { return aws.String("plain") }

// tables makes one as a deployment leaves it, with items, one as CreateTable leaves it, and a backup of each.
func (w *world) tables() {
	ctx := w.t.Context()
	w.suite.Tables.Deploy(*madeTable(), "pk", "sk", "expires")
	for _, key := range []attributes{at("p", "a"), at("p", "b"), at("q", "a")} {
		key["text"] = attribute("hello")
		must(w.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{TableName: madeTable(), Item: key}))(w)
	}
	w.suite.Tables.Deploy("twin", "pk", "sk", "expires")
	plain := workflowTable()
	plain.TableName = plainTable()
	must(w.dynamodb.CreateTable(ctx, plain))(w)
	time.Sleep(time.Hour)
	for _, name := range []*string{madeTable(), plainTable()} {
		made := must(w.dynamodb.CreateBackup(ctx, &dynamodb.CreateBackupInput{TableName: name, BackupName: name}))(w)
		w.ids["backup of "+*name] = aws.ToString(made.BackupDetails.BackupArn)
	}
}

func workflowTable() *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: aws.String("new"), BillingMode: tabletypes.BillingModePayPerRequest,
		AttributeDefinitions: []tabletypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []tabletypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
	}
}

// lookAtTables shows every table; nothing in a world without any of the scene's.
func (w *world) lookAtTables() (any, error) {
	if w.ids["backup of made"] == "" {
		return nil, nil //nolint:nilnil // there is nothing to see, and nothing wrong
	}
	ctx, all := w.t.Context(), []string{}
	for _, name := range []string{"made", "twin", "plain", "new", "newer", "sample"} {
		table := &name
		all = append(all,
			text(w.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: table})),
			text(w.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: table})),
			text(w.dynamodb.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: table})),
			text(w.dynamodb.Scan(ctx, &dynamodb.ScanInput{TableName: table})))
	}
	all = append(all, text(w.dynamodb.ListBackups(ctx, &dynamodb.ListBackupsInput{BackupType: "ALL"})))
	return all, nil
}

var tableBases = map[string]func(*world) any{
	"dynamodb.GetItem": func(*world) any { return &dynamodb.GetItemInput{TableName: madeTable(), Key: at("p", "a")} },
	"dynamodb.GetItem.ConsistentRead": func(w *world) any {
		w.write("fresh")
		return &dynamodb.GetItemInput{TableName: madeTable(), Key: at("p", "a")}
	},
	"dynamodb.Query": func(*world) any { return querying("pk = :p") },
	"dynamodb.Query.ConsistentRead": func(w *world) any {
		w.write("fresh")
		return querying("pk = :p")
	},
	"dynamodb.Scan": func(*world) any { return &dynamodb.ScanInput{TableName: madeTable()} },
	"dynamodb.Scan.ConsistentRead": func(w *world) any {
		w.write("fresh")
		return &dynamodb.ScanInput{TableName: madeTable()}
	},
	"dynamodb.PutItem": func(*world) any {
		return &dynamodb.PutItemInput{TableName: madeTable(), Item: at("p", "a")}
	},
	"dynamodb.PutItem.ReturnValuesOnConditionCheckFailure": func(*world) any {
		return &dynamodb.PutItemInput{
			TableName: madeTable(), Item: at("p", "a"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}
	},
	"dynamodb.UpdateItem": func(*world) any {
		return &dynamodb.UpdateItemInput{
			TableName: madeTable(), Key: at("p", "a"), UpdateExpression: aws.String("REMOVE hello"),
		}
	},
	"dynamodb.UpdateItem.ReturnValuesOnConditionCheckFailure": func(*world) any {
		return &dynamodb.UpdateItemInput{
			TableName: madeTable(), Key: at("p", "a"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}
	},
	"dynamodb.DeleteItem": func(*world) any {
		return &dynamodb.DeleteItemInput{TableName: madeTable(), Key: at("p", "a")}
	},
	"dynamodb.DeleteItem.ReturnValuesOnConditionCheckFailure": func(*world) any {
		return &dynamodb.DeleteItemInput{
			TableName: madeTable(), Key: at("p", "a"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}
	},
	"dynamodb.CreateTable":   func(*world) any { return workflowTable() },
	"dynamodb.DescribeTable": func(*world) any { return &dynamodb.DescribeTableInput{TableName: madeTable()} },
	"dynamodb.UpdateTable": func(*world) any {
		return &dynamodb.UpdateTableInput{TableName: madeTable(), DeletionProtectionEnabled: aws.Bool(false)}
	},
	"dynamodb.DeleteTable": func(*world) any { return &dynamodb.DeleteTableInput{TableName: plainTable()} },
	"dynamodb.UpdateTimeToLive": func(*world) any {
		return &dynamodb.UpdateTimeToLiveInput{TableName: plainTable(),
			TimeToLiveSpecification: &tabletypes.TimeToLiveSpecification{
				AttributeName: aws.String("expires"), Enabled: aws.Bool(true),
			}}
	},
	"dynamodb.UpdateTimeToLive.TimeToLiveSpecification.Enabled": func(*world) any {
		return &dynamodb.UpdateTimeToLiveInput{TableName: madeTable(),
			TimeToLiveSpecification: &tabletypes.TimeToLiveSpecification{AttributeName: aws.String("expires")}}
	},
	"dynamodb.DescribeTimeToLive": func(*world) any {
		return &dynamodb.DescribeTimeToLiveInput{TableName: madeTable()}
	},
	"dynamodb.UpdateContinuousBackups": func(*world) any {
		return &dynamodb.UpdateContinuousBackupsInput{TableName: plainTable(),
			PointInTimeRecoverySpecification: &tabletypes.PointInTimeRecoverySpecification{
				PointInTimeRecoveryEnabled: aws.Bool(true),
			}}
	},
	"dynamodb.DescribeContinuousBackups": func(*world) any {
		return &dynamodb.DescribeContinuousBackupsInput{TableName: madeTable()}
	},
	"dynamodb.CreateBackup": func(*world) any {
		return &dynamodb.CreateBackupInput{TableName: madeTable(), BackupName: aws.String("new")}
	},
	"dynamodb.DescribeBackup": func(w *world) any {
		return &dynamodb.DescribeBackupInput{BackupArn: w.id("backup of made")}
	},
	"dynamodb.DeleteBackup": func(w *world) any {
		return &dynamodb.DeleteBackupInput{BackupArn: w.id("backup of made")}
	},
	"dynamodb.RestoreTableFromBackup": func(w *world) any {
		return &dynamodb.RestoreTableFromBackupInput{BackupArn: w.id("backup of made"), TargetTableName: aws.String("new")}
	},
	"dynamodb.RestoreTableToPointInTime": func(*world) any {
		return &dynamodb.RestoreTableToPointInTimeInput{
			SourceTableName: madeTable(), TargetTableName: aws.String("new"), UseLatestRestorableTime: aws.Bool(true),
		}
	},
	"dynamodb.RestoreTableToPointInTime.SourceTableArn": func(*world) any {
		return &dynamodb.RestoreTableToPointInTimeInput{
			TargetTableName: aws.String("new"), UseLatestRestorableTime: aws.Bool(true),
		}
	},
	"dynamodb.RestoreTableToPointInTime.RestoreDateTime": func(*world) any {
		return &dynamodb.RestoreTableToPointInTimeInput{SourceTableName: madeTable(), TargetTableName: aws.String("new")}
	},
	"scheduler.UpdateSchedule": func(w *world) any { return updating(w) },
	"scheduler.UpdateSchedule.FlexibleTimeWindow.Mode": func(w *world) any {
		in := updating(w)
		in.FlexibleTimeWindow = &schedules.FlexibleTimeWindow{MaximumWindowInMinutes: aws.Int32(5)}
		return in
	},
	"scheduler.GetSchedule": func(*world) any {
		return &scheduler.GetScheduleInput{GroupName: aws.String("goldsmith"), Name: aws.String("goldsmith-sweep")}
	},
}

// updating repeats what there is of the sweep's schedule.
func updating(w *world) *scheduler.UpdateScheduleInput {
	now := must(w.scheduler.GetSchedule(w.t.Context(), &scheduler.GetScheduleInput{
		GroupName: aws.String("goldsmith"), Name: aws.String("goldsmith-sweep"),
	}))(w)
	return &scheduler.UpdateScheduleInput{
		GroupName: now.GroupName, Name: now.Name, FlexibleTimeWindow: now.FlexibleTimeWindow,
		ScheduleExpression: now.ScheduleExpression, Target: now.Target,
	}
}

func querying(condition string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: madeTable(), KeyConditionExpression: &condition,
		ExpressionAttributeValues: attributes{":p": attribute("p")},
	}
}

// write gives an item of the scene another text, which a read that is not consistent does not show yet.
func (w *world) write(text string) {
	item := at("p", "a")
	item["text"] = attribute(text)
	must(w.dynamodb.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: madeTable(), Item: item}))(w)
}

// direct makes a snapshot that is open for writing and one with two blocks, through the EBS direct APIs.
func (w *world) direct() {
	ctx := w.t.Context()
	for _, name := range []string{"written", "open"} {
		made := must(w.ebs.StartSnapshot(ctx, &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), Timeout: aws.Int32(600)}))(w)
		w.ids[name] = aws.ToString(made.SnapshotId)
	}
	for n := range int32(2) {
		must(w.ebs.PutSnapshotBlock(ctx, writing(w.ids["written"], n)))(w)
	}
	w.complete("written", 2)
}

func (w *world) complete(name string, blocks int32) {
	must(w.ebs.CompleteSnapshot(w.t.Context(), &ebs.CompleteSnapshotInput{
		SnapshotId: w.id(name), ChangedBlocksCount: &blocks,
	}))(w)
	time.Sleep(time.Hour)
}

func writing(snapshot string, block int32) *ebs.PutSnapshotBlockInput {
	data := bytes.Repeat([]byte(string(rune('a'+block%26))), 512<<10)
	sum := sha256.Sum256(data)
	return &ebs.PutSnapshotBlockInput{
		SnapshotId: &snapshot, BlockIndex: &block, BlockData: bytes.NewReader(data), DataLength: aws.Int32(512 << 10),
		Checksum:          aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		ChecksumAlgorithm: ebstypes.ChecksumAlgorithmChecksumAlgorithmSha256,
	}
}

// lookAtBlocks completes the open snapshot and shows what was written to it.
func (w *world) lookAtBlocks() (any, error) {
	if w.ids["open"] == "" {
		return nil, nil //nolint:nilnil // there is nothing to see, and nothing wrong
	}
	_, err := w.ebs.CompleteSnapshot(w.t.Context(), &ebs.CompleteSnapshotInput{
		SnapshotId: w.id("open"), ChangedBlocksCount: aws.Int32(1),
	})
	time.Sleep(time.Hour)
	blocks, listErr := w.ebs.ListSnapshotBlocks(w.t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: w.id("open")})
	return []string{text(nil, err), text(blocks, listErr)}, nil
}

// filled is a snapshot of one block more than the smallest page has.
func (w *world) filled() *string {
	if w.ids["filled"] != "" {
		return w.id("filled")
	}
	made := must(w.ebs.StartSnapshot(w.t.Context(), &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)}))(w)
	w.ids["filled"] = aws.ToString(made.SnapshotId)
	for n := range int32(101) {
		must(w.ebs.PutSnapshotBlock(w.t.Context(), writing(w.ids["filled"], n)))(w)
	}
	w.complete("filled", 101)
	return w.id("filled")
}

// blockToken is the token of the first block that was written.
func (w *world) blockToken() *string {
	listed := must(w.ebs.ListSnapshotBlocks(w.t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: w.id("written")}))(w)
	return listed.Blocks[0].BlockToken
}

var blockBases = map[string]func(*world) any{
	"ebs.StartSnapshot": func(*world) any { return &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)} },
	"ebs.StartSnapshot.KmsKeyArn": func(*world) any {
		return &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), Encrypted: aws.Bool(true)}
	},
	"ebs.PutSnapshotBlock": func(w *world) any { return writing(w.ids["open"], 0) },
	"ebs.CompleteSnapshot": func(w *world) any {
		_, _ = w.ebs.PutSnapshotBlock(w.t.Context(), writing(w.ids["open"], 0)) // Refused once it is completed.
		return &ebs.CompleteSnapshotInput{SnapshotId: w.id("open"), ChangedBlocksCount: aws.Int32(1)}
	},
	"ebs.ListSnapshotBlocks": func(w *world) any { return &ebs.ListSnapshotBlocksInput{SnapshotId: w.id("written")} },
	"ebs.ListSnapshotBlocks.MaxResults": func(w *world) any {
		return &ebs.ListSnapshotBlocksInput{SnapshotId: w.filled()}
	},
	"ebs.ListSnapshotBlocks.NextToken": func(w *world) any {
		return &ebs.ListSnapshotBlocksInput{SnapshotId: w.filled()}
	},
	"ebs.GetSnapshotBlock": func(w *world) any {
		return &ebs.GetSnapshotBlockInput{SnapshotId: w.id("written"), BlockIndex: aws.Int32(0), BlockToken: w.blockToken()}
	},
}
