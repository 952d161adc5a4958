package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"goldsmith/shared/plan"
)

// constrain adds what Go's types do not say: the limits that plan checks, and
// the defaults it fills in.
func constrain(schema *jsonschema.Schema) {
	one := uint64(1)
	schema.Required = []string{"default", "plans"}
	property(schema, "default").Pattern = plan.NameForm
	plans := property(schema, "plans")
	plans.PropertyNames = &jsonschema.Schema{Pattern: plan.NameForm,
		Not: &jsonschema.Schema{Enum: []any{"now", "no", "default", "plans"}}}
	plans.MinProperties = &one

	// A plan's name is its key.
	schema.Definitions["Plan"].Properties.Delete("name")
	schema.Definitions["Plan"].Required = nil

	part := func(name string) *jsonschema.Schema { return schema.Definitions[name] }
	property(part("Plan"), "schedule").Pattern = `^(cron|rate|at)\(.*\)$`
	property(part("Plan"), "schedule").Examples = []any{"cron(30 3 * * ? *)", "rate(12 hours)", "at(2030-01-31T03:30:00)"}
	property(part("Plan"), "timezone").Examples = []any{"Europe/Berlin", "America/New_York"}
	between(property(part("Plan"), "concurrency"), plan.Concurrency)
	property(part("Image"), "prefix").Pattern = plan.PrefixForm
	tags(property(part("Image"), "tags"))
	volumes(part("Volumes"))
	property(part("Notify"), "channel").Pattern = plan.ChannelForm
	property(part("Notify"), "mention").Pattern = plan.MentionForm
	for _, rule := range []string{"last", "daily", "weekly", "monthly", "yearly"} {
		between(property(part("Keep"), rule), plan.Rule)
	}
	between(property(part("Keep"), "minimum"), plan.Minimum)
	selector(part("Selector"))
	verify(part("Verify"))
	hooks(part("Hooks"))
	generalize(part("Generalize"))
	property(part("Roll"), "templates").AdditionalProperties = oneOrMore(&jsonschema.Schema{Type: "string",
		Pattern: plan.TemplateForm})
	rollVolumes(schema)
	refresh(part("Refresh"))
	share(part("Share"))
	copies(schema)
	defaults(schema)
}

func volumes(schema *jsonschema.Schema) {
	most, list := uint64(plan.MaxDevices), property(schema, "leaveOut")
	list.AnyOf = oneOrMore(&jsonschema.Schema{Type: "string", Pattern: plan.DeviceForm}).AnyOf
	list.AnyOf[len(list.AnyOf)-1].MaxItems = &most
}

func rollVolumes(schema *jsonschema.Schema) {
	all, most := property(schema.Definitions["Roll"], "volumes"), uint64(plan.MaxDevices)
	all.PropertyNames, all.MaxProperties = &jsonschema.Schema{Pattern: plan.RollDeviceForm}, &most
	of := schema.Definitions["RollVolume"]
	one := uint64(1)
	of.MinProperties = &one
	for name, r := range map[string]plan.Range{
		"size": plan.VolumeSize, "empty": plan.VolumeSize, "iops": plan.VolumeIOPS,
	} {
		between(property(of, name), r)
	}
}

func share(schema *jsonschema.Schema) {
	property(schema, "organization").Pattern = plan.OrganizationForm
	for name, of := range map[string]struct {
		form string
		most uint64
	}{"accounts": {plan.AccountForm, plan.MaxAccounts}, "organizationalUnits": {plan.UnitForm, plan.MaxUnits}} {
		list := property(schema, name)
		list.AnyOf = oneOrMore(&jsonschema.Schema{Type: "string", Pattern: of.form}).AnyOf
		list.AnyOf[len(list.AnyOf)-1].MaxItems = &of.most
	}
}

func copies(schema *jsonschema.Schema) {
	of, most := schema.Definitions["Copy"], uint64(plan.MaxCopies)
	of.Required = []string{"region"}
	property(of, "region").Pattern, property(of, "key").Pattern = plan.RegionForm, plan.KeyForm
	list := property(schema.Definitions["Plan"], "copies")
	list.Type, list.Items, list.AnyOf = "", nil, oneOrMore(&jsonschema.Schema{Ref: "#/$defs/Copy"}).AnyOf
	list.AnyOf[len(list.AnyOf)-1].MaxItems = &most
}

