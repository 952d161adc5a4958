package ledger

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// row is one record; holder is the run or the token that a change has to match.
type row struct {
	holder, doc          string
	told, telling, taken time.Time
}

// revise writes a record whose revision is the known one; mine is false when it is another.
func (m *Memory) revise(ctx context.Context, k key, doc, known, revision string) (mine bool, err error) {
	err = m.change(ctx, k, func(old row, exists bool) (row, bool) {
		if mine = old.holder == known; mine {
			return row{holder: revision, doc: doc}, true
		}
		return old, exists
	})
	return mine, err
}

// put stores v, keeping what Notified marked.
func (m *Memory) put(ctx context.Context, k key, holder string, v any) error {
	doc, err := encode(v)
	if err != nil {
		return err
	}
	return m.change(ctx, k, func(old row, _ bool) (row, bool) {
		return row{holder: holder, doc: doc, told: old.told, telling: old.telling}, true
	})
}

func (m *Memory) remove(ctx context.Context, k key, holder string) error {
	return m.change(ctx, k, func(old row, exists bool) (row, bool) {
		return old, exists && old.holder != holder
	})
}

// change replaces the row at k by what next makes of it, or deletes it when next does not keep it.
func (m *Memory) change(ctx context.Context, k key, next func(old row, exists bool) (r row, keep bool)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	partition := m.partitions[k.partition]
	old, exists := partition[k.sort]
	r, keep := next(old, exists)
	switch {
	case keep && partition == nil:
		m.partitions[k.partition] = map[string]row{k.sort: r}
	case keep:
		partition[k.sort] = r
	default:
		delete(partition, k.sort)
		if len(partition) == 0 {
			delete(m.partitions, k.partition)
		}
	}
	return nil
}

// docs are the documents that a partition held under sort keys with a prefix when the range began, in key order.
func (m *Memory) docs(ctx context.Context, partition, prefix string) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(record{}, err)
			return
		}
		for _, r := range m.snapshot(partition, prefix) {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// snapshot is taken under the lock and ranged over without it, so that the loop may change the ledger.
func (m *Memory) snapshot(partition, prefix string) []record {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.partitions[partition]
	docs := make([]record, 0, len(rows))
	for sort, r := range rows {
		if strings.HasPrefix(sort, prefix) {
			docs = append(docs, record{sort, r.doc})
		}
	}
	slices.SortFunc(docs, func(a, b record) int { return cmp.Compare(a.sort, b.sort) })
	return docs
}
