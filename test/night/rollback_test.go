package night_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/account"
	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// nights plays until the run of that night, the first being 0, has ended, and gives it.
func (n *night) nights(which int) sfn.Execution {
	n.t.Helper()
	n.begin()
	time.Sleep(time.Until(due.Add(time.Duration(which) * 24 * time.Hour)))
	return n.finish()[0]
}

// rollBack asks for a rollback, as a person does.
func (n *night) rollBack(asked event.Rollback) rollback.Answer {
	n.t.Helper()
	return must(n.rolledBack(asked))(n.t)
}

// rolledBack asks for a rollback that may be refused; again, as the command line does, while an alias does not read as
// it was written.
func (n *night) rolledBack(asked event.Rollback) (answer rollback.Answer, err error) {
	n.t.Helper()
	answer, err = n.rolledBackOnce(asked)
	for range 60 {
		if err != nil || len(answer.Unread) == 0 {
			break
		}
		time.Sleep(10 * time.Second)
		answer, err = n.rolledBackOnce(asked)
	}
	n.answered += notesOf(answer)
	time.Sleep(time.Minute)
	return answer, err
}

func (n *night) rolledBackOnce(asked event.Rollback) (answer rollback.Answer, err error) {
	n.t.Helper()
	payload := must(json.Marshal(asked))(n.t)
	out, err := n.Invoke(n.ctx, "arn:aws:lambda:eu-central-1:123456789012:function:goldsmith-rollback", payload)
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	return answer, err
}

// standard is the default version of the template of that name, and its image.
func (n *night) standard(name string) (int64, string) {
	n.t.Helper()
	for _, v := range n.defaults() {
		if aws.ToString(v.LaunchTemplateName) == name {
			return aws.ToInt64(v.VersionNumber), aws.ToString(v.LaunchTemplateData.ImageId)
		}
	}
	n.t.Fatalf("there is no template %s", name)
	return 0, ""
}

func (n *night) makeDefault(template, version string) {
	n.t.Helper()
	must(n.cloud.ModifyLaunchTemplate(n.ctx,
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(template), DefaultVersion: aws.String(version)}))(n.t)
}

// rolled is what became of a target in a run.
func (n *night) rolled(r sfn.Execution, id, target string) job.Rolled {
	n.t.Helper()
	for _, each := range n.results(r)[id].Rolled {
		if each.Target == target || each.Name == target {
			return each
		}
	}
	n.t.Fatalf("%s is not among what %s has rolled", target, r.Name)
	return job.Rolled{}
}

// Two nights, a rollback, a night that leaves what was rolled back alone, and
// one that rolls again what somebody let follow.
func TestRollbackHoldsUntilSomebodyLetsItFollow(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true // the rollback is told as well
		web := n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.template("following", "web", "t3.micro", "resolve:ssm:/golden/web")
		n.alias("/golden/web", ec2.ImageX86)
		first := n.results(n.nights(0))[web].Image.ID
		second := n.results(n.nights(1))[web].Image.ID

		dry := n.rollBack(event.Rollback{Name: "web", Dry: true})
		n.want("targets of a rehearsal", len(dry.Targets), 3)
		version, image := n.standard("fleet")
		n.want("default after a rehearsal", []any{version, image}, []any{int64(3), second})

		for range 2 {
			answer := n.rollBack(event.Rollback{Name: "web", By: "ada"})
			for _, each := range answer.Targets {
				n.want("problem of "+each.Target, each.Problem, "")
				n.want("image of "+each.Target, each.To, first)
			}
			version, image = n.standard("fleet")
			n.want("default", []any{version, image}, []any{int64(4), first})
			for _, name := range []string{"/goldsmith/images/web", "/golden/web"} {
				value, _ := n.Parameters.Value(name)
				n.want("value of "+name, value, first)
			}
		}
		n.want("messages of the rollback", strings.Count(n.said(), "Goldsmith: web is rolled back by ada"), 1)

		third := n.nights(2)
		n.want("held", []any{n.rolled(third, web, "fleet").Held,
			strings.HasPrefix(n.rolled(third, web, "fleet").Problem,
				"held: it was rolled back to "+first+" by ada on ")}, []any{true, true})
		version, image = n.standard("fleet")
		n.want("default of the third night", []any{version, image}, []any{int64(4), first})
		n.saysOf(third, "OK: ", "Held", "goldsmith follow")

		n.makeDefault(fleet, "3")
		fourth := n.nights(3)
		n.want("followed", n.rolled(fourth, web, "fleet").Problem, "")
		_, image = n.standard("fleet")
		n.want("image of the fourth night", image, n.results(fourth)[web].Image.ID)
		n.want("the alias is held still", n.rolled(fourth, web, "/golden/web").Problem != "", true)
	})
}

