package night_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/inject"
	"goldsmith/local/sfn"
	"goldsmith/local/ssm"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// general is the nightly plan with general images.
func general(edits ...func(*plan.Plan)) plan.Plans {
	plans := tested(func(v *plan.Verify) { v.Profile = "tested" })
	p := plans.Plans["nightly"]
	p.Generalize.Enabled = true
	for _, edit := range edits {
		edit(&p)
	}
	plans.Plans["nightly"] = p
	return plans
}

// clones are the clones that there are or have just been.
func (n *night) clones() []types.Instance {
	n.t.Helper()
	return slices.DeleteFunc(n.tests(), func(i types.Instance) bool {
		tags := tag.Map(i.Tags)
		return aws.ToString(i.ClientToken) != register.CloneToken(tags[tag.BootTest], tags[tag.Source])
	})
}

// wasMade: the general image was rolled, and it was made of a clone that had been cleaned and was at rest. The image of
// the source itself is there, too.
func wasMade(n *night, r sfn.Execution, web string) {
	n.t.Helper()
	n.wasImaged(r, web)
	result := n.results(r)[web]
	if result.Raw == nil {
		n.t.Fatalf("no general image was made: %+v", result)
	}
	n.want("clones", len(n.clones()), 1)
	n.want("test instances", len(n.tests()), 2)
	cloned := n.clones()[0]
	n.want("image of the clone", aws.ToString(cloned.ImageId), result.Raw.ID)
	made := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{result.Image.ID, result.Raw.ID}}))(n.t).
		Images
	of := map[string]string{}
	for _, i := range made {
		n.want("state", i.State, types.ImageStateAvailable)
		of[aws.ToString(i.ImageId)] = aws.ToString(i.SourceInstanceId)
	}
	n.want("what they are of", of, map[string]string{result.Image.ID: aws.ToString(cloned.InstanceId), result.Raw.ID: web})
	n.want("its name", result.Image.Name, result.Raw.Name+"/general")
	n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), result.Image.ID)
	n.saysOf(r, "OK: nightly", result.Image.ID, result.Raw.ID)
	n.atRest(result)
}

// generally are a night's options with general images.
func generally() stack.Options { return stack.Options{Plans: general()} }

// rollsWhatWasCleaned: where the plan wants general images nothing but these is rolled or shared.
func (n *night) rollsWhatWasCleaned(images []types.Image) {
	n.t.Helper()
	of := map[string]string{}
	for _, i := range images {
		of[aws.ToString(i.ImageId)] = aws.ToString(i.SourceInstanceId)
	}
	for _, r := range n.runs() {
		for _, result := range n.results(r) {
			if !n.plans.Plans[result.Plan].Generalize.Enabled || !used(result) {
				continue
			}
			if clone, there := of[result.Image.ID]; there && (!n.cleaned(clone) || n.EC2.Taken(result.Image.ID).Live) {
				n.t.Errorf("%s of %s was rolled or shared, and it is of %s, which was not cleaned or not at rest",
					result.Image.ID, result.Source, clone)
			}
		}
	}
}

// used reports whether an image was rolled or shared.
func used(r job.Result) bool { return len(r.Rolled) > 0 || r.Shared != nil && r.Shared.Problem == "" }

// cleaned reports whether an instance has run the script to its end.
func (n *night) cleaned(instance string) bool {
	return slices.ContainsFunc(n.Parameters.Invocations(), func(i ssm.Invocation) bool {
		return i.Instance == instance && i.Done && strings.Contains(i.Command, "exec sh /run/goldsmith/generalize.sh")
	})
}

// atRest: a general image is of an instance that was cleaned, and stopped after that.
func (n *night) atRest(r job.Result) {
	n.t.Helper()
	n.want("its clone was cleaned before", n.cleaned(aws.ToString(n.clones()[0].InstanceId)), true)
	n.want("it was written to meanwhile", n.EC2.Taken(r.Image.ID).Live, false)
}

