package night_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	sfnsdk "github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/ssm"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// frozen is a suite whose nightly plan freezes what it images.
func frozen(edits ...func(*plan.Plan)) stack.Options {
	return stack.Options{Plans: nightly(append([]func(*plan.Plan){func(p *plan.Plan) {
		p.Consistency, p.Freeze.Of = plan.Frozen, plan.FreezeMySQL
	}}, edits...)...)}
}

// thawed is what is done where nothing stands still, or not for long enough.
func thawed(how plan.HookFailure) func(*plan.Plan) {
	return func(p *plan.Plan) { p.Freeze.OnFailure = how }
}

// limitOf is how long the data of instances may stand still in a plan's runs.
func (n *night) limitOf(run string) time.Duration {
	return n.plans.Plans[run[:strings.LastIndex(run, "-")]].Freeze.Lasts()
}

// thawsInTime: nothing stands still for longer than its plan's limit.
func (n *night) thawsInTime() {
	n.t.Helper()
	for _, f := range n.Parameters.Frozen() {
		if long := f.Until.Sub(f.Since); long > n.limitOf(f.Run) {
			n.t.Errorf("%s was frozen at %s by run %s for %s, and its limit is %s", f.Instance, f.Since, f.Run, long,
				n.limitOf(f.Run))
		}
	}
}

// imagesOfFrozen: where a run says that it has imaged what it was to freeze, and warns of nothing, all stood still from
// before the first of the image's snapshots until the last.
func (n *night) imagesOfFrozen() {
	n.t.Helper()
	snapshots := n.ownSnapshots()
	for _, r := range n.runs() {
		for id, result := range n.results(r) {
			if result.Ending != job.Imaged || !n.toFreeze(r.Name, id) || warns(result, job.BeforeFailed) {
				continue
			}
			for _, s := range snapshots[id] {
				if at := aws.ToTime(s.StartTime); tag.Map(s.Tags)[tag.Run] == r.Name && !n.stood(id, at) {
					n.t.Errorf("snapshot %s of %s was begun at %s, when nothing stood still", aws.ToString(s.SnapshotId), id, at)
				}
			}
		}
	}
}

// ownSnapshots are those of sources' volumes, by source; those of a clone of it are not among them.
func (n *night) ownSnapshots() map[string][]types.Snapshot {
	n.t.Helper()
	volumes, own := map[string][]string{}, map[string][]types.Snapshot{}
	for _, i := range n.instances() {
		volumes[aws.ToString(i.InstanceId)] = source.Volumes(i)
	}
	for _, s := range n.allSnapshots() {
		if of := tag.Map(s.Tags)[tag.Source]; slices.Contains(volumes[of], aws.ToString(s.VolumeId)) {
			own[of] = append(own[of], s)
		}
	}
	return own
}

// toFreeze reports whether a run had to freeze an instance: it ran.
func (n *night) toFreeze(run, id string) bool {
	p, _, _ := strings.Cut(run, "-")
	return n.plans.Plans[p].Consistency == plan.Frozen && n.before[id].state == ec2.Running
}

func (n *night) stood(id string, at time.Time) bool {
	for _, f := range n.Parameters.Frozen() {
		if f.Instance == id && !at.Before(f.Since) && !at.After(f.Until) {
			return true
		}
	}
	return false
}

