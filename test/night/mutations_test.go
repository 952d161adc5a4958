package night_test

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/infra/workflow"
	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// mutation is the product with one thing wrong in it, and a night in which that matters.
type mutation struct {
	name string
	// breaks is the invariant that has to report it.
	breaks string
	// on is the account that the night is played in; nil for the usual one.
	on    func() stack.Options
	edit  func(o *stack.Options)
	story func(n *night)
}

// Each invariant is broken by a product that is wrong in one place, and notices. An
// invariant that cannot fail proves nothing of the nights in which it held. No other
// notices, so that each mutation shows what it is meant to.
func TestEveryInvariantCanBreak(t *testing.T) {
	unbroken := map[string]bool{}
	for _, i := range invariants {
		unbroken[i.name] = true
	}
	for _, m := range slices.Concat(mutations, launchMutations, copyMutations, rollAfarMutations) {
		t.Run(m.name, func(t *testing.T) {
			if m.on == nil {
				m.on = func() stack.Options { return stack.Options{} }
			}
			if sound := brokenIn(t, m.on(), m.story); len(sound) > 0 {
				t.Errorf("the night is no good: without the mutation it breaks %q", sound)
			}
			o := m.on()
			m.edit(&o)
			if got := brokenIn(t, o, m.story); !slices.Equal(got, []string{m.breaks}) {
				t.Errorf("want %q to notice and no other, but %q do", m.breaks, got)
			}
			delete(unbroken, m.breaks)
		})
	}
	for name := range unbroken {
		t.Errorf("no mutation breaks %q", name)
	}
	t.Logf("%d mutations, %d invariants", len(mutations)+len(launchMutations)+len(copyMutations)+len(rollAfarMutations),
		len(invariants))
}

// brokenIn are the invariants that a night reports as broken.
func brokenIn(t *testing.T, o stack.Options, story func(n *night)) (broken []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &witness{T: t, n: newNight(t, o)}
		w.n.t = w
		defer w.n.end()
		// A night that has come to nothing is not the invariants' business.
		w.n.excused.dead = true
		w.play(story)
		broken = slices.Compact(slices.Sorted(slices.Values(w.broken)))
	})
	return broken
}

// witness hears what is wrong with a night, and lets the test pass.
type witness struct {
	*testing.T
	n      *night
	broken []string
}

// over is the panic that ends a story.
type over struct{}

func (w *witness) play(story func(n *night)) {
	defer func() {
		if r := recover(); r != nil && r != (over{}) {
			panic(r)
		}
	}()
	story(w.n)
	w.n.check()
}

func (w *witness) Error(args ...any)                 { w.hear(fmt.Sprint(args...)) }
func (w *witness) Errorf(format string, args ...any) { w.hear(fmt.Sprintf(format, args...)) }
func (w *witness) Fatal(args ...any)                 { w.hear(fmt.Sprint(args...)); panic(over{}) }
func (w *witness) Fatalf(format string, args ...any) {
	w.hear(fmt.Sprintf(format, args...))
	panic(over{})
}

func (w *witness) hear(what string) {
	w.Logf("%s: %s", w.n.checked, what)
	if w.n.checked != "" {
		w.broken = append(w.broken, w.n.checked)
	}
}