func TestAGeneralImage(t *testing.T) {
	silent := map[string]eventbridge.Faults{"aws.ec2": {Loss: 1}, "aws.tag": {Loss: 1}}
	t.Run("it is made and rolled", func(t *testing.T) { aTest(t, general(), nil, nil, wasMade) })
	t.Run("EC2's events lost", func(t *testing.T) { aTest(t, general(), silent, nil, wasMade) })
	t.Run("with a test's command", func(t *testing.T) {
		aTest(t, general(func(p *plan.Plan) { command(&p.Verify) }), nil, nil, wasMade)
	})
	t.Run("the instance waits for its image", func(t *testing.T) {
		aTest(t, general(func(p *plan.Plan) { p.Restart = plan.Available }), nil, nil, wasMade)
	})
	for _, action := range []string{"RunInstances", "CreateImage"} {
		t.Run("answers are lost: "+action, func(t *testing.T) {
			aTest(t, general(), nil, func(n *night, _ string) {
				n.EC2.Inject(ec2.Fault{Action: action, Drop: true, Nth: []int{1, 2, 3, 4, 5, 6, 7}})
			}, wasMade)
		})
	}
	t.Run("a plan without it makes none", func(t *testing.T) {
		aTest(t, tested(), nil, nil, func(n *night, r sfn.Execution, web string) {
			passed(n, r, web)
			n.want("raw", n.results(r)[web].Raw == nil, true)
		})
	})
}

// The source is down for as long as without a general image, to the second.
func TestAGeneralImageCostsNoDowntime(t *testing.T) {
	var down [2]time.Duration
	for i, plans := range []plan.Plans{tested(), general()} {
		aTest(t, plans, nil, nil, func(n *night, r sfn.Execution, web string) {
			down[i] = n.results(r)[web].Times.Downtime()
		})
	}
	if down[0] != down[1] || down[0] == 0 {
		t.Errorf("it was down for %s without a general image, and %s with one", down[0], down[1])
	}
}

func TestNoGeneralImage(t *testing.T) {
	strikes := func(f ec2.Fault) func(n *night, _ string) {
		return func(n *night, _ string) { n.EC2.Inject(f) }
	}
	ran := func(r ssm.Ran) func(n *night, _ string) {
		return func(n *night, _ string) { n.Parameters.OnCommand(func(_, _ string) ssm.Ran { return r }) }
	}
	for name, c := range map[string]struct {
		story func(n *night, web string)
		// raw is the state of the image of the source itself in the result; empty where that is a general one.
		raw  string
		says []string
	}{
		"the clone does not boot": {strikes(ec2.Fault{Action: "RunInstances", Impaired: true}), job.Unproven,
			[]string{"did not boot: its clone i-", "its instance status check is impaired"}},
		"EC2 has no room": {strikes(ec2.Fault{Action: "RunInstances", Code: "InsufficientInstanceCapacity"}), job.Unproven,
			[]string{"no general image could be made of image ami-", "no t3.micro"}},
		"it cannot be cleaned": {ran(ssm.Ran{Status: "Failed", Code: 1, Output: "not run by systemd"}), "available",
			[]string{"no general image could be made of image ami-", "not run by systemd"}},
		"cleaning it hangs": {ran(ssm.Ran{Took: 3 * time.Hour}), "available", []string{"TimedOut"}},
		"its agent never registers": {
			func(n *night, _ string) { n.Inject(inject.Fault{Action: "SendCommand", Code: "InvalidInstanceId"}) }, "available",
			[]string{"its clone was not cleaned within 20m", "agent has not registered"}},
		"it is not to be stopped": {func(n *night, web string) {
			n.after("watch:cloned", web, func(work) {
				n.EC2.Inject(ec2.Fault{Action: "StopInstances", Code: denied, Status: 403})
			})
		}, "available", []string{denied}},
		"somebody terminates it": {func(n *night, _ string) {
			n.Parameters.OnCommand(func(_, _ string) ssm.Ran {
				go func() { // The store has its lock held.
					must(n.cloud.TerminateInstances(n.ctx,
						&sdk.TerminateInstancesInput{InstanceIds: []string{aws.ToString(n.clones()[0].InstanceId)}}))(n.t)
				}()
				return ssm.Ran{}
			})
		}, "available", []string{"clone"}},
		"its image fails": {func(n *night, web string) {
			n.after("watch:cloned", web, func(work) {
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", ImageState: "failed", Message: "a volume is gone"})
			})
		}, "", []string{"is failed"}},
		"the general image does not boot": {func(n *night, web string) {
			n.after("watch:cloned", web, func(work) { n.EC2.Inject(ec2.Fault{Action: "RunInstances", Impaired: true}) })
		}, "", []string{"did not boot: its test instance"}},
	} {
		t.Run(name, func(t *testing.T) {
			aTest(t, general(), nil, c.story, func(n *night, r sfn.Execution, web string) {
				result := n.results(r)[web]
				n.want("ending", result.Ending, job.Broken)
				n.want("a general one is recorded", result.Raw != nil, c.raw == "")
				if c.raw != "" {
					n.want("state of the image", result.Image.State, c.raw)
				}
				n.want("rolled", len(result.Rolled), 0)
				n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
				n.saysOf(r, c.says...)
			})
		})
	}
}