func warns(r job.Result, code job.ReasonCode) bool {
	for _, w := range r.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

// did are the commands that were begun on an instance, as the suite's script is called.
func (n *night) did(id string) string {
	var all []string
	for _, i := range n.Parameters.Invocations() {
		if _, words, ok := strings.Cut(i.Command, "\nexport do="); ok && i.Instance == id && !i.Begun.IsZero() {
			all = append(all, strings.Fields(words)[0])
		}
	}
	return strings.Join(all, " ")
}

// onlyFreeze is the one time for which an instance stood still.
func (n *night) onlyFreeze(id string) ssm.Frozen {
	n.t.Helper()
	all := n.Parameters.Frozen()
	if len(all) != 1 || all[0].Instance != id {
		n.t.Fatalf("frozen were %+v, want %s once", all, id)
	}
	return all[0]
}

// What is frozen is imaged as it runs, and goes on as soon as the last snapshot is seen, three seconds later at most.
func TestFrozen(t *testing.T) {
	for _, of := range plan.FreezeOfs {
		t.Run(string(of), func(t *testing.T) {
			play(t, frozen(func(p *plan.Plan) { p.Freeze.Of = of }), func(n *night) {
				db, rest := n.managed("db", "gp3 gp3"), n.launch("rest", "stopped")
				r := n.run()[0]
				n.wasImaged(r, rest)
				n.want("ending", n.results(r)[db].Ending, job.Imaged)
				n.want("commands", n.did(db), "freeze thaw")
				n.want("stops", len(n.callsOf("StopInstances")), 0)
				n.want("snapshots", len(n.results(r)[db].Image.Snapshots), 3)
				n.want("rebooted", n.EC2.Taken(n.results(r)[db].Image.ID).Rebooted, false)
				f, times := n.onlyFreeze(db), n.results(r)[db].Times
				if late := f.Until.Sub(times.Snapshotted); late < 0 || late > 3*time.Second || f.Watchdog {
					t.Errorf("it went on %s after the last snapshot was seen: %+v", late, f)
				}
				if strings.Contains(n.messagesOf(r)[0], "Warnings") {
					t.Errorf("the message warns: %s", n.messagesOf(r)[0])
				}
			})
		})
	}
}

// Where nothing could be frozen the plan says what is done.
func TestAFreezeThatFails(t *testing.T) {
	for how, ending := range map[plan.HookFailure]job.Ending{
		plan.HookSkip: job.Skipped, plan.HookIgnore: job.Imaged, plan.HookFail: job.Broken,
	} {
		t.Run(string(how), func(t *testing.T) {
			play(t, frozen(thawed(how)), func(n *night) {
				n.Parameters.OnCommand(func(_, command string) ssm.Ran {
					if strings.Contains(command, "export do=freeze") {
						return ssm.Ran{Status: "Failed", Code: 1, Output: "there is nothing to freeze"}
					}
					return ssm.Ran{Status: "Success"}
				})
				db := n.managed("db", "")
				r := n.run()[0]
				n.want("ending", n.results(r)[db].Ending, ending)
				n.want("commands", n.did(db), "freeze thaw")
				n.saysOf(r, "the freeze failed: the command ended as Failed with code 1", "there is nothing to freeze")
				n.want("warns of the thaw", warns(n.results(r)[db], job.AfterFailed), false)
			})
		})
	}
}

// The limit passes before every snapshot is seen: the watchdog lets the instance go on, and the image does not count as
// frozen. It is not rolled, unless the plan takes it all the same.
func TestTheLimitPasses(t *testing.T) {
	busy := func(action string) func(n *night, db string) {
		return func(n *night, db string) {
			n.at("image", db, func(work) {
				n.Inject(inject.Fault{Action: action, Code: "RequestLimitExceeded", Until: time.Now().Add(90 * time.Second)})
			})
		}
	}
	for name, c := range map[string]struct {
		shows   time.Duration
		prepare func(n *night, db string)
		says    string
		images  int
	}{
		"snapshots are begun late": {shows: 2 * time.Minute, says: "not every volume was seen to have a snapshot within 1m",
			images: 1},
		"snapshots are seen late": {prepare: busy("DescribeSnapshots"), images: 1,
			says: "not every volume was seen to have a snapshot within 1m"},
		"the image is begun late": {prepare: busy("CreateImage"), says: "CreateImage was not taken within 1m"},
		"the freeze is seen late": {says: "not known to be frozen within 1m", prepare: func(n *night, db string) {
			n.at("hook", db, func(work) {
				n.Inject(inject.Fault{Action: "ListCommandInvocations", Code: "ThrottlingException",
					Until: time.Now().Add(90 * time.Second)})
			})
		}},
	} {
		for _, how := range plan.HookFailures {
			t.Run(fmt.Sprint(name, " ", how), func(t *testing.T) {
				o := frozen(thawed(how))
				if c.shows > 0 {
					o.EC2.Timing = ec2.DefaultTiming()
					o.EC2.Timing.SnapshotShows = ec2.Span{Min: c.shows, Max: c.shows}
				}
				play(t, o, func(n *night) {
					db := n.managed("db", "gp3")
					if c.prepare != nil {
						c.prepare(n, db)
					}
					r := n.run()[0]
					want := job.Broken
					switch {
					case how == plan.HookIgnore:
						want = job.Imaged
					case how == plan.HookSkip && strings.HasPrefix(name, "the freeze"):
						want = job.Skipped
					}
					n.want("ending", n.results(r)[db].Ending, want)
					n.want("commands", n.did(db), "freeze thaw")
					n.want("watchdog", n.onlyFreeze(db).Watchdog, true)
					if how == plan.HookIgnore {
						n.want("warns", warns(n.results(r)[db], job.BeforeFailed), true)
					} else {
						n.want("rolled", strings.Contains(n.messagesOf(r)[0], "Rolled"), false)
						n.saysOf(r, c.says)
					}
				})
			})
		}
	}
}

// Systems Manager is lost once all stands still: the watchdog lets the instance go on. The snapshots were seen in time,
// so that the image stands.
func TestSystemsManagerIsLostWhileFrozen(t *testing.T) {
	play(t, frozen(), func(n *night) {
		db := n.managed("db", "")
		n.at("image", db, func(work) {
			n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId", Until: time.Now().Add(time.Hour)})
		})
		r := n.run()[0]
		n.want("ending", n.results(r)[db].Ending, job.Imaged)
		n.want("watchdog", n.onlyFreeze(db).Watchdog, true)
		n.saysOf(r, "PARTIAL", "the thaw was not run", "Systems Manager does not reach its agent")
		time.Sleep(time.Hour)
		n.want("commands", n.did(db), "freeze thaw")
		n.want("claims", n.claimed(), 0)
	})
}

// Other hands let the instance go on before its snapshots were begun, as the thaw says: the image does not count as
// frozen.
func TestOtherHandsThaw(t *testing.T) {
	for _, how := range plan.HookFailures {
		t.Run(string(how), func(t *testing.T) {
			play(t, frozen(thawed(how)), func(n *night) {
				db := n.managed("db", "")
				n.at("image", db, func(work) { n.Parameters.LetGo(db) })
				r := n.run()[0]
				n.want("commands", n.did(db), "freeze thaw")
				if how == plan.HookIgnore {
					n.want("ending", n.results(r)[db].Ending, job.Imaged)
					n.want("warns", warns(n.results(r)[db], job.BeforeFailed), true)
					return
				}
				n.want("ending", n.results(r)[db].Ending, job.Broken)
				n.saysOf(r, "it may not have stood still for its image: the thaw failed", "something else let it go on before")
			})
		})
	}
}

// A person stops or terminates what is frozen: whether it stood still is not known.
func TestAPersonWhileFrozen(t *testing.T) {
	for name, c := range map[string]struct {
		do  func(n *night, id string)
		why string
	}{
		"terminates": {func(n *night, id string) {
			must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}}))(n.t)
		}, "was terminated"},
		"stops": {func(n *night, id string) {
			n.excused.stopped[id] = true
			must(n.cloud.StopInstances(n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{id}}))(n.t)
		}, "is stopped, and was not by Goldsmith"},
	} {
		for when, strike := range map[string]func(n *night, id string, do func(work)){
			"before": func(n *night, id string, do func(work)) { n.at("image", id, do) },
			"after":  func(n *night, id string, do func(work)) { n.after("image", id, do) },
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				play(t, frozen(), func(n *night) {
					db := n.managed("db", "")
					strike(n, db, func(work) { c.do(n, db) })
					r := n.run()[0]
					time.Sleep(4 * sweep)
					n.want("ending", n.results(r)[db].Ending, job.Broken)
					n.want("commands", n.did(db), "freeze")
					n.saysOf(r, "the thaw was not run: the instance "+c.why)
					n.want("claims", n.claimed(), 0)
				})
			})
		}
	}
}

