package night_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// smudged is a ledger in which the claim of one source cannot be read any more.
type smudged struct {
	*ledger.Memory
	source string
}

var errSmudged = &ledger.UnreadableError{Record: "source#i-0123456789abcdef0",
	Err: errors.New("unexpected end of JSON input")}

func (s *smudged) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		for c, err := range s.Memory.Claims(ctx) {
			if err == nil && c.Source == s.source {
				c, err = ledger.Claim{Source: c.Source}, errSmudged
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func (s *smudged) Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error) {
	if c.Source == s.source {
		return ledger.Claim{}, errSmudged
	}
	return s.Memory.Claim(ctx, c)
}

// One claim cannot be read while a run is aborted: every other instance is back, that one too where its tag proves it,
// and people are told of the claim, once.
func TestAClaimThatCannotBeRead(t *testing.T) {
	for name, forged := range map[string]bool{"its tag is there": false, "its tag is another's": true} {
		t.Run(name, func(t *testing.T) {
			memory := &smudged{Memory: ledger.NewMemory()}
			play(t, stack.Options{Ledger: memory, History: true}, func(n *night) {
				web, api, db := n.launch("web", ""), n.launch("api", ""), n.launch("db", "")
				n.begin()
				n.excused.dead = true
				n.after("watch:stopped", web, func(work) {
					n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
					memory.source = web
				})
				n.run()
				if forged {
					n.ok(n.tagAs(web, map[string]string{tag.Stopped: "another"}))
					n.excused.stopped[web] = true
				}
				time.Sleep(6 * sweep)
				n.want("state of api", n.EC2.State(api), ec2.Running)
				n.want("state of db", n.EC2.State(db), ec2.Running)
				n.want("web runs", n.EC2.State(web) == ec2.Running, !forged)
				n.want("told", strings.Count(n.said(), "The claim of "+web+" cannot be read"), 2)
				if forged {
					n.says(web, "is stopped, and Goldsmith does not start it")
				}
				memory.source = "" // A person has seen to the record.
				time.Sleep(2 * sweep)
			})
		})
	}
}

// A sweep that knows of a problem it cannot solve ends well and says so once, however long it lasts; what it can do it
// does.
func TestASweepThatCannotDoEverything(t *testing.T) {
	for _, action := range []string{"DescribeSnapshots", "DescribeImages"} {
		t.Run(action, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.excused.dead = true
				n.after("image", web, func(work) {
					n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
					n.EC2.Inject(ec2.Fault{
						Action: action, Code: "UnauthorizedOperation", Status: 403, Until: due.Add(2 * 24 * time.Hour),
					})
				})
				n.run()
				time.Sleep(2*24*time.Hour + 3*sweep)
				n.want("state", n.EC2.State(web), ec2.Running)
				n.want("told", strings.Count(n.said(), "The sweep cannot do everything"), 2)
				for _, r := range n.Bus.Records() {
					if r.Function == "recover" && r.Problem != nil {
						n.t.Fatalf("a sweep failed: %v", r.Problem)
					}
				}
			})
		})
	}
}
