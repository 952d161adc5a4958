package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

func createSecurityGroup(w *World, call *query.Call) error {
	p := call.Params
	g := securityGroup{name: p.Text("GroupName"), description: p.Text("GroupDescription")}
	vpc := orElse(p.Text("VpcId"), w.network.vpc)
	_, taken := w.network.groupOf(func(other securityGroup) bool { return other.name == g.name })
	switch {
	case g.name == "":
		return missing("groupName")
	case g.description == "":
		return missing("groupDescription")
	case strings.HasPrefix(g.name, "sg-"):
		return query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter groupName is invalid. Group names may not be in the format sg-*.", g.name)
	case vpc != w.network.vpc:
		return query.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", vpc)
	case taken:
		return query.Errorf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", g.name, vpc)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	g.id = w.newID("sg", g.name)
	w.network.groups = append(slices.Clone(w.network.groups), g)
	call.Touch(g.id)
	call.Out.Text("groupId", g.id)
	call.Out.Bool("return", true)
	return nil
}

func deleteSecurityGroup(w *World, call *query.Call) error {
	id, name := call.Params.Text("GroupId"), call.Params.Text("GroupName")
	g, ok := w.network.groupOf(func(g securityGroup) bool { return g.id == id || id == "" && g.name == name })
	switch {
	case !ok:
		return query.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", orElse(id, name))
	case g.name == "default":
		return query.Errorf("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.id)
	}
	for _, i := range w.instances.present {
		if i.state != Terminated && slices.Contains(i.groups, g) {
			return query.Errorf("DependencyViolation", "resource %s has a dependent object", g.id)
		}
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.network.groups = slices.DeleteFunc(slices.Clone(w.network.groups),
		func(other securityGroup) bool { return other.id == g.id })
	call.Out.Bool("return", true)
	return nil
}
