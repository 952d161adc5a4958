package account

import (
	"net/http"

	"goldsmith/local/autoscaling"
	"goldsmith/local/ec2"
	"goldsmith/local/elb"
	"goldsmith/local/kms"
	"goldsmith/local/ssm"
)

// Region is what the account has in one Region: what images are copied to, and what may use them there. Events of
// another than its own come to no bus of that one (EventBridge User Guide, "Sending and receiving events between AWS
// Regions": a rule there would have to send them).
type Region struct {
	EC2         *ec2.World
	AutoScaling *autoscaling.Service
	// Balancers has the target groups of load balancers.
	Balancers  *elb.Service
	Parameters *ssm.Store

	services map[string]http.Handler
}

// newRegion wires the services of a Region to each other.
func newRegion(o Options, name string, world *ec2.World, emit func(string, string, []string, any)) *Region {
	r := &Region{EC2: world}
	managed := o.Managed
	if managed == nil {
		managed = world.Managed
	}
	r.Parameters = ssm.New(ssm.Options{
		Clock: o.Clock, Region: name, Account: o.ID, Log: o.Log, Emit: emit, Launchable: world.Launchable, Managed: managed,
	})
	r.Balancers = elb.New(elb.Options{Clock: o.Clock, Log: o.Log, EC2: world, Region: name, Account: o.ID})
	r.AutoScaling = autoscaling.New(autoscaling.Options{
		Clock: o.Clock, Log: o.Log, EC2: world, Region: name, Account: o.ID, Emit: emit, Targets: r.Balancers,
	})
	world.Parameters(r.Parameters.Value, r.Parameters.Holding)
	r.services = map[string]http.Handler{
		"ec2": world, "ssm": r.Parameters, "autoscaling": r.AutoScaling,
		"elasticloadbalancing": r.Balancers,
		"kms":                  kms.New(kms.Options{Clock: o.Clock, EC2: world, Region: name, Account: o.ID, Log: o.Log}),
	}
	return r
}