// Systems Manager or EC2 is busy for some calls, or answers are lost: nothing is run twice, and the image is frozen.
func TestAFreezeIsThrottled(t *testing.T) {
	for name, fault := range map[string]inject.Fault{
		"the answer to the freeze is lost": {Action: "SendCommand", Nth: []int{1}, Drop: true},
		"the answer to the thaw is lost":   {Action: "SendCommand", Nth: []int{2}, Drop: true},
		"commands":                         {Action: "SendCommand", Nth: []int{1, 3}, Code: "ThrottlingException"},
		"looks for commands":               {Action: "ListCommandInvocations", Nth: []int{1, 2, 3}, Code: "ThrottlingException"},
		"images":                           {Action: "CreateImage", Nth: []int{1, 2}, Code: "RequestLimitExceeded"},
		"the answer to the image is lost":  {Action: "CreateImage", Nth: []int{1}, Drop: true},
		"looks for snapshots":              {Action: "DescribeSnapshots", Nth: []int{1, 2}, Code: "RequestLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, frozen(), func(n *night) {
				db := n.managed("db", "gp3")
				n.Inject(fault)
				r := n.run()[0]
				n.want("ending", n.results(r)[db].Ending, job.Imaged)
				n.want("commands", n.did(db), "freeze thaw")
				n.want("watchdog", n.onlyFreeze(db).Watchdog, false)
			})
		})
	}
}

