package dynamodb

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"goldsmith/local/awsjson"
)

// backup is a copy of a table.
type backup struct {
	arn, name, kind string
	made            time.Time
	of              table // as it was; nothing of it changes any more
}

// systemKept is how long a deleted table's backup is kept (developer guide, "Point-in-time recovery").
const systemKept = 35 * 24 * time.Hour

// copied are a table's items.
func copied(items map[key]*stored) map[key]*stored {
	out := map[key]*stored{}
	for k, each := range items {
		if each.item != nil {
			out[k] = &stored{item: each.item, before: each.item}
		}
	}
	return out
}

func (s *Store) backUp(t *table, name, kind string) *backup {
	s.made++
	b := &backup{
		arn: fmt.Sprintf("%s/backup/%014d-%08x", t.arn, s.now().UnixMilli(), s.made), name: name, kind: kind,
		made: s.now(), of: *t,
	}
	b.of.items, b.of.journal = copied(t.items), nil
	s.backups[b.arn] = b
	return b
}

type backupDetails struct {
	BackupArn, BackupName, BackupStatus, BackupType string
	BackupSizeBytes                                 int
	BackupCreationDateTime                          awsjson.Time
	BackupExpiryDateTime                            *awsjson.Time `json:",omitempty"`
}

func (b *backup) details() backupDetails {
	d := backupDetails{BackupArn: b.arn, BackupName: b.name, BackupStatus: "AVAILABLE", BackupType: b.kind,
		BackupSizeBytes: b.size(), BackupCreationDateTime: awsjson.Time(b.made)}
	if b.kind == "SYSTEM" {
		until := awsjson.Time(b.made.Add(systemKept))
		d.BackupExpiryDateTime = &until
	}
	return d
}

func (b *backup) size() int {
	n := 0
	for _, each := range b.of.items {
		n += each.item.size()
	}
	return n
}

type createBackupInput struct{ TableName, BackupName string }

type createBackupOutput struct{ BackupDetails backupDetails }

func (s *Store) createBackup(in createBackupInput) (createBackupOutput, error) {
	t, err := s.source(in.TableName)
	if err != nil {
		return createBackupOutput{}, err
	}
	if err := checkName(in.BackupName); err != nil {
		return createBackupOutput{}, err
	}
	return createBackupOutput{s.backUp(t, in.BackupName, "USER").details()}, nil
}

// source is a table that can be backed up or restored from.
func (s *Store) source(name string) (*table, error) {
	t, err := s.find(name)
	if err != nil {
		return nil, awsjson.Errorf("TableNotFoundException", "Table not found: %s", name)
	}
	if t.status(s.now()) != "ACTIVE" {
		return nil, awsjson.Errorf("TableInUseException", "Table is being %s: %s", t.status(s.now()), name)
	}
	return t, nil
}

type listBackupsInput struct {
	TableName, BackupType   string
	Limit                   *int
	ExclusiveStartBackupArn string
}

type backupSummary struct {
	TableName, TableArn, TableId string
	backupDetails
}

type listBackupsOutput struct {
	BackupSummaries        []backupSummary
	LastEvaluatedBackupArn string `json:",omitempty"`
}

func (s *Store) listBackups(in listBackupsInput) (listBackupsOutput, error) {
	if err := oneOf("backupType", in.BackupType, "", "USER", "SYSTEM", "ALL"); err != nil {
		return listBackupsOutput{}, err
	}
	out, most := listBackupsOutput{BackupSummaries: []backupSummary{}}, 100
	if in.Limit != nil {
		most = *in.Limit
	}
	for _, arn := range slices.Sorted(maps.Keys(s.backups)) {
		b := s.backups[arn]
		if b.expired(s.now()) || arn <= in.ExclusiveStartBackupArn || !in.fits(b) {
			continue
		}
		if len(out.BackupSummaries) == most {
			out.LastEvaluatedBackupArn = out.BackupSummaries[most-1].BackupArn
			break
		}
		out.BackupSummaries = append(out.BackupSummaries, backupSummary{b.of.name, b.of.arn, b.of.id, b.details()})
	}
	return out, nil
}

func (in listBackupsInput) fits(b *backup) bool {
	if in.TableName != "" && in.TableName != b.of.name && in.TableName != b.of.arn {
		return false
	}
	return in.BackupType == "ALL" || cmp.Or(in.BackupType, "USER") == b.kind
}

func (b *backup) expired(now time.Time) bool {
	return b.kind == "SYSTEM" && now.Sub(b.made) > systemKept
}

type backupInput struct{ BackupArn string }

type sourceDetails struct {
	TableName, TableArn, TableId string
	TableCreationDateTime        awsjson.Time
	ItemCount                    int
	KeySchema                    []keyElement
	BillingMode                  string
}

type backupDescription struct {
	BackupDescription struct {
		BackupDetails      backupDetails
		SourceTableDetails sourceDetails
	}
}

func (s *Store) stored(arn string) (*backup, error) {
	b := s.backups[arn]
	if b == nil || b.expired(s.now()) {
		return nil, awsjson.Errorf("BackupNotFoundException", "Backup not found: %s", arn)
	}
	return b, nil
}

func (s *Store) describeBackup(in backupInput) (backupDescription, error) {
	var out backupDescription
	b, err := s.stored(in.BackupArn)
	if err != nil {
		return out, err
	}
	d := b.of.describe(b.made)
	out.BackupDescription.BackupDetails = b.details()
	out.BackupDescription.SourceTableDetails = sourceDetails{
		d.TableName, d.TableArn, d.TableId, d.CreationDateTime, d.ItemCount, d.KeySchema, b.of.billing,
	}
	return out, nil
}

func (s *Store) deleteBackup(in backupInput) (backupDescription, error) {
	out, err := s.describeBackup(in)
	if err == nil {
		out.BackupDescription.BackupDetails.BackupStatus = "DELETED"
		delete(s.backups, in.BackupArn)
	}
	return out, err
}

type restoreBackupInput struct{ TargetTableName, BackupArn string }

func (s *Store) restoreFromBackup(in restoreBackupInput) (tableOutput, error) {
	b, err := s.stored(in.BackupArn)
	if err != nil {
		return tableOutput{}, err
	}
	return s.restore(in.TargetTableName, &b.of, b.of.items,
		restoreSummary{SourceTableArn: b.of.arn, SourceBackupArn: b.arn, RestoreDateTime: awsjson.Time(b.made)})
}

// restore makes a table of what another held. It lacks the other's time to live, point-in-time recovery and
// deletion protection (API reference, RestoreTableFromBackup and RestoreTableToPointInTime).
func (s *Store) restore(name string, of *table, items map[key]*stored, from restoreSummary) (tableOutput, error) {
	if err := checkName(name); err != nil {
		return tableOutput{}, err
	}
	if s.tables[name] != nil {
		return tableOutput{}, awsjson.Errorf("TableAlreadyExistsException", "Table already exists: %s", name)
	}
	t := s.newTable(name, restoreTakes)
	t.hash, t.sort, t.billing, t.restored, t.items = of.hash, of.sort, of.billing, &from, copied(items)
	s.tables[name] = t
	d := t.describe(s.now())
	return tableOutput{TableDescription: &d}, nil
}