func verify(schema *jsonschema.Schema) {
	schema.Required = nil // Written as JSON boot is always there, since the state machine compares it.
	for name, form := range map[string]string{"subnet": plan.SubnetForm, "instanceType": plan.TypeForm,
		"profile": plan.ProfileForm} {
		property(schema, name).Pattern = form
	}
	longest := uint64(plan.MaxCommand)
	property(schema, "command").MaxLength = &longest
	groups := property(schema, "securityGroups")
	groups.AnyOf = oneOrMore(&jsonschema.Schema{Type: "string", Pattern: plan.GroupForm}).AnyOf
}

func generalize(schema *jsonschema.Schema) {
	longest := uint64(plan.MaxCommand)
	property(schema, "command").MaxLength = &longest
	keep := property(schema, "keep")
	keep.AnyOf = oneOrMore(keep.Items).AnyOf
}

func hooks(schema *jsonschema.Schema) {
	longest := uint64(plan.MaxCommand)
	for _, name := range []string{"before", "after"} {
		property(schema, name).MaxLength, property(schema, name).Pattern = &longest, `\S`
	}
}

func refresh(schema *jsonschema.Schema) {
	between(property(schema, "minHealthy"), plan.MinHealthy)
	between(property(schema, "maxHealthy"), plan.MaxHealthy)
	property(schema, "autoRollback").Default = plan.Default().Roll.Refresh.AutoRollback
	percent := &jsonschema.Schema{Type: "integer"}
	between(percent, plan.Checkpoint)
	checkpoints := property(schema, "checkpoints")
	checkpoints.AnyOf = oneOrMore(percent).AnyOf
	name, most := uint64(plan.MaxAlarm), uint64(plan.MaxAlarms)
	alarms := property(schema, "alarms")
	alarms.AnyOf = oneOrMore(&jsonschema.Schema{Type: "string", Pattern: `\S`, MaxLength: &name}).AnyOf
	alarms.AnyOf[len(alarms.AnyOf)-1].MaxItems = &most
}

func property(schema *jsonschema.Schema, name string) *jsonschema.Schema {
	found, ok := schema.Properties.Get(name)
	if !ok {
		panic("the schema has no property " + name)
	}
	return found
}

func between(schema *jsonschema.Schema, r plan.Range) {
	schema.Minimum, schema.Maximum = json.Number(strconv.Itoa(r.Low)), json.Number(strconv.Itoa(r.High))
}

func tags(schema *jsonschema.Schema) {
	limit, key, value := uint64(plan.MaxTags), uint64(plan.MaxTagKey), uint64(plan.MaxTagValue)
	schema.MaxProperties = &limit
	schema.PropertyNames = &jsonschema.Schema{
		MaxLength: &key,
		Not:       &jsonschema.Schema{Pattern: `^([aA][wW][sS]|[gG][oO][lL][dD][sS][mM][iI][tT][hH]):`},
	}
	schema.AdditionalProperties.MaxLength = &value
}

func selector(schema *jsonschema.Schema) {
	key, value := uint64(plan.MaxTagKey), uint64(plan.MaxTagValue)
	for _, name := range []string{"tags", "exclude"} {
		p := property(schema, name)
		p.Description = strings.TrimSuffix(p.Description, "; no value listed means any value.") +
			": a value, a list of them, or any."
		p.PropertyNames = &jsonschema.Schema{MaxLength: &key}
		p.AdditionalProperties = oneOrMore(&jsonschema.Schema{Type: "string", MaxLength: &value, Pattern: `^[^*]*$`})
	}
	ids := property(schema, "ids")
	ids.AnyOf = oneOrMore(&jsonschema.Schema{Type: "string", Pattern: plan.InstanceForm}).AnyOf
}

// defaults writes what plan.Default fills in beside each key.
func defaults(schema *jsonschema.Schema) {
	filled := plan.Default()
	for name, value := range map[string]any{
		"timezone": filled.Timezone, "consistency": filled.Consistency, "restart": filled.Restart,
		"health": filled.Health, "instanceStore": filled.InstanceStore, "concurrency": filled.Concurrency, "window": "4h",
		"strict": filled.Strict,
	} {
		property(schema.Definitions["Plan"], name).Default = value
	}
	property(schema.Definitions["Image"], "prefix").Default = filled.Image.Prefix
	property(schema.Definitions["Image"], "copy").Default = filled.Image.Copy
	schema.Definitions["Image"].Required = nil // Written as JSON it is always there.
	property(schema.Definitions["Verify"], "boot").Default = filled.Verify.Boot
	property(schema.Definitions["Verify"], "patience").Default = "20m"
	property(schema.Definitions["Keep"], "minimum").Default = filled.Keep.Minimum
	property(schema.Definitions["Keep"], "grace").Default = filled.Keep.Grace.String()
	property(schema.Definitions["Keep"], "disable").Default = filled.Keep.Disable
}
