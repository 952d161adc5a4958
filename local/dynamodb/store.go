// Package dynamodb is the embedded DynamoDB on its real protocol: tables with items, expressions, time to live,
// point-in-time recovery and backups. Of a request it refuses by name what it does not model.
package dynamodb

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// StoreOptions set a Store up; all are required but Log.
type StoreOptions struct {
	Clock           *clock.Clock
	Region, Account string
	Log             *query.Log
}

// Store is DynamoDB: tables with their items, backups and point-in-time recovery. It is an http.Handler and safe
// for concurrent use.
type Store struct {
	options StoreOptions
	service *awsjson.Service

	mu      sync.Mutex
	tables  map[string]*table
	backups map[string]*backup // by ARN
	made    int
}

// NewStore is a DynamoDB without tables.
func NewStore(o StoreOptions) *Store {
	s := &Store{options: o, tables: map[string]*table{}, backups: map[string]*backup{}}
	s.service = &awsjson.Service{Name: "dynamodb", Target: "DynamoDB_20120810", Clock: o.Clock, Log: o.Log,
		Checksum: true, Operations: map[string]awsjson.Operation{
			"GetItem":    op(s, s.getItem),
			"PutItem":    op(s, s.putItem),
			"UpdateItem": op(s, s.updateItem),
			"DeleteItem": op(s, s.deleteItem),
			"Query":      op(s, s.query),
			"Scan":       op(s, s.scan),

			"CreateTable":               op(s, s.createTable),
			"DescribeTable":             op(s, s.describeTable),
			"ListTables":                op(s, s.listTables),
			"UpdateTable":               op(s, s.updateTable),
			"DeleteTable":               op(s, s.deleteTable),
			"UpdateTimeToLive":          op(s, s.updateTimeToLive),
			"DescribeTimeToLive":        op(s, s.describeTimeToLive),
			"UpdateContinuousBackups":   op(s, s.updateContinuousBackups),
			"DescribeContinuousBackups": op(s, s.describeContinuousBackups),

			"CreateBackup":              op(s, s.createBackup),
			"DescribeBackup":            op(s, s.describeBackup),
			"ListBackups":               op(s, s.listBackups),
			"DeleteBackup":              op(s, s.deleteBackup),
			"RestoreTableFromBackup":    op(s, s.restoreFromBackup),
			"RestoreTableToPointInTime": op(s, s.restoreToPoint),
		}}
	return s
}

// ServeHTTP answers one call.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.service.ServeHTTP(w, r) }

// op is an operation that has the store for itself.
func op[In, Out any](s *Store, do func(In) (Out, error)) awsjson.Operation {
	return awsjson.Op(func(in In) (Out, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forget()
		return do(in)
	}, func(In) []string { return nil })
}

// table is one table.
type table struct {
	name, arn, id string
	made          time.Time
	// ready is when it becomes active, gone when it is no more; zero for a table that stays.
	ready, gone time.Time
	hash, sort  keyAttribute
	billing     string
	protected   bool
	ttl         string
	restored    *restoreSummary
	items       map[key]*stored
	journal     *journal // nil without point-in-time recovery
}

// keyAttribute is a part of the primary key; without a name there is none.
type keyAttribute struct{ name, kind string }

// key is an item's primary key as text.
type key struct{ hash, sort string }

// stored is an item, with what an eventually consistent read may still see.
type stored struct {
	item, before item
	at           time.Time
}

// stale is how long after a write a read that is not consistent shows what was there before. AWS says "usually
// within a second or less" (developer guide, "DynamoDB read consistency").
const stale = time.Second

// How long tables take to be there and to be gone. AWS gives no figures; restores are said to take less than an
// hour in most cases (developer guide, "Point-in-time recovery").
const (
	createTakes  = 10 * time.Second
	deleteTakes  = 10 * time.Second
	restoreTakes = 20 * time.Minute
)

func (s *Store) arn(name string) string {
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", s.options.Region, s.options.Account, name)
}

func (s *Store) now() time.Time { return s.options.Clock.Now() }

// find is a table by its name or ARN, in whatever state.
func (s *Store) find(name string) (*table, error) {
	if name == "" {
		return nil, awsjson.Required("tableName")
	}
	name = strings.TrimPrefix(name, s.arn(""))
	t := s.tables[name]
	if t == nil {
		return nil, awsjson.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}

// active is a table whose items can be read and written.
func (s *Store) active(name string) (*table, error) {
	t, err := s.find(name)
	if err != nil || t.status(s.now()) != "ACTIVE" {
		return nil, orNotFound(err)
	}
	return t, nil
}

// orNotFound: calls for items of a table that is not there, or not there yet, are answered alike.
func orNotFound(err error) error {
	if known, ok := errors.AsType[*awsjson.Error](err); ok && known.Code != "ResourceNotFoundException" {
		return err
	}
	return awsjson.Errorf("ResourceNotFoundException", "Requested resource not found")
}

func (t *table) status(now time.Time) string {
	switch {
	case !t.gone.IsZero():
		return "DELETING"
	case now.Before(t.ready):
		return "CREATING"
	}
	return "ACTIVE"
}

// forgotten is how long after its time an item is deleted: "within a few days" (developer guide, "Using time to live").
// What is longer past is left alone ("more than five years").
const (
	forgotten = 48 * time.Hour
	leftAlone = 5 * 365 * 24 * time.Hour
)

// forget removes what is gone by now: tables that were deleted, and items whose time to live has passed.
func (s *Store) forget() {
	now := s.now()
	for name, t := range s.tables {
		if !t.gone.IsZero() && !now.Before(t.gone) {
			delete(s.tables, name)
			continue
		}
		if t.ttl == "" {
			continue
		}
		for k, each := range t.items {
			expires, ok := each.item.expiry(t.ttl)
			if past := now.Sub(expires); ok && past > forgotten && past < leftAlone {
				t.write(k, nil, now)
			}
		}
	}
}

func (i item) expiry(attribute string) (time.Time, bool) {
	v, ok := i[attribute]
	if !ok || v.N == nil {
		return time.Time{}, false
	}
	n, err := number(*v.N)
	if err != nil || !n.IsInt() || !n.Num().IsInt64() {
		return time.Time{}, false
	}
	return time.Unix(n.Num().Int64(), 0), true
}

// write puts an item, or removes it when there is none.
func (t *table) write(k key, i item, now time.Time) {
	was := t.items[k]
	next := &stored{item: i, at: now}
	if was != nil {
		next.before = was.item
	}
	t.items[k] = next
	if t.journal != nil {
		t.journal.add(k, i, now)
	}
	t.sweep(now)
}

// sweep lets go of removed items that no read shows any more.
func (t *table) sweep(now time.Time) {
	if len(t.items)%64 != 0 {
		return
	}
	for k, each := range t.items {
		if each.item == nil && now.Sub(each.at) > stale {
			delete(t.items, k)
		}
	}
}

// read is an item as a read sees it; nil for none.
func (t *table) read(k key, consistent bool, now time.Time) item {
	each := t.items[k]
	switch {
	case each == nil:
		return nil
	case !consistent && now.Sub(each.at) < stale:
		return each.before
	}
	return each.item
}
