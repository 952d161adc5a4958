package ec2

import (
	"slices"
	"strconv"

	"goldsmith/local/query"
)

func describeInstanceAttribute(w *World, call *query.Call) error {
	i, err := w.instanceNamed(call.Params)
	if err != nil {
		return err
	}
	attribute := call.Params.Text("Attribute")
	value, ok := w.instanceAttributes(i)[attribute]
	if !ok {
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.",
			attribute)
	}
	call.Out.Text("instanceId", i.id)
	call.Out.Element(attribute, func() { call.Out.Optional("value", value) })
	return nil
}

func (w *World) instanceNamed(p *query.Params) (*instance, error) {
	id := p.Text("InstanceId")
	if id == "" {
		return nil, missing("InstanceId")
	}
	if i := w.instances.get(id); i != nil {
		return i, nil
	}
	return nil, unknownInstance(id)
}

func (w *World) instanceAttributes(i *instance) map[string]string {
	return map[string]string{
		"disableApiStop":                    strconv.FormatBool(i.stopProtected),
		"disableApiTermination":             strconv.FormatBool(i.terminationProtected),
		"instanceInitiatedShutdownBehavior": i.shutdownBehavior,
		"instanceType":                      i.typ,
		"userData":                          i.userData,
		"rootDeviceName":                    i.rootName,
		"ebsOptimized":                      strconv.FormatBool(i.ebsOptimized),
		"enaSupport":                        strconv.FormatBool(i.ena),
		"sourceDestCheck":                   "true",
	}
}

// modifyInstanceAttribute takes one attribute per call, in the structured form
// (DisableApiStop.Value) or the older one (Attribute and Value).
func modifyInstanceAttribute(w *World, call *query.Call) error {
	i, err := w.instanceNamed(call.Params)
	if err != nil {
		return err
	}
	edit, err := w.attributeEdit(i, call.Params)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.instances.change(w.now, i.id, edit)
	call.Out.Bool("return", true)
	return nil
}

// attributeEdit is the change to the instance that a request asks for, or why EC2 refuses it; it changes nothing yet.
func (w *World) attributeEdit(i *instance, p *query.Params) (func(*instance), error) {
	if err := oneAttribute(p); err != nil {
		return nil, err
	}
	name := attributeNamed(p)
	value := attributeValue(p, name)
	switch name {
	case "DisableApiStop":
		return protectStop(i, value.Bool(""))
	case "DisableApiTermination":
		on := value.Bool("")
		return func(i *instance) { i.terminationProtected = on }, nil
	case "InstanceInitiatedShutdownBehavior":
		return shutDownBy(value.Text(""))
	case "InstanceType":
		return retype(i, value.Text(""))
	case "":
		return nil, query.Errorf("InvalidParameterCombination", "No attributes specified.")
	}
	return nil, query.Errorf("UnsupportedInstanceAttribute",
		"The attribute '%s' cannot be modified in the embedded EC2.", name)
}

// protectStop sets stop protection on or off; on, only for an instance that can have it.
func protectStop(i *instance, on bool) (func(*instance), error) {
	if on {
		if err := stopProtectable(i.isSpot(), i.rootType); err != nil {
			return nil, err
		}
	}
	return func(i *instance) { i.stopProtected = on }, nil
}

// shutDownBy sets what a shutdown from within does: stop or terminate, and nothing else.
func shutDownBy(wanted string) (func(*instance), error) {
	if wanted != "stop" && wanted != "terminate" {
		return nil, query.Errorf("InvalidParameterValue",
			"Invalid value '%s' for instanceInitiatedShutdownBehavior.", wanted)
	}
	return func(i *instance) { i.shutdownBehavior = wanted }, nil
}

// oneAttribute: "You can specify only one attribute at a time" (API reference, ModifyInstanceAttribute).
func oneAttribute(p *query.Params) error {
	said := 0
	for _, name := range []string{"Attribute", "DisableApiStop", "DisableApiTermination",
		"InstanceInitiatedShutdownBehavior", "InstanceType"} {
		if p.Has(name) {
			said++
		}
	}
	if said > 1 {
		return severalAttributes()
	}
	return nil
}

func severalAttributes() error {
	return query.Errorf("InvalidParameterCombination",
		"Fields for multiple attribute types specified: only one attribute can be modified at a time.")
}

func attributeNamed(p *query.Params) string {
	if name := p.Text("Attribute"); name != "" {
		return capital(name)
	}
	for _, field := range p.Fields() {
		if p.At(field).Has("Value") {
			return field
		}
	}
	return ""
}

func attributeValue(p *query.Params, name string) *query.Params {
	if p.Has("Attribute") {
		return p.At("Value")
	}
	return p.At(name + ".Value")
}

func retype(i *instance, typ string) (func(*instance), error) {
	t := typeNamed(typ)
	switch {
	case t == nil:
		return nil, query.Errorf("InvalidInstanceAttributeValue", "Invalid value '%s' for InstanceType.", typ)
	case !slices.Contains(t.architectures, i.architecture):
		return nil, query.Errorf("InvalidInstanceAttributeValue",
			"The instance type '%s' does not have the architecture %s.", typ, i.architecture)
	case i.state != Stopped:
		return nil, query.Errorf("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", i.id)
	}
	return func(i *instance) { i.typ = typ }, nil
}

func capital(name string) string { return string(name[0]&^0x20) + name[1:] }
