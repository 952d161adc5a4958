package contract

import "slices"

// mutation breaks one thing in the definition; states are by name, the whole document is under "".
type mutation struct {
	rule, about string
	change      func(states map[string]object)
	// says is in what the rule reports.
	says string
}

// set changes one member of a state.
func set(state, key string, value any) func(map[string]object) {
	return func(states map[string]object) { states[state][key] = value }
}

// drop takes one member away.
func drop(state, key string) func(map[string]object) {
	return func(states map[string]object) { delete(states[state], key) }
}

// entry is one of a state's list of objects.
func entry(state, key string, i int, change func(object)) func(map[string]object) {
	return func(states map[string]object) { change(states[state][key].([]any)[i].(object)) }
}

// shorten takes one of a state's list of objects away.
func shorten(state, key string, i int) func(map[string]object) {
	return func(states map[string]object) {
		states[state][key] = slices.Delete(states[state][key].([]any), i, i+1)
	}
}

func lambda(function string) string {
	return "arn:aws:lambda:eu-west-1:123456789012:function:" + function
}

var mutations = []mutation{
	{"placeholders", "a misspelt one", set("Stop the instance", "Resource", "${StopLambdaArn}"),
		"nothing is filled into ${StopLambdaArn}"},
	{"placeholders", "one that is gone", set("Stop the instance", "Resource", lambda("stop")),
		"the definition has no ${StopFunctionArn}"},

	{"parse", "a state that nothing leads to", func(states map[string]object) {
		inner := states["Image every source"]["ItemProcessor"].(object)["States"].(object)
		inner["Nobody comes here"] = object{"Type": "Succeed"}
	}, "is not reachable"},
	{"parse", "a way to nowhere", set("Roll the templates", "Next", "Retire old images"),
		"is not a state of the same scope"},
	{"parse", "a heartbeat after the timeout", set("Wait until it is running", "HeartbeatSeconds", 121),
		"HeartbeatSeconds must be smaller"},

	{"functions", "one that is not granted", set("Bring the instance back", "Resource", lambda("restart")),
		"restart is invoked, but not among"},
	{"functions", "one that is granted for nothing", func(states map[string]object) {
		set("Roll the templates", "Resource", "${StartFunctionArn}")(states)
		set("Roll the templates", "Comment", "Once ${RollFunctionArn}.")(states)
	}, "roll is granted, but never invoked"},

	{"errors", "a misspelt type", entry("Start the instance", "Retry", 3,
		func(r object) { r["ErrorEquals"] = []any{"NoCapacities"} }), "NoCapacities, which is no type of fault"},
	{"errors", "a misspelt type in a Catch",
		entry("Start the instance", "Catch", 0, func(c object) { c["ErrorEquals"] = []any{"fault.Failed"} }),
		"fault.Failed, which is no type"},
	{"errors", "a type that is not named any more", func(states map[string]object) {
		shorten("Start the instance", "Retry", 3)(states)
		shorten("Bring the instance back", "Retry", 3)(states)
		shorten("Launch a test instance", "Retry", 3)(states)
		shorten("Launch a clone", "Retry", 3)(states)
	}, "never names fault.NoCapacity"},

	{"timeouts", "a Task without", drop("Select the sources", "TimeoutSeconds"),
		"Select the sources has no TimeoutSeconds"},
	{"timeouts", "a Task of a source without", drop("Release the source", "TimeoutSeconds"),
		"Release the source has no TimeoutSeconds"},
	{"timeouts", "a wait without heartbeat", drop("Wait for the image", "HeartbeatSeconds"),
		"Wait for the image waits for a token without"},
	{"timeouts", "a machine without", drop("", "TimeoutSeconds"), "the state machine has no TimeoutSeconds"},

	{"retries", "no Lambda errors", shorten("Create the image", "Retry", 0),
		"Create the image does not retry Lambda.TooManyRequestsException"},
	{"retries", "one Lambda error less", entry("Create the image", "Retry", 0, func(r object) {
		r["ErrorEquals"], r["MaxAttempts"] = []any{"Lambda.ServiceException"}, 0
	}), "Create the image does not retry Lambda.ServiceException"},
	{"retries", "no second try when throttled", entry("Tell people", "Retry", 1, func(r object) { r["MaxAttempts"] = 0 }),
		"Tell people does not retry Transient"},
	{"retries", "trying what failed", shorten("Stop the instance", "Retry", 3), "Stop the instance retries Failed"},
	{"retries", "a heartbeat that ends the wait",
		entry("Wait until it is stopped", "Retry", 0, func(r object) { r["MaxAttempts"] = 0 }),
		"does not retry States.HeartbeatTimeout"},
	{"retries", "no patience with a full EC2",
		entry("Bring the instance back", "Retry", 3, func(r object) { r["MaxAttempts"] = 0 }),
		"Bring the instance back does not retry NoCapacity"},
	{"retries", "no patience with a state on its way",
		entry("Release the source", "Retry", 2, func(r object) { r["MaxAttempts"] = 0 }),
		"Release the source does not retry NotYet"},

	{"patience", "an image given up after a few hours",
		entry("Wait for the image", "Retry", 0, func(r object) { r["MaxAttempts"] = 100 }),
		"Wait for the image lasts 8h18m20s, what it awaits may take 30h0m0s"},
	{"patience", "a day's image ended by its third unnamed error",
		entry("Wait for the image", "Retry", 4, func(r object) { r["MaxAttempts"] = 2 }),
		"Wait for the image bears Runtime.ExitError 2 times, and looks 362 times"},
	{"patience", "a stop ended by a quarter of an hour of throttling",
		entry("Wait until it is stopped", "Retry", 2, func(r object) { r["MaxDelaySeconds"] = 10 }),
		"Wait until it is stopped bears Transient for 10m50s, and may last 1h0m0s"},
	{"patience", "more than a history holds",
		entry("Wait for the refresh", "Retry", 1, func(r object) { r["MaxAttempts"] = 9999 }),
		"an execution's history takes 25000"},
	{"looks", "one that outlasts its token", func(states map[string]object) {
		states["Wait for the snapshots"]["Parameters"].(object)["Payload"].(object)["within"] = 10
	}, "a look of Wait for the snapshots may take 10 s of its heartbeat's 10"},
	{"looks", "one without a bound", func(states map[string]object) {
		delete(states["Wait for the image"]["Parameters"].(object)["Payload"].(object), "within")
	}, "a look of Wait for the image may take 0 s"},
	{"reached", "a wait that does not tell of its tries", func(states map[string]object) {
		states["Wait for the image"]["Parameters"].(object)["Payload"].(object)["tries.$"] = "$.run.name"
	}, "Wait for the image does not tell how often it was tried"},
	{"reached", "one that tries it again", entry("Wait until it is running", "Retry", 3, func(r object) {
		r["ErrorEquals"] = []any{"Failed"}
	}), "Wait until it is running does not catch Reached at once"},
	{"reached", "a look that goes elsewhere", set("See it running", "Next", "Release the source"),
		"See it running is no look that goes where Wait until it is running goes"},
	{"reached", "a look for something else", func(states map[string]object) {
		states["See it stopped"]["Parameters"].(object)["for"] = "running"
	}, "See it stopped does not look for what Wait until it is stopped waits for"},
	{"patience", "nothing to wait for", func(states map[string]object) {
		states["Wait for the image"]["Parameters"].(object)["Payload"].(object)["for"] = "ready"
	}, `nothing is known of waiting for "ready"`},

	{"catches", "none", drop("Keep waiting for the snapshots", "Catch"),
		"Keep waiting for the snapshots does not catch States.ALL"},
	{"catches", "none at the claim", drop("Claim the source", "Catch"), "Claim the source does not catch States.ALL"},
	{"catches", "not the one that States.ALL leaves out", shorten("Stop the instance", "Catch", 0),
		"Stop the instance does not catch States.DataLimitExceeded"},
	{"catches", "the wrong way", entry("Roll the templates", "Catch", 1,
		func(c object) { c["Next"] = "The source is done" }), `which never leads to "Release the source"`},
	{"catches", "none after the release", drop("See the refresh", "Catch"), "See the refresh does not catch States.ALL"},

	{"released", "a way around", entry("Is there anything to wait for?", "Choices", 0,
		func(c object) { c["Next"] = "The source is done" }), `"The source is done" can be reached`},
	{"released", "an early end", func(states map[string]object) {
		drop("Roll the templates", "Next")(states)
		set("Roll the templates", "End", true)(states)
	}, `"Roll the templates" can be reached`},

	{"restarted", "a failure that is only released",
		entry("Wait until it is stopped", "Catch", 1, func(c object) { c["Next"] = "Release the source" }),
		"without a start"},
	{"restarted", "a stop that fails and is only released",
		entry("Stop the instance", "Catch", 0, func(c object) { c["Next"] = "Release the source" }), "without a start"},
	{"restarted", "an image that is there", set("Is the instance back?", "Default", "Roll the templates"),
		"without a start"},
	{"restarted", "another reason to be back",
		entry("Is the instance back?", "Choices", 1, func(c object) { c["BooleanEquals"] = false }), "without a start"},
	{"restarted", "another decision",
		entry("Is the instance back?", "Choices", 0, func(c object) { c["StringEquals"] = "stop" }), "without a start"},
	{"restarted", "a command after without a start",
		entry("Does the instance wait for the image?", "Choices", 0, func(c object) { c["BooleanEquals"] = false }),
		"without a start"},
	{"restarted", "an exception that is none", rename("Is the instance back?", "Is it back?"),
		"is excepted, but is no way"},

	{"told", "a silent end", set("Is there more to retire?", "Default", "The run is done"),
		`"The run is done" can be reached from "Select the sources" without notify`},
	{"told", "a selection whose failure nobody hears of", drop("Select the sources", "Catch"),
		"Select the sources does not catch States.ALL"},
	{"told", "a Map whose failure nobody hears of", shorten("Image every source", "Catch", 0),
		"Image every source does not catch States.DataLimitExceeded"},
	{"told", "a page whose failure fails the run", entry("Write the page", "Catch", 1,
		func(c object) { c["Next"] = "The run failed" }),
		`Write the page catches States.ALL, which never leads to "Did the run go well?"`},

	{"choices", "a value that is none",
		entry("What may be done with it?", "Choices", 1, func(c object) { c["StringEquals"] = "halt" }),
		`$.decision is never "halt"`},
	{"choices", "a restart that is none",
		entry("Does the instance wait for the image?", "Choices", 2, func(c object) { c["StringEquals"] = "ready" }),
		`$.plan.restart is never "ready"`},
	{"choices", "an image state that is none",
		entry("Is the image ready?", "Choices", 4, func(c object) { c["StringEquals"] = "ready" }),
		`$.image.state is never "ready"`},
	{"choices", "an outcome that is none",
		entry("Did the run go well?", "Choices", 0, func(c object) { c["StringEquals"] = "FAILED" }),
		`$.outcome is never "FAILED"`},
	{"choices", "a field that is none",
		entry("Is the instance back?", "Choices", 0, func(c object) { c["Variable"] = "$.isBack" }),
		`"$.isBack" is no field of job.Job`},
	{"choices", "a stop that hangs for another reason",
		entry("Does the stop hang?", "Choices", 0, func(c object) { c["Variable"] = "$.plan.force" }),
		"$.plan.force is left out of the JSON"},
	{"choices", "a field of the other document",
		entry("Are there more sources?", "Choices", 0, func(c object) { c["Variable"] = "$.back" }),
		`"$.back" is no field of job.Batch`},
	{"choices", "a field that may be left out",
		entry("Is the instance back?", "Choices", 0, func(c object) { c["Variable"] = "$.source.wasRunning" }),
		"is left out of the JSON"},
	{"choices", "a text taken for a truth",
		entry("Are there more sources?", "Choices", 0, func(c object) { c["Variable"] = "$.cursor" }),
		"$.cursor is a string, not a bool"},
	{"choices", "a form that is not checked", entry("Are there more sources?", "Choices", 0, func(c object) {
		delete(c, "BooleanEquals")
		c["IsPresent"] = true
	}), "in a way that is not checked"},
	{"choices", "a wait for nothing known", func(states map[string]object) {
		states["Wait until it is back"]["Parameters"].(object)["Payload"].(object)["for"] = "back"
	}, `waits for "back"`},

	{"paths", "a failure that nobody reads",
		entry("Stop the instance", "Catch", 1, func(c object) { c["ResultPath"] = "$.error" }),
		"$.error leads to no field of job.Job"},
	{"paths", "sources by another name", set("Image every source", "ItemsPath", "$.instances"),
		"$.instances leads to no field of job.Batch"},
	{"paths", "a number by another name", set("Image every source", "MaxConcurrencyPath", "$.plan.parallel"),
		"$.plan.parallel leads to no field"},
	{"paths", "a part by another name", func(states map[string]object) {
		states["Image every source"]["ItemSelector"].(object)["plan.$"] = "$.policy"
	}, "$.policy leads to no field of job.Batch"},

	{"inputs", "a misspelt member", func(states map[string]object) {
		payload := states["Wait for the image"]["Parameters"].(object)["Payload"].(object)
		payload["taskToken.$"] = payload["token.$"]
		delete(payload, "token.$")
	}, `sends ["for" "job" "taskToken" "tries" "within"], watch.Input has ["for" "job" "token" "tries" "within"]`},
	{"inputs", "a member too few", func(states map[string]object) {
		delete(states["Claim the source"]["Parameters"].(object), "execution.$")
	}, `sends ["job"]`},
	{"inputs", "a document that is taken apart", set("Stop the instance", "Parameters", object{"job.$": "$"}),
		"Stop the instance sends Parameters: true"},
	{"inputs", "a part of no job", func(states map[string]object) {
		states["Image every source"]["ItemSelector"].(object)["index"] = 1
	}, `a "index", which is no field of job.Job`},

	{"types", "a page's function for a job", swap("Roll the templates", "Select the sources"),
		"Roll the templates needs a handler.Func[job.Job, job.Job], select is a handler.Func[job.Batch, job.Batch]"},

	{"words", "no comment", drop("Stop the instance", "Comment"), `"Stop the instance" has no Comment`},
	{"words", "half a sentence", set("Stop the instance", "Comment", "Cleanly"), "is no sentence"},
	{"words", "another label", set("Image every source", "Label", "item"), "the documentation calls them source"},
	{"words", "a machine without words", drop("", "Comment"), "the state machine has no Comment"},
	{"words", "a name for machines", rename("Roll the templates", "RollTemplates"), `"RollTemplates" is no sentence`},
	{"words", "a Task that asks", rename("Roll the templates", "Roll the templates?"), "a Choice asks"},
}

// swap exchanges the functions of two states.
func swap(a, b string) func(map[string]object) {
	return func(states map[string]object) {
		states[a]["Resource"], states[b]["Resource"] = states[b]["Resource"], states[a]["Resource"]
	}
}

// rename gives a state of a source another name everywhere.
func rename(from, to string) func(map[string]object) {
	return func(states map[string]object) {
		inner := states["Image every source"]["ItemProcessor"].(object)["States"].(object)
		inner[to] = inner[from]
		delete(inner, from)
		for _, s := range states {
			redirect(s, from, to)
		}
	}
}

func redirect(s object, from, to string) {
	for _, key := range []string{"Next", "Default"} {
		if s[key] == from {
			s[key] = to
		}
	}
	for _, list := range []string{"Choices", "Catch"} {
		entries, _ := s[list].([]any)
		for _, e := range entries {
			redirect(e.(object), from, to)
		}
	}
}
