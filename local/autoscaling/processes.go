package autoscaling

import (
	"slices"

	"goldsmith/local/query"
)

// processes are the process types of the API reference, ScalingProcessQuery.
var processes = []string{
	"Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
	"ReplaceUnhealthy", "ScheduledActions",
}

func suspendProcesses(s *Service, call *query.Call) error {
	return s.changed(call, func(g *group) (func(), error) {
		chosen, err := chosenProcesses(call)
		return func() {
			for _, each := range chosen {
				if !has(g.suspended, each) {
					g.suspended = append(g.suspended, each)
				}
			}
		}, err
	})
}

func resumeProcesses(s *Service, call *query.Call) error {
	return s.changed(call, func(g *group) (func(), error) {
		chosen, err := chosenProcesses(call)
		return func() {
			g.suspended = slices.DeleteFunc(g.suspended, func(each string) bool { return has(chosen, each) })
		}, err
	})
}

// chosenProcesses: none named means all.
func chosenProcesses(call *query.Call) ([]string, error) {
	chosen := call.Params.Texts("ScalingProcesses")
	if len(chosen) == 0 {
		return processes, nil
	}
	for _, each := range chosen {
		if !has(processes, each) {
			return nil, invalid("%s is not a valid process type", each)
		}
	}
	return chosen, nil
}
