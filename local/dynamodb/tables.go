package dynamodb

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"goldsmith/local/awsjson"
)

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type createInput struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	DeletionProtectionEnabled bool
}

type tableDescription struct {
	TableName, TableArn, TableId, TableStatus string
	CreationDateTime                          awsjson.Time
	AttributeDefinitions                      []attributeDefinition
	KeySchema                                 []keyElement
	ItemCount, TableSizeBytes                 int
	DeletionProtectionEnabled                 bool
	BillingModeSummary                        *billing        `json:",omitempty"`
	RestoreSummary                            *restoreSummary `json:",omitempty"`
}

type billing struct{ BillingMode string }

type restoreSummary struct {
	SourceTableArn, SourceBackupArn string `json:",omitempty"`
	RestoreDateTime                 awsjson.Time
	RestoreInProgress               bool
}

type tableOutput struct {
	Table            *tableDescription `json:",omitempty"`
	TableDescription *tableDescription `json:",omitempty"`
}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func checkName(name string) error {
	if tableName.MatchString(name) {
		return nil
	}
	return invalid("1 validation error detected: Value '%s' at 'tableName' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+", name)
}

func (s *Store) createTable(in createInput) (tableOutput, error) {
	if err := checkName(in.TableName); err != nil {
		return tableOutput{}, err
	}
	if s.tables[in.TableName] != nil {
		return tableOutput{}, awsjson.Errorf("ResourceInUseException", "Table already exists: %s", in.TableName)
	}
	if err := oneOf("billingMode", in.BillingMode, "", "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return tableOutput{}, err
	}
	if in.BillingMode != "PAY_PER_REQUEST" { // ProvisionedThroughput is refused by its name.
		return tableOutput{}, invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits " +
			"must both be specified when BillingMode is PROVISIONED")
	}
	t := s.newTable(in.TableName, createTakes)
	t.billing, t.protected = in.BillingMode, in.DeletionProtectionEnabled
	if err := t.schema(in.KeySchema, in.AttributeDefinitions); err != nil {
		return tableOutput{}, err
	}
	s.tables[t.name] = t
	d := t.describe(s.now())
	return tableOutput{TableDescription: &d}, nil
}

func (s *Store) newTable(name string, takes time.Duration) *table {
	s.made++
	now := s.now()
	return &table{
		name: name, arn: s.arn(name), id: fmt.Sprintf("00000000-0000-4000-8000-%012x", s.made),
		made: now, ready: now.Add(takes), items: map[key]*stored{},
	}
}

// schema takes the primary key: a hash key, and perhaps a sort key, each of a defined attribute.
func (t *table) schema(keys []keyElement, defined []attributeDefinition) error {
	kinds, err := kindsOf(defined)
	if err != nil {
		return err
	}
	for n, k := range keys {
		kind, ok := kinds[k.AttributeName]
		if !ok {
			return invalid("One or more parameter values were invalid: Some index key attributes are not defined in "+
				"AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]", k.AttributeName,
				strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		switch {
		case n == 0 && k.KeyType == "HASH":
			t.hash = keyAttribute{k.AttributeName, kind}
		case n == 1 && k.KeyType == "RANGE":
			t.sort = keyAttribute{k.AttributeName, kind}
		default:
			return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type, " +
				"or the second not a RANGE key type")
		}
	}
	switch len(keys) {
	case 0:
		return awsjson.Required("keySchema")
	case len(kinds):
		return nil
	}
	return invalid("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match " +
		"number of attributes defined in AttributeDefinitions")
}

func kindsOf(defined []attributeDefinition) (map[string]string, error) {
	kinds := map[string]string{}
	for _, d := range defined {
		if err := oneOf("attributeType", d.AttributeType, "S", "N", "B"); err != nil {
			return nil, err
		}
		kinds[d.AttributeName] = d.AttributeType
	}
	return kinds, nil
}

func (t *table) describe(now time.Time) tableDescription {
	d := tableDescription{
		TableName: t.name, TableArn: t.arn, TableId: t.id, TableStatus: t.status(now), CreationDateTime: awsjson.Time(t.made),
		DeletionProtectionEnabled: t.protected, BillingModeSummary: &billing{t.billing},
	}
	for _, part := range []struct {
		of   keyAttribute
		kind string
	}{{t.hash, "HASH"}, {t.sort, "RANGE"}} {
		if part.of.name != "" {
			d.KeySchema = append(d.KeySchema, keyElement{part.of.name, part.kind})
			d.AttributeDefinitions = append(d.AttributeDefinitions, attributeDefinition{part.of.name, part.of.kind})
		}
	}
	for _, each := range t.items {
		if each.item != nil {
			d.ItemCount, d.TableSizeBytes = d.ItemCount+1, d.TableSizeBytes+each.item.size()
		}
	}
	if t.restored != nil {
		restored := *t.restored
		restored.RestoreInProgress = now.Before(t.ready)
		d.RestoreSummary = &restored
	}
	return d
}

type nameInput struct{ TableName string }

func (s *Store) describeTable(in nameInput) (tableOutput, error) {
	t, err := s.find(in.TableName)
	if err != nil {
		return tableOutput{}, err
	}
	d := t.describe(s.now())
	return tableOutput{Table: &d}, nil
}

type listTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

type listTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (s *Store) listTables(in listTablesInput) (listTablesOutput, error) {
	most := 100
	if in.Limit != nil {
		if most = *in.Limit; most < 1 || most > 100 {
			return listTablesOutput{}, invalid("1 validation error detected: Value '%d' at 'limit' "+
				"failed to satisfy constraint", most)
		}
	}
	names := slices.Sorted(maps.Keys(s.tables))
	names = slices.DeleteFunc(names, func(n string) bool { return n <= in.ExclusiveStartTableName })
	out := listTablesOutput{TableNames: names}
	if len(names) > most {
		out.TableNames, out.LastEvaluatedTableName = names[:most], names[most-1]
	}
	return out, nil
}

type updateTableInput struct {
	TableName                 string
	DeletionProtectionEnabled *bool
}

func (s *Store) updateTable(in updateTableInput) (tableOutput, error) {
	t, err := s.steady(in.TableName)
	if err != nil {
		return tableOutput{}, err
	}
	if in.DeletionProtectionEnabled == nil {
		return tableOutput{}, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, " +
			"GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	t.protected = *in.DeletionProtectionEnabled
	d := t.describe(s.now())
	return tableOutput{TableDescription: &d}, nil
}

// steady is a table that is neither being made nor going.
func (s *Store) steady(name string) (*table, error) {
	t, err := s.find(name)
	if err != nil {
		return nil, err
	}
	switch t.status(s.now()) {
	case "CREATING":
		return nil, awsjson.Errorf("ResourceInUseException", "Table is being created: %s", t.name)
	case "DELETING":
		return nil, awsjson.Errorf("ResourceInUseException", "Table is being deleted: %s", t.name)
	}
	return t, nil
}

func (s *Store) deleteTable(in nameInput) (tableOutput, error) {
	t, err := s.steady(in.TableName)
	if err != nil {
		return tableOutput{}, err
	}
	if t.protected {
		return tableOutput{}, invalid("Resource cannot be deleted as it is currently protected against deletion. " +
			"Disable deletion protection first.")
	}
	if t.journal != nil {
		// Developer guide, "Point-in-time recovery": a system backup is made of a table that is deleted with it on.
		s.backUp(t, t.name+"$DeletedTableBackup", "SYSTEM")
	}
	t.gone = s.now().Add(deleteTakes)
	d := t.describe(s.now())
	return tableOutput{TableDescription: &d}, nil
}
