package ec2

import (
	"strings"

	"goldsmith/local/query"
)

type warning struct{ code, message string }

// warnings are what is wrong with a template's data: EC2 makes the version all the same, and says "an error code and an
// error message ... for each issue that's found" (API reference, CreateLaunchTemplateVersion, Warning). Which of them
// it finds is not documented: those are modelled that the reference of RequestLaunchTemplateData says. The code and the
// words are unverified.
func (d templateData) warnings() (all []warning) {
	requirements := false
	for path := range d {
		requirements = requirements || strings.HasPrefix(path, "InstanceRequirements.")
	}
	if !requirements {
		return nil
	}
	if d["InstanceType"] != "" {
		all = append(all, warning{"ValidationError", "InstanceType and InstanceRequirements cannot both be specified."})
	}
	for _, needed := range []string{"VCpuCount.Min", "MemoryMiB.Min"} {
		if d["InstanceRequirements."+needed] == "" {
			all = append(all, warning{"ValidationError", "InstanceRequirements must specify " + needed + "."})
		}
	}
	return all
}

func (d templateData) warn(out *query.Writer) {
	if all := d.warnings(); len(all) > 0 {
		out.Element("warning", func() {
			query.Items(out, "errorSet", all, func(w warning) {
				out.Text("code", w.code)
				out.Text("message", w.message)
			})
		})
	}
}