var mutations = []mutation{
	{
		name: "the claim does not say which command is due", breaks: afterRan,
		on: func() stack.Options { return commanded() },
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(), record: func(c *ledger.Claim) {
				if c.Hook != nil {
					hook := *c.Hook
					hook.After, c.Hook = false, &hook
				}
			}}
		},
		story: func(n *night) { n.managed("web", ""); n.run() },
	},
	{
		name: "the claim forgets that the command before was sent", breaks: afterRan,
		on: func() stack.Options { return commanded() },
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(), record: func(c *ledger.Claim) { c.Hook = nil }}
		},
		story: func(n *night) { n.managed("web", ""); n.run() },
	},
	{
		name: "the freeze is sent without its limit", breaks: thawsSoon,
		on: func() stack.Options { return frozen() },
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("SendCommand", ` limit=\d+`, func() string { return "" }))
		},
		story: func(n *night) {
			db := n.managed("db", "")
			n.at("image", db, func(work) {
				n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId", Until: time.Now().Add(2 * time.Minute)})
			})
			n.run()
		},
	},
	{
		name: "the watchdog lets go early", breaks: ofFrozen,
		on: func() stack.Options {
			o := frozen()
			o.EC2.Timing = ec2.DefaultTiming()
			o.EC2.Timing.SnapshotShows = ec2.Span{Min: 20 * time.Second, Max: 20 * time.Second}
			return o
		},
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("SendCommand", ` limit=\d+`, func() string { return " limit=9" }))
		},
		story: func(n *night) { n.managed("db", ""); n.run() },
	},
	{
		name: "what fails ends the source's work, and recover sleeps", breaks: isBack,
		edit: func(o *stack.Options) { o.Definition, o.Wrap = uncaught(), deaf("recover") },
		story: func(n *night) {
			web := n.launch("web", "")
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Code: denied, Status: 403})
			n.run()
		},
	},
	{
		name: "the claim does not say that a stop was sent", breaks: isBack,
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(),
				record: func(c *ledger.Claim) { c.StopSent, c.StopTried = time.Time{}, time.Time{} }}
		},
		story: abortedWhileDown,
	},
	{
		name: "nothing is claimed", breaks: isBack,
		edit: func(o *stack.Options) { o.Ledger = &wrong{Ledger: ledger.NewMemory(), unclaimed: true} },
		story: func(n *night) {
			web := n.launch("web", "")
			n.after("stop", web, func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
			n.run()
		},
	},
	{
		name: "the claim does not say that a member is out of service", breaks: inService,
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(), record: func(c *ledger.Claim) { c.Standby = nil }}
			o.Plans = shrinking().Plans
		},
		story: func(n *night) {
			members := n.serving()
			n.after("image", members[0], func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
			n.run()
			time.Sleep(20 * time.Minute)
		},
	},
	{
		name: "the claim does not say that a member is protected", breaks: unprotected,
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(), record: func(c *ledger.Claim) {
				if c.Standby != nil {
					out := *c.Standby
					out.Protected, c.Standby = time.Time{}, &out
				}
			}}
			o.Plans = replacing().Plans
		},
		story: func(n *night) {
			members := n.serving(roomy)
			n.after("image", members[0], func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
			n.run()
			time.Sleep(20 * time.Minute)
		},
	},
	{
		name: "the claim does not say which targets are out", breaks: inGroups,
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(), record: func(c *ledger.Claim) { c.Standby = nil }}
			o.Plans = drained().Plans
		},
		story: func(n *night) {
			web, _ := n.balanced()
			n.after("image", web, func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
			n.run()
			time.Sleep(20 * time.Minute)
		},
	},
	{
		name: "everything counts as having run", breaks: staysStopped,
		edit: func(o *stack.Options) {
			o.Ledger = &wrong{Ledger: ledger.NewMemory(), record: func(c *ledger.Claim) {
				c.WasRunning, c.StopSent = true, time.Now().Truncate(24*time.Hour)
			}}
		},
		story: func(n *night) {
			rest := n.launch("rest", "stopped")
			n.after("claim", rest, func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
			n.run()
		},
	},
	{
		name: "the image's name differs from attempt to attempt, and nothing is removed", breaks: oneImage,
		edit: func(o *stack.Options) { o.Guard = guarded(renaming(), refusing("DeregisterImage")) },
		story: func(n *night) {
			n.launch("web", "")
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Nth: []int{1}, Drop: true})
			n.run()
		},
	},
	{
		name: "images and snapshots are made without tags", breaks: oneImage,
		edit:  func(o *stack.Options) { o.Guard = guarded(untagging()) },
		story: func(n *night) { n.launch("web", "stopped"); n.run() },
	},
	{
		name: "images of jobs that were cut off stay", breaks: oneImage,
		edit: func(o *stack.Options) { o.Guard = guarded(refusing("DeregisterImage")) },
		story: func(n *night) {
			web := n.launch("web", "")
			n.after("image", web, func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
			n.run()
			time.Sleep(20 * time.Minute)
		},
	},
	{
		name: "every place is free", breaks: bounded,
		edit: func(o *stack.Options) { o.Ledger = &wrong{Ledger: ledger.NewMemory(), unbounded: true} },
		story: func(n *night) {
			n.begin()
			for i := range 5 {
				n.launch(fmt.Sprintf("web-%d", i), "plan=few")
			}
			few := n.plans.Plans["nightly"]
			few.Name, few.Concurrency, few.Schedule = "few", 2, ""
			n.plans.Plans["few"] = few
			for _, id := range n.ids() {
				n.ask(id, "few")
			}
			n.finish()
		},
	},
	{
		name: "claims are not dropped", breaks: released,
		edit:  func(o *stack.Options) { o.Ledger = &wrong{Ledger: ledger.NewMemory(), undropped: true} },
		story: calmNight,
	},
	{
		name: "waits are not forgotten", breaks: released,
		edit:  func(o *stack.Options) { o.Ledger = &wrong{Ledger: ledger.NewMemory(), unforgotten: true} },
		story: calmNight,
	},
	{
		name: "requests are not taken off", breaks: released,
		edit: func(o *stack.Options) { o.Guard = guarded(refusing("DeleteTags")) },
		story: func(n *night) {
			lab := n.launch("lab", "unenrolled")
			n.begin()
			n.ask(lab, "now")
			n.run()
		},
	},
	{
		name: "test instances cannot be terminated", breaks: ended,
		edit: func(o *stack.Options) { o.Guard = guarded(refusing("TerminateInstances")) },
		story: func(n *night) {
			web := n.launch("web", "")
			n.begin()
			n.launchTest(web)
			n.run()
		},
	},
	{
		name: "clones cannot be terminated", breaks: ended, on: generally,
		edit:  func(o *stack.Options) { o.Guard = guarded(refusing("TerminateInstances")) },
		story: func(n *night) { n.launch("web", ""); n.run() },
	},
	{
		name: "a clone is not cleaned", breaks: ofCleaned, on: generally,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("SendCommand", "exec sh [^ ]+/generalize.sh", func() string { return "true" }))
		},
		story: func(n *night) { n.launch("web", ""); n.run() },
	},
	{
		name: "no general image is made of what is to have one", breaks: ofCleaned, on: generally,
		edit: func(o *stack.Options) {
			o.Definition = strings.ReplaceAll(workflow.Definition, `"StringEquals": "due"`, `"StringEquals": "never"`)
		},
		story: func(n *night) { n.launch("web", ""); n.run() },
	},
	{
		name: "what has no general image is rolled all the same", breaks: ofCleaned, on: generally,
		edit: func(o *stack.Options) {
			o.Definition = strings.ReplaceAll(workflow.Definition, `"StringEquals": "left"`, `"StringEquals": "never"`)
		},
		story: func(n *night) { n.launch("web", "image="+ec2.ImageWindows); n.run() },
	},
	{
		name: "what nobody registered is taken for a test instance", breaks: registered,
		edit: func(o *stack.Options) {
			o.Guard = guarded(between("DescribeInstances",
				func(form string) string { return strings.ReplaceAll(form, "=token", "=theirs") },
				func(body string) string {
					return strings.ReplaceAll(body, "<clientToken>theirs<", "<clientToken>token<")
				}))
		},
		story: func(n *night) {
			web := n.launch("web", "")
			n.begin()
			n.registerTest(web)
			n.launchAs("theirs", map[string]string{"Name": "theirs", tag.BootTest: "by hand"})
			n.run()
			time.Sleep(20 * time.Minute)
		},
	},
	{
		name: "an image of others is deprecated in the place of one's own", breaks: registered,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("EnableImageDeprecation", "ImageId=ami-[0-9a-f]+", theirs.image("ImageId=")))
		},
		story: nightOfTheirs,
	},
	{
		name: "an image that nobody registered is counted", breaks: registered,
		edit:  func(o *stack.Options) { o.Ledger = &wrong{Ledger: ledger.NewMemory(), counted: &theirs} },
		story: nightOfTheirs,
	},
	{
		name: "a snapshot of others is deleted in the place of one's own", breaks: registered,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("DeleteSnapshot", "SnapshotId=snap-[0-9a-f]+", theirs.snapshot("SnapshotId=")))
		},
		story: nightsOfTheirSnapshot,
	},
	{
		name: "a snapshot of others is shared", breaks: registered,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("DeleteSnapshot", "Action=DeleteSnapshot&SnapshotId=snap-[0-9a-f]+",
				theirs.snapshot("Action=ModifySnapshotAttribute&Attribute=createVolumePermission&OperationType=add"+
					"&UserId.1=210987654321&SnapshotId=")))
		},
		story: nightsOfTheirSnapshot,
	},
	{
		name: "an image gets a tag in the place of its source", breaks: registered,
		edit: func(o *stack.Options) {
			o.Guard = guarded(
				instead("CreateTags", "goldsmith%3Alast-image", func() string { return "goldsmith%3Anew" }),
				instead("CreateTags", `ResourceId\.1=i-[0-9a-f]+`, theirs.image("ResourceId.1=")))
		},
		story: nightOfTheirs,
	},
	{
		name: "a source gets a tag that is not Goldsmith's", breaks: registered,
		edit: func(o *stack.Options) {
			o.Guard = guarded(instead("CreateTags", `goldsmith%3Alast-image`, func() string { return "Name" }))
		},
		story: calmNight,
	},
	{
		name: "nobody remembers that people were told", breaks: told,
		edit: func(o *stack.Options) { o.Ledger = &wrong{Ledger: ledger.NewMemory(), untold: true} },
		story: func(n *night) {
			web := n.launch("web", "")
			n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Code: denied, Status: 403})
			n.run()
		},
	},
	{
		name: "nobody tells", breaks: told,
		edit:  func(o *stack.Options) { o.Wrap = deaf("notify", "recover") },
		story: calmNight,
	},
	{
		name: "somebody else's tag enrols", breaks: enrolled,
		edit: func(o *stack.Options) {
			o.Guard = guarded(answering("DescribeInstances", "<key>their:plan<", "<key>goldsmith:plan<"))
		},
		story: func(n *night) {
			theirs := n.launch("theirs", "unenrolled their:plan=nightly")
			n.begin()
			payload := fmt.Sprintf(`{"goldsmith":"run","version":"1","plan":"nightly","source":%q}`, theirs)
			if _, err := n.Invoke(n.ctx, "trigger", []byte(payload)); err != nil {
				n.t.Fatal(err)
			}
			n.finish()
		},
	},
}

