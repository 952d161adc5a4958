package stack

import (
	"net/http"

	"goldsmith/local/autoscaling"
	"goldsmith/local/ec2"
	"goldsmith/local/kms"
	"goldsmith/local/ssm"
)

// Region is one of the account's Regions beside the suite's own: what images are copied to, and what may use them
// there. Its events come to no bus of the suite's Region (EventBridge User Guide, "Sending and receiving events between
// AWS Regions": a rule there would have to send them).
type Region struct {
	EC2         *ec2.World
	AutoScaling *autoscaling.Service
	Parameters  *ssm.Store

	services map[string]http.Handler
}

// startBeside has each of the Regions that EC2 was given besides.
func (s *Stack) startBeside() {
	s.Beside = map[string]*Region{}
	o := s.options
	for _, name := range o.EC2.Regions {
		r := &Region{EC2: s.EC2.In(name)}
		r.Parameters = ssm.New(ssm.Options{
			Clock: o.Clock, Region: name, Account: o.Account, Log: s.Calls, Emit: unheard, Launchable: r.EC2.Launchable,
			Managed: r.EC2.Managed,
		})
		r.AutoScaling = autoscaling.New(autoscaling.Options{
			Clock: o.Clock, Log: s.Calls, EC2: r.EC2, Region: name, Account: o.Account, Emit: unheard,
		})
		r.EC2.Parameters(r.Parameters.Value, r.Parameters.Holding)
		r.services = map[string]http.Handler{
			"ec2": r.EC2, "ssm": r.Parameters, "autoscaling": r.AutoScaling,
			"kms": kms.New(kms.Options{Clock: o.Clock, EC2: r.EC2, Region: name, Account: o.Account, Log: s.Calls}),
		}
		s.Beside[name] = r
	}
}

func unheard(_, _ string, _ []string, _ any) {}