// A run, or one source's part of it, is cut off: the sweep thaws, if the watchdog has not. A plan that was changed
// meanwhile makes no difference to that.
func TestAFrozenRunIsCutOff(t *testing.T) {
	for _, step := range []string{"hook", "image", "watch:snapshotted", "release"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(step, " ", after), func(t *testing.T) {
				play(t, frozen(), func(n *night) {
					db := n.managed("db", "")
					stop := func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) }
					if after {
						n.after(step, db, stop)
					} else {
						n.at(step, db, stop)
					}
					n.run()
					time.Sleep(4*sweep + time.Minute)
					n.want("commands", n.did(db), "freeze thaw")
				})
			})
		}
	}
}

// A run that was cut off is redriven: no image is made of what goes on again.
func TestAFrozenRunIsRedriven(t *testing.T) {
	for _, later := range []time.Duration{10 * time.Second, 3 * time.Minute, 2 * sweep} {
		t.Run(later.String(), func(t *testing.T) {
			play(t, frozen(), func(n *night) {
				n.excused.dead, n.excused.redriven = true, true
				db := n.managed("db", "")
				n.begin()
				n.at("image", db, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
				r := n.run()[0]
				time.Sleep(later)
				_, err := sfnsdk.NewFromConfig(n.AWS()).RedriveExecution(n.ctx,
					&sfnsdk.RedriveExecutionInput{ExecutionArn: &r.ARN})
				n.ok(err)
				n.finish()
				time.Sleep(2*sweep + 2*time.Minute)
				n.want("ending", n.results(r)[db].Ending, job.Broken)
				n.want("commands", n.did(db), "freeze thaw")
			})
		})
	}
}

// Nobody knows how to freeze Windows: it is left alone, and told.
func TestWindowsIsNotFrozen(t *testing.T) {
	play(t, frozen(), func(n *night) {
		db := n.managed("db", "image="+ec2.ImageWindows)
		r := n.run()[0]
		n.wasSkipped(r, db, job.NotFreezable)
		n.want("commands", n.did(db), "")
	})
}

// A rehearsal says what becomes of what is to be frozen: what Systems Manager does not reach, and what runs Windows.
func TestARehearsalOfWhatIsFrozen(t *testing.T) {
	for _, how := range plan.HookFailures {
		t.Run(string(how), func(t *testing.T) {
			play(t, frozen(thawed(how)), func(n *night) {
				db, bare := n.managed("db", "private"), n.launch("bare", "private")
				windows, rest := n.managed("desktop", "private image="+ec2.ImageWindows), n.launch("rest", "private stopped")
				p := n.plans.Plans["nightly"]
				said := map[string]rehearsal.Source{}
				for _, s := range n.rehearse(rehearsal.Scheduled(p, due), p).Sources {
					said[s.ID] = s
				}
				n.want("db", said[db].Decision, job.ImageNow)
				n.want("rest", said[rest].Decision, job.ImageNow)
				n.want("desktop", said[windows].Skip.Code, job.NotFreezable)
				if how == plan.HookIgnore {
					n.want("bare", said[bare].Warnings[0].Code, job.BeforeFailed)
				} else {
					n.want("bare", said[bare].Skip.Code, job.BeforeFailed)
				}
				results := n.results(n.run()[0])
				for id, s := range said {
					imaged := results[id].Ending == job.Imaged
					n.want("imaged "+s.Name, imaged, s.Decision != job.SkipIt)
				}
			})
		})
	}
}
