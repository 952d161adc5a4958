package ec2

import (
	"time"

	"goldsmith/local/query"
)

func startInstances(w *World, call *query.Call) error {
	wanted := vcpus{}
	return w.changeStates(call, func(i *instance) error {
		if err := w.mayStart(i); err != nil || i.state != Stopped {
			return err
		}
		return w.withinQuota(wanted, typeNamed(i.typ), i.countsOnDemand())
	}, w.start)
}

func stopInstances(w *World, call *query.Call) error {
	force := call.Params.Bool("Force")
	if call.Params.Bool("Hibernate") {
		return query.Errorf("UnsupportedHibernationConfiguration", "Hibernation is not supported by the embedded EC2.")
	}
	return w.changeStates(call, func(i *instance) error { return w.mayStop(i, force) },
		func(i *instance) { w.stop(i, force) })
}

func terminateInstances(w *World, call *query.Call) error {
	// Neither protection keeps Auto Scaling from terminating its own (User Guide, "Enable stop
	// protection" and "Change instance termination protection").
	may := mayTerminate
	if call.Caller == autoScaling {
		may = func(*instance) error { return nil }
	}
	return w.changeStates(call, may, w.terminate)
}

// autoScaling is the caller in whose name the embedded Auto Scaling calls.
const autoScaling = "autoscaling"

func rebootInstances(w *World, call *query.Call) error {
	ids, err := w.instancesNamed(call)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	for _, id := range ids {
		if i := w.instances.get(id); i.state != Running && i.state != Pending {
			return wrongState(id, "rebooted")
		}
	}
	for _, id := range ids {
		w.reboot(id, 0)
	}
	call.Out.Bool("return", true)
	return nil
}

// changeStates is all or nothing: when one instance may not, none does
// (seen by Cloud Custodian; whether EC2 splits a batch by zone is not modelled).
func (w *World) changeStates(call *query.Call, may func(*instance) error, do func(*instance)) error {
	ids, err := w.instancesNamed(call)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	for _, id := range ids {
		if err := may(w.instances.get(id)); err != nil {
			return err
		}
	}
	if err := w.spend(call.Action, len(ids)); err != nil {
		return err
	}
	type change struct {
		id            string
		before, after State
	}
	var changes []change
	for _, id := range ids {
		if w.unnamed(id) {
			continue
		}
		before := w.instances.get(id).state
		do(w.instances.get(id))
		changes = append(changes, change{id, before, w.instances.get(id).state})
	}
	query.Items(call.Out, "instancesSet", changes, func(c change) {
		call.Out.Text("instanceId", c.id)
		call.Out.Element("currentState", func() { writeState(call.Out, c.after) })
		call.Out.Element("previousState", func() { writeState(call.Out, c.before) })
	})
	return nil
}

func (w *World) instancesNamed(call *query.Call) ([]string, error) {
	ids := call.Params.Texts("InstanceId")
	if len(ids) == 0 {
		return nil, missing("InstanceId")
	}
	for _, id := range ids {
		if w.instances.get(id) == nil {
			return nil, unknownInstance(id)
		}
	}
	return ids, nil
}

var unknownInstance = unknownID("i", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed",
	"The instance ID '%s' does not exist")

func wrongState(id, verb string) error {
	return query.Errorf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", id, verb)
}

// mayStart: which states refuse is not documented (API reference, StartInstances); a running
// or pending instance is left as it is, which clients rely on.
func (w *World) mayStart(i *instance) error {
	switch {
	case i.rootType == rootInstanceStore:
		return query.Errorf("UnsupportedOperation",
			"The instance '%s' does not have an 'ebs' root device type and cannot be started", i.id)
	case i.state == Running || i.state == Pending:
		return nil
	case i.state != Stopped:
		return wrongState(i.id, "started")
	}
	if err := w.mayStartSpot(i); err != nil {
		return err
	}
	// A stopped instance may have been given another type.
	return fits(i.machine(), typeNamed(i.typ), "Ensure that your instance '"+i.id+"' is enabled for ENA.")
}