func calmNight(n *night) { n.launch("web", ""); n.run() }

func abortedWhileDown(n *night) {
	web := n.launch("web", "")
	n.after("watch:stopped", web, func(work) {})
	n.at("image", web, func(w work) { n.ok(n.States.Stop(w.Execution, "", "")) })
	n.run()
}

// uncaught is the definition in which a failure after the claim leads to the end.
func uncaught() string {
	caught := regexp.MustCompile(`("ResultPath": "\$\.failure",\s+"Next": )"Bring the instance back"`)
	claim, rest, _ := strings.Cut(workflow.Definition, `"Stop the instance": {`)
	return claim + `"Stop the instance": {` + caught.ReplaceAllString(rest, `$1"The source is done"`)
}

func (w *wrong) Record(ctx context.Context, c ledger.Claim) error {
	if w.unclaimed {
		return nil
	}
	if w.record != nil {
		w.record(&c)
	}
	return w.Ledger.Record(ctx, c)
}

func (w *wrong) Drop(ctx context.Context, source, run string) error {
	if w.undropped {
		return nil
	}
	return w.Ledger.Drop(ctx, source, run)
}

func (w *wrong) DropUnstopped(ctx context.Context, source, run string) (bool, error) {
	if w.undropped {
		return true, nil
	}
	return w.Ledger.DropUnstopped(ctx, source, run)
}

