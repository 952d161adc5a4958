package dynamodb

import (
	"cmp"
	"iter"
	"slices"
)

// listing is what Query and Scan have in common.
type listing struct {
	TableName                 string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	ConsistentRead            bool
	Select                    string
	Limit                     *int
	ExclusiveStartKey         item
}

type queryInput struct {
	listing
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

type scanInput struct{ listing }

type listOutput struct {
	Items               *[]item `json:",omitempty"`
	Count, ScannedCount int
	LastEvaluatedKey    *item `json:",omitempty"`
}

// largestPage is where a page ends, in bytes that are read (developer guide, "Paginating table query results").
const largestPage = 1 << 20

func (s *Store) query(in queryInput) (listOutput, error) {
	t, err := s.active(in.TableName)
	if err != nil {
		return listOutput{}, err
	}
	scope := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	hash, within, err := t.keyCondition(in.KeyConditionExpression, scope)
	if err != nil {
		return listOutput{}, err
	}
	return s.list(t, in.listing, scope, in.ScanIndexForward != nil && !*in.ScanIndexForward,
		func(k key, i item) bool { return k.hash == hash && within(i) })
}

func (s *Store) scan(in scanInput) (listOutput, error) {
	t, err := s.active(in.TableName)
	if err != nil {
		return listOutput{}, err
	}
	return s.list(t, in.listing, newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues), false,
		func(key, item) bool { return true })
}

// list reads a page of the items that fit, in the order of their keys.
func (s *Store) list(t *table, in listing, scope *scope, back bool, fits func(key, item) bool) (listOutput, error) {
	keep, err := parseCondition("FilterExpression", in.FilterExpression, scope)
	if err != nil {
		return listOutput{}, err
	}
	shown, err := parseProjection(in.ProjectionExpression, scope)
	if err != nil {
		return listOutput{}, err
	}
	if err := in.check(scope); err != nil {
		return listOutput{}, err
	}
	keys, err := t.from(in, back)
	if err != nil {
		return listOutput{}, err
	}
	out, items := listOutput{}, []item{}
	for i := range s.page(t, in, keys, fits, &out) {
		if keep(i) {
			items = append(items, shown(i))
		}
	}
	if out.Count = len(items); in.Select != "COUNT" {
		out.Items = &items
	}
	return out, nil
}

// page reads items until a page is full, which out tells then.
func (s *Store) page(t *table, in listing, keys []key, fits func(key, item) bool, out *listOutput) iter.Seq[item] {
	return func(yield func(item) bool) {
		read := 0
		for _, k := range keys {
			i := t.read(k, in.ConsistentRead, s.now())
			if i == nil || !fits(k, i) {
				continue
			}
			out.ScannedCount++
			read += i.size()
			if !yield(i) {
				return
			}
			if in.Limit != nil && out.ScannedCount == *in.Limit || read >= largestPage {
				last := t.only(i)
				out.LastEvaluatedKey = &last
				return
			}
		}
	}
}

func (in listing) check(s *scope) error {
	if err := s.unused(); err != nil {
		return err
	}
	if in.Limit != nil && *in.Limit < 1 {
		return invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value greater than or equal to 1", *in.Limit)
	}
	if in.Select == "SPECIFIC_ATTRIBUTES" && in.ProjectionExpression == nil {
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	}
	if in.ProjectionExpression != nil && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" {
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	}
	return oneOf("select", in.Select, "", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT")
}

// from are the keys after the one that a page begins behind.
func (t *table) from(in listing, back bool) ([]key, error) {
	keys := make([]key, 0, len(t.items))
	for k := range t.items {
		keys = append(keys, k)
	}
	order := t.order
	if back {
		order = func(a, b key) int { return t.order(b, a) }
	}
	slices.SortFunc(keys, order)
	if in.ExclusiveStartKey == nil {
		return keys, nil
	}
	if parts := len(t.only(nil)); len(in.ExclusiveStartKey) != parts {
		return nil, invalid("Exclusive Start Key must have same size as table's key schema")
	}
	after, err := t.keyOf(in.ExclusiveStartKey, true)
	if err != nil {
		return nil, invalid("The provided starting key is invalid")
	}
	at, found := slices.BinarySearchFunc(keys, after, order)
	if found {
		at++
	}
	return keys[at:], nil
}

// order is that of the primary keys: strings by their bytes, numbers by their value.
func (t *table) order(a, b key) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), t.sort.compare(a.sort, b.sort))
}

func (a keyAttribute) compare(x, y string) int {
	if a.kind == "N" {
		order, _ := compare(value{N: &x}, value{N: &y})
		return order
	}
	return cmp.Compare(x, y)
}

// only is an item's primary key.
func (t *table) only(i item) item {
	out := item{t.hash.name: i[t.hash.name]}
	if t.sort.name != "" {
		out[t.sort.name] = i[t.sort.name]
	}
	return out
}

// parseProjection reads which attributes are shown; all without one.
func parseProjection(text *string, s *scope) (func(item) item, error) {
	if text == nil {
		return func(i item) item { return i }, nil
	}
	scanned, err := newScanner("ProjectionExpression", *text)
	if err != nil {
		return nil, err
	}
	p := &parser{scanned, s}
	var names []string
	for more := true; more; more = p.take(",") {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		if len(path) > 1 {
			return nil, invalid("A ProjectionExpression of what is inside an attribute is not modelled by the embedded AWS.")
		}
		names = append(names, path[0].name)
	}
	return func(i item) item {
		out := item{}
		for _, name := range names {
			if v, ok := i[name]; ok {
				out[name] = v
			}
		}
		return out
	}, p.end()
}