func (w *World) mayStop(i *instance, force bool) error {
	switch {
	case i.rootType == rootInstanceStore:
		return query.Errorf("UnsupportedOperation",
			"The instance '%s' does not have an 'ebs' root device type and cannot be stopped.", i.id)
	case w.mayStopSpot(i) != nil:
		return w.mayStopSpot(i)
	case i.state == Terminated || i.state == ShuttingDown || i.state == Pending && !force:
		return wrongState(i.id, "stopped")
	case i.stopProtected && i.state != Stopped:
		return query.Errorf("OperationNotPermitted",
			"The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.id)
	}
	return nil
}

// mayTerminate: stop protection refuses termination as well (User Guide, "Enable stop protection
// for your instance").
func mayTerminate(i *instance) error {
	if i.stopProtected && i.state != Terminated && i.state != ShuttingDown {
		return query.Errorf("OperationNotPermitted",
			"The instance '%s' may not be terminated. Modify its 'disableApiStop' instance attribute and try again.", i.id)
	}
	if i.terminationProtected && i.state != Terminated {
		return query.Errorf("OperationNotPermitted",
			"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
			i.id)
	}
	return nil
}

// turn puts an instance into a state and sends the event.
func (w *World) turn(id string, to State, edit func(*instance)) {
	w.instances.change(w.now, id, func(i *instance) {
		i.state = to
		i.step++
		edit(i)
	})
	w.emitInstanceState(w.instances.get(id))
}

// later does next after d unless the instance went another way meanwhile.
func (w *World) later(id string, d time.Duration, next func()) {
	step := w.instances.get(id).step
	w.after(d, func() {
		if i := w.instances.get(id); i != nil && i.step == step {
			next()
		}
	})
}

func (w *World) start(i *instance) {
	if i.state != Stopped {
		return
	}
	took := w.takes("pending", i.id, w.options.Timing.Pending) + w.delay(i.id)
	w.turn(i.id, Pending, func(i *instance) {
		i.launched, i.transition, i.reason, i.quietUntil = w.now, "", reason{}, time.Time{}
		i.times.Start = took
		// An auto-assigned address is another one after each start (User Guide, how instances stop and start).
		if i.elasticIP == "" && i.wantsPublic {
			i.publicIP = w.publicAddress(i.id)
		}
	})
	w.setWriting(w.instances.get(i.id), true)
	why, fails := w.startFails(i.id)
	if lacks, locked := w.lacksKey(i.devices); locked {
		why, fails = lacks, true
	}
	w.later(i.id, took, func() {
		if fails {
			w.stopped(i.id, "Server.InternalError", why)
			return
		}
		w.running(i.id)
	})
}

func (w *World) running(id string) {
	checks := w.takes("initializing", id, w.options.Timing.Initializing)
	w.turn(id, Running, func(i *instance) { i.ranAt, i.healthyAt = w.now, w.now.Add(checks) })
	w.runSpot(w.instances.get(id))
}

func (w *World) stop(i *instance, force bool) {
	if i.state == Stopped || i.state == Stopping && !force {
		return
	}
	took := w.takes("stopping", i.id, w.options.Timing.Stopping) + w.delay(i.id)
	stuck := w.stuck(i.id, force)
	w.turn(i.id, Stopping, func(i *instance) {
		i.transition = userInitiated(w.now)
		i.reason = reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
		i.times.Stop = took
	})
	w.stoppingSpot(i)
	if stuck {
		return
	}
	w.later(i.id, took, func() {
		now := w.instances.get(i.id)
		w.stopped(i.id, now.transition, now.reason)
	})
}

func (w *World) stopped(id, transition string, why reason) {
	w.setWriting(w.instances.get(id), false)
	w.turn(id, Stopped, func(i *instance) {
		i.transition, i.reason = transition, why
		if i.elasticIP == "" {
			i.publicIP = ""
		}
	})
	w.stopSpot(w.instances.get(id))
}

func (w *World) terminate(i *instance) {
	if i.state == Terminated || i.state == ShuttingDown {
		return
	}
	w.turn(i.id, ShuttingDown, func(i *instance) {
		i.transition = userInitiated(w.now)
		i.reason = reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
	})
	w.endSpot(i)
	w.later(i.id, w.takes("shutting-down", i.id, w.options.Timing.ShuttingDown), func() { w.terminated(i.id) })
}

// dies ends an instance that cannot be launched: EC2 says pending, then terminated, and why
// (User Guide, "Troubleshoot instance launch issues").
func (w *World) dies(id string, why reason) {
	w.endSpot(w.instances.get(id))
	w.instances.change(w.now, id, func(i *instance) { i.transition, i.reason = "Server.InternalError", why })
	w.terminated(id)
}

// A terminated instance is shown for about an hour (User Guide, "Terminate Amazon EC2 instances").
const terminatedShown = time.Hour

func (w *World) terminated(id string) {
	w.setWriting(w.instances.get(id), false)
	w.releaseVolumes(w.instances.get(id))
	w.turn(id, Terminated, func(i *instance) { i.publicIP, i.devices = "", nil })
	w.after(terminatedShown, func() { drop(w, w.instances, id) })
}

// reboot leaves the state running and keeps the addresses (API reference, CreateImage, NoReboot). The
// instance writes nothing for a while, at least as long as told.
func (w *World) reboot(id string, atLeast time.Duration) {
	quiet := max(atLeast, w.takes("reboot", id, w.options.Timing.Reboot))
	w.setWriting(w.instances.get(id), false)
	w.instances.change(w.now, id, func(i *instance) { i.quietUntil = w.now.Add(quiet) })
	w.after(quiet, func() {
		if i := w.instances.get(id); i != nil && i.live(w.now) {
			w.setWriting(i, true)
		}
	})
}

func userInitiated(now time.Time) string {
	return "User initiated (" + now.UTC().Format("2006-01-02 15:04:05") + " GMT)"
}
