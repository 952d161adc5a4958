package dynamodb

import (
	"time"

	"goldsmith/local/awsjson"
)

// journal is what point-in-time recovery keeps: the items at a moment, and each write since.
type journal struct {
	begun  time.Time
	items  map[key]item
	writes []write
}

type write struct {
	at   time.Time
	key  key
	item item // nil for one that was removed
}

const (
	// recoverable is how far back a table can be restored, and recent how near to now
	// (API reference, PointInTimeRecoveryDescription).
	recoverable = 35 * 24 * time.Hour
	recent      = 5 * time.Minute
)

func (j *journal) add(k key, i item, at time.Time) {
	j.writes = append(j.writes, write{at, k, i})
	old := 0
	for old < len(j.writes) && at.Sub(j.writes[old].at) > recoverable {
		j.take(j.items, j.writes[old])
		old++
	}
	j.writes = j.writes[old:]
}

func (j *journal) take(into map[key]item, w write) {
	into[w.key] = w.item
	if w.item == nil {
		delete(into, w.key)
	}
}

// at are the items as they were.
func (j *journal) at(moment time.Time) map[key]*stored {
	items := map[key]item{}
	for k, i := range j.items {
		items[k] = i
	}
	for _, w := range j.writes {
		if w.at.After(moment) {
			break
		}
		j.take(items, w)
	}
	out := map[key]*stored{}
	for k, i := range items {
		out[k] = &stored{item: i, before: i}
	}
	return out
}

// window is from when to when the table can be restored.
func (j *journal) window(now time.Time) (earliest, latest time.Time) {
	earliest = j.begun
	if back := now.Add(-recoverable); back.After(earliest) {
		earliest = back
	}
	return earliest, now.Add(-recent)
}

type continuousInput struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct{ PointInTimeRecoveryEnabled bool }
}

type continuousOutput struct {
	ContinuousBackupsDescription struct {
		ContinuousBackupsStatus        string
		PointInTimeRecoveryDescription recoveryDescription
	}
}

type recoveryDescription struct {
	PointInTimeRecoveryStatus                            string
	RecoveryPeriodInDays                                 int           `json:",omitempty"`
	EarliestRestorableDateTime, LatestRestorableDateTime *awsjson.Time `json:",omitempty"`
}

func (s *Store) updateContinuousBackups(in continuousInput) (continuousOutput, error) {
	t, err := s.source(in.TableName)
	if err != nil {
		return continuousOutput{}, err
	}
	wanted := in.PointInTimeRecoverySpecification
	switch {
	case wanted == nil:
		return continuousOutput{}, awsjson.Required("pointInTimeRecoverySpecification")
	case !wanted.PointInTimeRecoveryEnabled:
		t.journal = nil
	case t.journal == nil:
		t.journal = &journal{begun: s.now(), items: map[key]item{}}
		for k, each := range t.items {
			if each.item != nil {
				t.journal.items[k] = each.item
			}
		}
	}
	return s.describeContinuousBackups(nameInput{t.name})
}

func (s *Store) describeContinuousBackups(in nameInput) (out continuousOutput, err error) {
	t, err := s.source(in.TableName)
	if err != nil {
		return out, err
	}
	out.ContinuousBackupsDescription.ContinuousBackupsStatus = "ENABLED"
	d := &out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	if d.PointInTimeRecoveryStatus = "DISABLED"; t.journal == nil {
		return out, nil
	}
	earliest, latest := t.journal.window(s.now())
	from, to := awsjson.Time(earliest), awsjson.Time(latest)
	*d = recoveryDescription{"ENABLED", int(recoverable.Hours()) / 24, &from, &to}
	return out, nil
}

type restorePointInput struct {
	SourceTableName, SourceTableArn, TargetTableName string
	RestoreDateTime                                  *awsjson.Seconds
	UseLatestRestorableTime                          bool
}

func (s *Store) restoreToPoint(in restorePointInput) (tableOutput, error) {
	name := in.SourceTableName
	if name == "" {
		name = in.SourceTableArn
	}
	t, err := s.source(name)
	if err != nil {
		return tableOutput{}, err
	}
	if t.journal == nil {
		return tableOutput{}, awsjson.Errorf("PointInTimeRecoveryUnavailableException",
			"Point in time recovery is not enabled for table '%s'", t.name)
	}
	earliest, latest := t.journal.window(s.now())
	moment := latest
	switch {
	case in.UseLatestRestorableTime == (in.RestoreDateTime != nil):
		return tableOutput{}, invalid("Specify either RestoreDateTime or UseLatestRestorableTime")
	case in.RestoreDateTime != nil:
		moment = time.Time(*in.RestoreDateTime)
	}
	if moment.Before(earliest.Truncate(time.Second)) || moment.After(latest) {
		return tableOutput{}, awsjson.Errorf("InvalidRestoreTimeException", "RestoreDateTime %s is outside of %s to %s",
			moment.UTC().Format(time.RFC3339), earliest.Format(time.RFC3339), latest.Format(time.RFC3339))
	}
	return s.restore(in.TargetTableName, t, t.journal.at(moment),
		restoreSummary{SourceTableArn: t.arn, RestoreDateTime: awsjson.Time(moment)})
}
