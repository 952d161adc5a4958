package autoscaling

import (
	"maps"
	"slices"
	"time"

	"goldsmith/local/query"
)

// configuration is a launch configuration.
type configuration struct {
	name, image, typ string
	created          time.Time
	mappings         []snapshotMapping
}

// snapshotMapping is a block device mapping as far as it is modelled: a device and the snapshot that it is made of.
type snapshotMapping struct{ device, snapshot string }

func createConfiguration(s *Service, call *query.Call) error {
	p := call.Params
	c := configuration{name: p.Text("LaunchConfigurationName"), image: p.Text("ImageId"), typ: p.Text("InstanceType"),
		created: s.options.Clock.Now()}
	for _, m := range p.List("BlockDeviceMappings") {
		c.mappings = append(c.mappings, snapshotMapping{m.Text("DeviceName"), m.Text("Ebs.SnapshotId")})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, taken := s.configurations[c.name]
	switch {
	case c.name == "" || c.image == "" || c.typ == "":
		return invalid("Valid requests must contain either the InstanceID parameter or both the ImageId and InstanceType " +
			"parameters.")
	case taken:
		return query.Errorf("AlreadyExists",
			"Launch Configuration by this name already exists - A launch configuration already exists with the name %s", c.name)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	s.configurations[c.name] = c
	return nil
}

func deleteConfiguration(s *Service, call *query.Call) error {
	name := call.Params.Text("LaunchConfigurationName")
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.configurations[name]; !ok {
		return invalid("Launch configuration name not found - Launch configuration %s not found", name)
	}
	for _, g := range s.groups {
		if g.config.configuration == name {
			// The code is the API reference's, the words are those of terraform-aws-modules/terraform-aws-autoscaling#8.
			return query.Errorf("ResourceInUse",
				"Cannot delete launch configuration %s because it is attached to AutoScalingGroup %s", name, g.name)
		}
	}
	if err := call.Commit(); err != nil {
		return err
	}
	delete(s.configurations, name)
	return nil
}

// configured fills in what a group's launch configuration launches. The words of the refusal are unverified.
func (s *Service) configured(c *config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.configurations[c.configuration]
	if !ok {
		return invalid("Launch configuration name not found - Launch configuration %s not found", c.configuration)
	}
	c.image, c.typ = found.image, found.typ
	return nil
}

func describeConfigurations(s *Service, call *query.Call) error {
	names := call.Params.Texts("LaunchConfigurationNames")
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []configuration
	for _, name := range slices.Sorted(maps.Keys(s.configurations)) {
		if len(names) == 0 || has(names, name) {
			all = append(all, s.configurations[name])
		}
	}
	shown, next, err := page(call, all, 50)
	if err != nil {
		return err
	}
	query.Items(call.Out, "LaunchConfigurations", shown, func(c configuration) {
		call.Out.Text("LaunchConfigurationName", c.name)
		call.Out.Text("ImageId", c.image)
		call.Out.Text("InstanceType", c.typ)
		call.Out.Time("CreatedTime", c.created)
		query.Items(call.Out, "BlockDeviceMappings", c.mappings, func(m snapshotMapping) {
			call.Out.Text("DeviceName", m.device)
			if m.snapshot != "" {
				call.Out.Element("Ebs", func() { call.Out.Text("SnapshotId", m.snapshot) })
			}
		})
	})
	call.Out.Optional("NextToken", next)
	return nil
}
