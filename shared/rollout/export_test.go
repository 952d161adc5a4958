package rollout

// State is what a target points at, for tests from outside.
type State = state