func (w *wrong) Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error) {
	return w.Ledger.Take(ctx, w.placed(s), before)
}

func (w *wrong) Free(ctx context.Context, s ledger.Slot) error {
	return w.Ledger.Free(ctx, w.placed(s))
}

// placed is a place that only its source may have, so that it is free for each.
func (w *wrong) placed(s ledger.Slot) ledger.Slot {
	if w.unbounded && s.Kind == ledger.Places && !strings.HasSuffix(s.ID, s.Source) {
		s.ID += s.Source
	}
	return s
}

func (w *wrong) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	return func(yield func(ledger.Slot, error) bool) {
		for s, err := range w.Ledger.Slots(ctx, plan) {
			if w.unbounded && plan != "" && err == nil && s.Kind == ledger.Places {
				continue
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func (w *wrong) Done(ctx context.Context, wait ledger.Wait) error {
	if w.unforgotten {
		return nil
	}
	return w.Ledger.Done(ctx, wait)
}

func (w *wrong) Notified(ctx context.Context, run string, at time.Time) (bool, error) {
	if w.untold {
		return true, nil
	}
	return w.Ledger.Notified(ctx, run, at)
}

func (w *wrong) Notifying(ctx context.Context, run string, at time.Time) (bool, error) {
	if w.untold {
		return true, nil
	}
	return w.Ledger.Notifying(ctx, run, at)
}