func TestARollbackOfAnImageThatIsGone(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		web := n.launch("web", "")
		n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		first := n.results(n.nights(0))[web].Image.ID
		second := n.results(n.nights(1))[web].Image.ID
		must(n.cloud.DeregisterImage(n.ctx,
			&sdk.DeregisterImageInput{ImageId: aws.String(first), DeleteAssociatedSnapshots: aws.Bool(true)}))(n.t)
		_, err := n.Invoke(n.ctx, "arn:aws:lambda:eu-central-1:123456789012:function:goldsmith-rollback",
			[]byte(`{"goldsmith":"rollback","version":"1","name":"web"}`))
		if err == nil || !strings.Contains(err.Error(), "image "+first+" is gone") {
			n.t.Errorf("rolling back to an image that is gone: %v", err)
		}
		_, image := n.standard("fleet")
		n.want("image", image, second)
	})
}

// A person edits the template between our look and our change: theirs stays default.
func TestSomebodyEditsATemplateInTheMiddle(t *testing.T) {
	middle := &middle{action: "DescribeSpotFleetRequests"}
	play(t, stack.Options{Guard: middle.guard}, func(n *night) {
		web := n.launch("web", "")
		id := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		middle.do = func() {
			made := must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateId: aws.String(id), SourceVersion: aws.String("1"),
				LaunchTemplateData: &types.RequestLaunchTemplateData{KeyName: aws.String("ops")},
			}))(n.t).LaunchTemplateVersion
			n.makeDefault(id, strconv.FormatInt(aws.ToInt64(made.VersionNumber), 10))
		}
		r := n.nights(0)
		n.want("problem", strings.Contains(n.rolled(r, web, "fleet").Problem,
			"version 2 was made its default while it was rolled"), true)
		version, image := n.standard("fleet")
		n.want("default", []any{version, image}, []any{int64(2), ec2.ImageX86})

		next := n.nights(1)
		v := n.defaults()[0]
		n.want("the next night rolls from the edit",
			[]string{aws.ToString(v.LaunchTemplateData.ImageId),
				aws.ToString(v.LaunchTemplateData.KeyName)}, []string{n.results(next)[web].Image.ID, "ops"})
	})
}

// middle does something once, before a call of the functions is made.
type middle struct {
	action string
	do     func()
	done   atomic.Bool
}

func (m *middle) guard(s *stack.Stack) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if account.Operation(r) == m.action && m.do != nil && m.done.CompareAndSwap(false, true) {
			m.do()
		}
		s.ServeHTTP(w, r)
	})
}

// uefi registers an image that boots by UEFI alone, and gives its id.
func (n *night) uefi() string {
	n.t.Helper()
	out := must(n.cloud.RegisterImage(n.ctx, &sdk.RegisterImageInput{
		Name: aws.String("uefi"), Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"),
		BootMode:       types.BootModeValuesUefi,
		EnaSupport:     aws.Bool(true),
		RootDeviceName: aws.String("/dev/xvda"), BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/xvda"),
			Ebs:        &types.EbsBlockDevice{SnapshotId: aws.String("snap" + ec2.ImageX86[len("ami"):])},
		}},
	}))(n.t)
	time.Sleep(time.Minute)
	return aws.ToString(out.ImageId)
}

