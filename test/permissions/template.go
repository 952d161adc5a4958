package permissions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Account is where a template is deployed.
type Account struct{ Partition, Region, ID string }

// ARN is the ARN of a resource of a service in the account.
func (a Account) ARN(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", a.Partition, service, a.Region, a.ID, resource)
}

// Template is a CloudFormation template as it is in an account.
type Template struct {
	Resources map[string]Resource
	account   Account
}

// Resource is a resource of a template, with values that may be intrinsic functions.
type Resource struct {
	// ID is its logical id.
	ID, Type   string
	Properties map[string]any
	template   *Template
}

// Load reads a template.
func Load(text []byte, account Account) (*Template, error) {
	t := &Template{account: account}
	if err := json.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	for id, r := range t.Resources {
		r.ID, r.template = id, t
		t.Resources[id] = r
	}
	return t, nil
}

// Kind are the resources of a type, in the order of their logical ids.
func (t *Template) Kind(kind string) (found []Resource) {
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if r := t.Resources[id]; r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

// At is a property with every intrinsic function resolved.
func (r Resource) At(path ...string) (any, error) {
	var here any = r.Properties
	for _, step := range path {
		inner, ok := here.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s has no %s", r.ID, strings.Join(path, "."))
		}
		here = inner[step]
	}
	value, err := r.template.resolve(here)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", strings.Join(path, "."), r.ID, err)
	}
	return value, nil
}

// Owner is the resource whose attribute a property is, such as a function's role.
func (r Resource) Owner(path ...string) (Resource, error) {
	var here any = r.Properties
	for _, step := range append(path, "Fn::GetAtt") {
		inner, _ := here.(map[string]any)
		here = inner[step]
	}
	if get, ok := here.([]any); ok && len(get) == 2 {
		if owner, ok := r.template.Resources[fmt.Sprint(get[0])]; ok {
			return owner, nil
		}
	}
	return Resource{}, fmt.Errorf("%s of %s is no resource's attribute", strings.Join(path, "."), r.ID)
}

func (t *Template) resolve(value any) (any, error) {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = t.resolve(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := intrinsic(v); ok {
			return t.call(name, argument)
		}
		object := map[string]any{}
		for key, inner := range v {
			var err error
			if object[key], err = t.resolve(inner); err != nil {
				return nil, err
			}
		}
		return object, nil
	default:
		return value, nil
	}
}

func intrinsic(v map[string]any) (name string, argument any, ok bool) {
	for name, argument = range v {
		ok = len(v) == 1 && (name == "Ref" || strings.HasPrefix(name, "Fn::"))
	}
	return name, argument, ok
}

func (t *Template) call(name string, argument any) (any, error) {
	list, _ := argument.([]any)
	switch {
	case name == "Ref":
		return t.ref(fmt.Sprint(argument))
	case name == "Fn::GetAtt" && len(list) == 2 && list[1] == "Arn":
		return t.arn(fmt.Sprint(list[0]))
	case name == "Fn::GetAtt" && len(list) == 2 && list[1] == "Name":
		return t.name(fmt.Sprint(list[0]))
	case name == "Fn::Join" && len(list) == 2:
		return t.join(list)
	default:
		return nil, fmt.Errorf("%s of %v is not resolved", name, argument)
	}
}

func (t *Template) join(argument []any) (any, error) {
	resolved, err := t.resolve(argument[1])
	if err != nil {
		return nil, err
	}
	parts, err := texts(resolved)
	return strings.Join(parts, fmt.Sprint(argument[0])), err
}

// ref is what Ref returns: a machine's is its ARN, a table's its name.
func (t *Template) ref(id string) (any, error) {
	parameters := map[string]string{"AWS::Partition": t.account.Partition, "AWS::Region": t.account.Region,
		"AWS::AccountId": t.account.ID}
	if value, ok := parameters[id]; ok {
		return value, nil
	}
	switch r := t.Resources[id]; r.Type {
	case "AWS::StepFunctions::StateMachine":
		return t.arn(id)
	case "AWS::StepFunctions::StateMachineAlias":
		machines := t.Kind("AWS::StepFunctions::StateMachine")
		if len(machines) != 1 {
			return nil, fmt.Errorf("%d state machines", len(machines))
		}
		machine, err := t.arn(machines[0].ID)
		return fmt.Sprint(machine, ":", r.Properties["Name"]), err
	case "AWS::Lambda::Version":
		name, err := t.name(id)
		return t.account.ARN("lambda", "function:"+fmt.Sprint(name, ":1")), err
	case "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::Scheduler::ScheduleGroup", "AWS::S3::Bucket":
		return t.name(id)
	default:
		return nil, fmt.Errorf("the Ref of %s %s is not resolved", r.Type, id)
	}
}

// arn is the ARN of a resource, which tells service and name.
func (t *Template) arn(id string) (any, error) {
	name, err := t.name(id)
	if err != nil {
		return nil, err
	}
	forms := map[string][2]string{
		"AWS::DynamoDB::Table":             {"dynamodb", "table/"},
		"AWS::Lambda::Function":            {"lambda", "function:"},
		"AWS::SQS::Queue":                  {"sqs", ""},
		"AWS::StepFunctions::StateMachine": {"states", "stateMachine:"},
		"AWS::Events::Rule":                {"events", "rule/"},
	}
	r := t.Resources[id]
	if r.Type == "AWS::S3::Bucket" { // Its ARN has neither Region nor account.
		return fmt.Sprint("arn:", t.account.Partition, ":s3:::", name), nil
	}
	form, ok := forms[r.Type]
	if !ok {
		return nil, fmt.Errorf("the ARN of %s %s is not resolved", r.Type, id)
	}
	return t.account.ARN(form[0], form[1]+fmt.Sprint(name)), nil
}

// name is what a resource is called; CloudFormation makes a name up when there is none, here it is the logical id.
func (t *Template) name(id string) (any, error) {
	r := t.Resources[id]
	for _, property := range []string{"TableName", "FunctionName", "QueueName", "StateMachineName", "Name"} {
		if value, ok := r.Properties[property]; ok {
			return t.resolve(value)
		}
	}
	switch r.Type {
	case "":
		return nil, fmt.Errorf("there is no resource %s", id)
	case "AWS::S3::Bucket":
		return "goldsmith-pages-" + t.account.ID, nil // as the embedded account's is called
	}
	return id, nil
}