// What runs Windows is imaged and tested as a backup, and is not rolled; a rehearsal says so before, and people are told.
func TestWindowsIsLeftRaw(t *testing.T) {
	play(t, generally(), func(n *night) {
		web := n.launch("web", "private image="+ec2.ImageWindows)
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		said := n.rehearse(rehearsal.Scheduled(n.plans.Plans["nightly"], due), n.plans.Plans["nightly"])
		for _, s := range said.Sources {
			n.want("rehearsed", s.General, job.GeneralLeft)
			n.want("warned of", len(s.Warnings) > 0 && s.Warnings[len(s.Warnings)-1].Code == job.LeftRaw, true)
		}
		n.want("rehearsed rolls", len(said.Templates), 0)
		r := n.run()[0]
		n.wasImaged(r, web)
		result := n.results(r)[web]
		n.want("state", result.Image.State, "available")
		n.want("tests and clones", len(n.tests()), 1)
		n.want("clones", len(n.clones()), 0)
		n.want("rolled", len(result.Rolled), 0)
		n.want("image of the template", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
		n.saysOf(r, string(job.LeftRaw), "it runs Windows", "neither rolled nor shared nor copied")
	})
}

// What is frozen and not stopped has a general image, too: its clone is not frozen, but stopped.
func TestAFrozenSourceHasAGeneralImage(t *testing.T) {
	plans := general(func(p *plan.Plan) { p.Consistency, p.Freeze.Of = plan.Frozen, plan.FreezeMySQL })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		db := n.managed("db", "gp3 gp3")
		r := n.run()[0]
		result := n.results(r)[db]
		n.want("ending", result.Ending, job.Imaged)
		n.want("commands", n.did(db), "freeze thaw")
		n.want("kinds", []bool{result.Image.General, result.Raw != nil}, []bool{true, true})
		n.want("stopped", n.callsOf("StopInstances")[0].Resources, []string{aws.ToString(n.clones()[0].InstanceId)})
		n.onlyFreeze(db)
	})
}

// The rules count for general images and for the others by themselves: neither pushes anything of the other out.
func TestGeneralImagesAreKeptApart(t *testing.T) {
	plans := general(func(p *plan.Plan) { p.Keep.Last, p.Keep.Minimum, p.Keep.Grace = 2, 1, plan.Duration(time.Hour) })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "private")
		n.begin()
		made := 0
		for made < 8 {
			made = len(n.run())
			time.Sleep(72 * time.Hour)
		}
		kinds := map[bool]int{}
		for _, i := range n.imagesOf(web) {
			kinds[strings.HasSuffix(aws.ToString(i.Name), "/general")]++
		}
		for general, left := range kinds { // Two are kept, and what was launched lately stays for two days.
			if left < 2 || left > 5 || left >= made {
				n.t.Errorf("of %d nights %d images are left, general: %v", made, left, general)
			}
		}
		n.want("kinds", len(kinds), 2)
	})
}

// What is copied and shared is the general image, and the copy is registered as one.
func TestAGeneralImageIsCopied(t *testing.T) {
	plans := general(func(p *plan.Plan) {
		p.Copies, p.Share.Accounts = []plan.Copy{{Region: virginia}}, []string{"111122223333"}
	})
	play(t, afar(plans), func(n *night) {
		web := n.launch("web", "private")
		n.begin()
		r := n.run()[0]
		result := n.results(r)[web]
		n.want("copies", len(result.Copies), 1)
		copied := n.registrationOf(result.Copies[0].ID)
		n.want("its image", copied.From, result.Image.ID)
		n.want("registered", []any{copied.General, copied.Lineage, copied.Good}, []any{true, web, true})
		n.want("shared", result.Shared.Accounts, []string{"111122223333"})
		n.want("the source's own is shared", n.registrationOf(result.Raw.ID).Shared == nil, true)
		n.want("kinds", []bool{n.registrationOf(result.Image.ID).General, n.registrationOf(result.Raw.ID).General},
			[]bool{true, false})
	})
}
