package night_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Every crash point of a roll, of its undoing and of letting it follow again: whatever goes wrong, who asks again
// finds $Default, $Latest and the alias on the good image, held, and then held no more.
func TestEveryCrashPointOfAnUndo(t *testing.T) {
	crashes(t, 40, func(m mishap) bool { return m.at("roll", "rollback") }, undoNight)
}

// undoNight is a run that is rolled, rolled back and let follow.
func undoNight(t *testing.T, c *chaos) {
	t.Helper()
	between := &sandboxes{chaos: c}
	play(t, stack.Options{
		Plans:    nightly(func(p *plan.Plan) { p.Schedule = "cron(12 0 * * ? *)" }),
		Ledger:   targets{chaosLedger{ledger.NewMemory()}},
		Observer: transitions{c},
		Wrap:     func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between },
		Guard:    func(s *stack.Stack) http.Handler { return wire{s} },
	}, func(n *night) {
		n.excused.slack = true // the rollback is told as well
		between.slack = n.Slack.Inject
		web := n.launch("web", "private")
		base := n.template("base", "web", "t3.micro", ec2.ImageX86)
		n.alias("/goldsmith/images/web", ec2.ImageX86)
		n.begin()
		time.Sleep(12*time.Minute - time.Second)
		c.arm(true)
		n.finish()
		c.arm(false)
		time.Sleep(5 * time.Minute)
		made := n.results(n.onlyRun())[web]
		n.want("ending", made.Ending, job.Imaged)
		n.leadsTo(base, made.Image.ID)

		c.arm(true)
		n.askUntilDone(event.Rollback{Name: "web", By: "ada"})
		n.leadsTo(base, ec2.ImageX86)
		n.want("held", n.held(), 2)
		n.askUntilDone(event.Rollback{Name: "web", By: "ada", Follow: true})
		n.want("held after it follows", n.held(), 0)
		c.arm(false)
	})
}

// askUntilDone asks as a person does, who asks again when the answer is an error or none.
func (n *night) askUntilDone(asked event.Rollback) {
	n.t.Helper()
	payload := must(json.Marshal(asked))(n.t)
	for range 6 {
		answer, err := n.Invoke(n.ctx, "arn:aws:lambda:eu-central-1:123456789012:function:goldsmith-rollback", payload)
		time.Sleep(5 * time.Minute)
		if err == nil && len(answer) > 0 {
			return
		}
	}
	n.t.Errorf("%+v is not done, however often it is asked for", asked)
}

// leadsTo holds all that a template and the alias launch against an image.
func (n *night) leadsTo(template, image string) {
	n.t.Helper()
	for _, v := range n.heads() {
		if aws.ToString(v.LaunchTemplateId) == template {
			n.want("image of version "+fmt.Sprint(aws.ToInt64(v.VersionNumber)),
				aws.ToString(v.LaunchTemplateData.ImageId), image)
		}
	}
	value, _ := n.Parameters.Value("/goldsmith/images/web")
	n.want("alias", value, image)
}

// held is how many targets of web are held.
func (n *night) held() (count int) {
	n.t.Helper()
	for t, err := range n.Ledger.Targets(n.ctx, "web") {
		n.ok(err)
		if t.Held() {
			count++
		}
	}
	return count
}

// targets breaks the ledger's calls about targets, too.
type targets struct{ chaosLedger }

func (t targets) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return all(ctx, t.chaosLedger, "Targets", t.Ledger.Targets(ctx, source))
}

func (t targets) PutTarget(ctx context.Context, r ledger.TargetRecord) (put ledger.TargetRecord, err error) {
	err = t.do(ctx, "PutTarget", writes, func() error { put, err = t.Ledger.PutTarget(ctx, r); return err })
	return put, err
}
