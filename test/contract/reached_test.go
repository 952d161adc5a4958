package contract

import (
	"fmt"
	"slices"

	"goldsmith/local/asl"
)

// reached: what a later look of a wait sees is handed over by a look without a token, which goes where the wait goes,
// and back to a wait for the same when it is not there any more. A token that a look spends itself may be lost.
func reached(d *definition) []string {
	var problems []string
	for _, s := range tasks(d.child) {
		if !s.WaitForToken {
			continue
		}
		parameters, _ := d.states[s.Name]["Parameters"].(object)
		payload, _ := parameters["Payload"].(object)
		if payload["tries.$"] != "$$.State.RetryCount" {
			problems = append(problems, s.Name+" does not tell how often it was tried")
		}
		look := caught(d, s, "Reached")
		if look == nil || attempts(s, "Reached") > 0 {
			problems = append(problems, s.Name+" does not catch Reached at once")
			continue
		}
		parameters, _ = d.states[look.Name]["Parameters"].(object)
		again := caught(d, look, "NotYet")
		switch {
		case look.WaitForToken, function(look) != "watch", parameters["token"] != "", look.Next != s.Next:
			problems = append(problems, fmt.Sprintf("%s is no look that goes where %s goes", look.Name, s.Name))
		case parameters["for"] != awaited(d, s), again == nil, awaited(d, again) != awaited(d, s):
			problems = append(problems, fmt.Sprintf("%s does not look for what %s waits for", look.Name, s.Name))
		}
	}
	return problems
}

// caught is the state that an error of a state leads to by its name.
func caught(d *definition, s *asl.State, name string) *asl.State {
	i := slices.IndexFunc(s.Catch, func(c asl.Catcher) bool { return slices.Contains(c.ErrorEquals, name) })
	if i < 0 {
		return nil
	}
	return d.child.States[s.Catch[i].Next]
}