func TestTemplatesThatCannotRunTheImage(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		uefi := n.uefi()
		web := n.launch("web", "image="+uefi)
		n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.template("graviton", "web", "m6g.large", ec2.ImageARM)
		n.template("old", "web", "t2.micro", ec2.ImageX86)
		r := n.nights(0)
		n.want("architecture", n.rolled(r, web, "graviton").Problem, "its instance type m6g.large does not run x86_64 images")
		n.want("boot mode", n.rolled(r, web, "old").Problem, "its instance type t2.micro does not boot uefi images")
		n.want("the other", n.rolled(r, web, "fleet").Problem, "")
		n.saysOf(r, "PARTIAL", "Not rolled", "graviton", "old")
		// it is nobody's golden image
		must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(uefi)}))(n.t)
	})
}

func TestAllTemplatesOrNone(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Roll.Together = true })
	for name, spoil := range map[string]func(n *night, id string){
		"known before": func(n *night, _ string) { n.template("graviton", "web", "m6g.large", ec2.ImageARM) },
		"asked for first": func(n *night, id string) {
			n.EC2.Inject(ec2.Fault{Action: "ModifyLaunchTemplate", Resource: id, Code: denied, Status: 403})
		},
		"a version may not be made": func(n *night, id string) {
			n.EC2.Inject(ec2.Fault{Action: "CreateLaunchTemplateVersion", Resource: id, Code: denied, Status: 403})
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: plans}, func(n *night) {
				web := n.launch("web", "")
				a, b := n.template("fleet-a", "web", "t3.micro", ec2.ImageX86), n.template("fleet-b", "web", "t3.micro",
					ec2.ImageX86)
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				spoil(n, max(a, b))
				r := n.nights(0)
				for _, each := range n.results(r)[web].Rolled {
					n.want(each.Target+" is told", each.Problem != "", true)
				}
				for _, v := range n.defaults() {
					n.want("default of "+aws.ToString(v.LaunchTemplateName),
						aws.ToString(v.LaunchTemplateData.ImageId) != n.results(r)[web].Image.ID, true)
				}
				for _, id := range []string{a, b} {
					all := n.versions(id)
					n.want("versions of "+id, len(all), 1) // None was rolled, and so none is put back.
				}
				value, _ := n.Parameters.Value("/goldsmith/images/web")
				n.want("alias", value, ec2.ImageX86)
			})
		})
	}
}

// A person rolls back while a group is being refreshed: template and group go
// back, and the run that waits says what became of it.
func TestARefreshUnderWayIsRolledBack(t *testing.T) {
	play(t, refreshed(func(r *plan.Refresh) { r.Bake = plan.Duration(time.Hour) }), func(n *night) {
		n.excused.slack = true // the rollback is told as well
		web := n.launch("web", "")
		base := n.template("base", "web", "m5.large", ec2.ImageX86)
		n.group("fleet", base, "1")
		n.group("bystander", n.template("other", "nobody", "m5.large", ec2.ImageX86), "1")
		answers := make(chan rollback.Answer, 1)
		n.after("refresh", web, func(work) {
			time.AfterFunc(20*time.Minute, func() { answers <- n.rollBack(event.Rollback{Name: "web", By: "ada"}) })
		})
		r := n.run()[0]
		answer := <-answers
		for _, each := range answer.Targets {
			if each.Target == base {
				n.want("groups", strings.Join(each.Groups, " "), "fleet")
				n.want("note", each.Note, "")
			}
		}
		n.want("refresh", string(n.onlyRefresh("fleet").Status), "RollbackSuccessful")
		n.want("images", strings.Join(n.members("fleet"), " "), ec2.ImageX86)
		n.want("version", aws.ToString(n.groupOf("fleet").LaunchTemplate.Version), "1")
		version, image := n.standard("base")
		n.want("default", []any{version, image}, []any{int64(3), ec2.ImageX86})
		n.want("asked of Auto Scaling", len(n.callsOf("RollbackInstanceRefresh")), 1)
		n.saysOf(r, "PARTIAL: nightly", "1 not refreshed", "was rolled back")
		n.want("told", strings.Contains(n.said(), "instance refresh rolled back in fleet"), true)
	})
}
