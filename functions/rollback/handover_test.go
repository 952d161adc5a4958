package rollback_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/test/steptest"
)

// handing is a person who gives the name web, which another instance has, to instance Web.
func handing(s *steptest.Stage) (handler.Func[json.RawMessage, rollback.Answer], json.RawMessage) {
	step, _ := scene(s)
	_, err := s.Ledger.Kept.PutOwner(s.Context(),
		ledger.Owner{Name: "web", Lineage: "i-0123456789abcdef0", Run: "monday", At: time.Now()})
	s.Must(err)
	return step, handOver(s, "web", s.Web, "")
}

func handOver(s *steptest.Stage, name, to, rest string) json.RawMessage {
	s.Helper()
	return json.RawMessage(`{"goldsmith":"handover","version":"1","name":"` + name + `","to":"` + to + `","by":"ada"` +
		rest + `}`)
}

func TestHandover(t *testing.T) {
	owner := func(s *steptest.Stage) ledger.Owner {
		o, _, err := s.Ledger.Kept.Owner(s.Context(), "web")
		s.Must(err)
		return o
	}
	const (
		asks      = "DescribeInstances DescribeAutoScalingInstances Owner Targets"
		asksGroup = "DescribeInstances DescribeAutoScalingInstances DescribeAutoScalingGroups"
	)
	steptest.Play(t, handing, []steptest.Case[json.RawMessage, rollback.Answer]{
		{
			Name: "written down and told once, however often it is asked for",
			Want: asks + " PutOwner GetSecretValue: ok | " + asks + ": ok",
			Then: func(s *steptest.Stage, a rollback.Answer) {
				o := owner(s)
				s.Same("owner", []string{o.Lineage, o.Source, o.By, o.Run}, []string{s.Web, s.Web, "ada", ""})
				s.Same("had the name before", o.Former, []string{"i-0123456789abcdef0"})
				s.Same("there", a.Handover.There, true)
				s.Same("messages", len(s.Slack.Messages()), 1)
			},
		},
		{
			Name:  "what it would do",
			Given: func(s *steptest.Stage, in *json.RawMessage) { *in = handOver(s, "web", s.Web, `,"dry":true`) },
			Want:  asks + ": ok",
			Then: func(s *steptest.Stage, a rollback.Answer) {
				s.Same("answer", *a.Handover, rollback.Handover{
					From: "i-0123456789abcdef0 since 2000-01-01 00:02 UTC", To: s.Web, Source: s.Web,
					Next: "The next image of " + s.Web +
						" is rolled into what takes images of web; until then that launches what it has now. " +
						"Images of i-0123456789abcdef0 are made and no longer rolled.",
				})
				s.Same("owner", owner(s).Lineage, "i-0123456789abcdef0")
			},
		},
		{
			Name: "to a member of a group: the group has it",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				*in = handOver(s, "web", member(s), "")
			},
			Want: asksGroup + " Owner Targets PutOwner GetSecretValue: ok",
			Then: func(s *steptest.Stage, a rollback.Answer) {
				s.Same("owner", []any{lineage.Key(owner(s).Lineage), owner(s).Lineage != "group/web"}, []any{"group/web", true})
				s.Same("told", a.Handover.To, "Auto Scaling group web")
			},
		},
		{
			Name: "to a member of the group that has it, as an earlier version wrote it down",
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				*in = handOver(s, "web", member(s), `,"dry":true`)
				o := owner(s)
				o.Lineage, o.At = "group/web", time.Now()
				_, err := s.Ledger.Kept.PutOwner(s.Context(), o)
				s.Must(err)
			},
			Want: asksGroup + " Owner DescribeAutoScalingGroups Targets: ok",
			Then: func(s *steptest.Stage, a rollback.Answer) {
				s.Same("there, and nobody else's", []any{a.Handover.There, strings.Contains(a.Handover.Next, "no longer")},
					[]any{true, false})
			},
		},
		{
			Name:  "to what goes by another name",
			Given: func(s *steptest.Stage, in *json.RawMessage) { *in = handOver(s, "db", s.Web, "") },
			Want:  "DescribeInstances: Failed",
			Says: []string{`is called "web", not "db"`,
				"Nothing was changed. Give it the name by its tag goldsmith:name first."},
		},
		{
			Name:  "to what is gone",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Terminated) },
			Want:  "DescribeInstances: Failed",
			Says:  []string{"there is no instance ", "any more. Nothing was changed."},
		},
		{
			Name:  "an id is no name",
			Given: func(s *steptest.Stage, in *json.RawMessage) { *in = handOver(s, "i-0123456789abcdef0", s.Web, "") },
			Want:  ": Failed",
			Says:  []string{"name: i-0123456789abcdef0 is an id or a group, which belongs to itself. Nothing was changed."},
		},
		{
			Name: "Auto Scaling does not say of which group it is: nothing is written",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("DescribeAutoScalingInstances", "AccessDenied", 1)
			},
			Want: "DescribeInstances DescribeAutoScalingInstances: Failed",
		},
		{
			Name:  "the ledger is busy",
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("PutOwner", 1) },
			Want:  asks + " PutOwner: Transient | " + asks + " PutOwner GetSecretValue: ok",
		},
	})
}

// member is a member of Auto Scaling group web, called web.
func member(s *steptest.Stage) string {
	s.Helper()
	id := s.Group("web", 1)[0]
	s.Must(s.Cloud.SetTags(id, map[string]string{"Name": "web"}))
	return id
}
