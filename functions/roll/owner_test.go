package roll_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/test/steptest"
)

// What a roll finds out about its name, and what it writes of it.
func TestRollOwners(t *testing.T) {
	another := func(name string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			owns(s, name, s.Launch(name, nil))
			j.Source.Name = name
		}
	}
	owner := func(s *steptest.Stage) string {
		o, _, err := s.Ledger.Kept.Owner(s.Context(), "web")
		s.Must(err)
		return o.Lineage
	}
	takes := func(s *steptest.Stage, j job.Job) {
		s.Same("owner", owner(s), s.Web)
		s.Same("warnings", len(j.Warnings), 0)
		s.Same("rolled", find(j, alias).To, newest)
	}
	const (
		asks    = "DescribeImages Registration Owner "
		writes  = " DescribeLaunchTemplates PutOwner PutTarget PutParameter PutTarget: ok"
		takesIt = " Targets DescribeLaunchTemplates GetParameter PutOwner PutTarget PutParameter PutTarget: ok"
	)
	steptest.Play(t, first, cases{
		{
			Name: "the first image under a name takes it", Want: asks + "Targets GetParameter Targets" + writes, Then: takes,
		},
		{
			Name: "another living instance has it: made, not rolled, and told with the owner and the command",
			Given: func(s *steptest.Stage, j *job.Job) {
				template(s, "fleet", "web", before)
				put(s, alias, before)
				another("web")(s, j)
			},
			Want: "DescribeImages Registration Owner DescribeInstances Targets DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("targets", len(j.Rolled), 0)
				s.Same("versions", len(versions(s, "fleet")), 1)
				s.Same("warning", j.Warnings, []job.Reason{{Code: job.NameOwned,
					Text: "its image is made and not rolled: the name web belongs to " + owner(s) +
						" since 2000-01-01 00:01 UTC; goldsmith handover --name web --to " + s.Web + " hands it over"}})
			},
		},
		{
			Name: "whether the owner lives cannot be told: it lives",
			Given: func(s *steptest.Stage, j *job.Job) {
				another("web")(s, j)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
			},
			Want: "DescribeImages Registration Owner DescribeInstances Targets DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 1) },
		},
		{
			Name:  "the owner was terminated",
			Given: func(s *steptest.Stage, j *job.Job) { another("web")(s, j); s.Set(owner(s), ec2.Terminated) },
			Want: "DescribeImages Registration Owner DescribeInstances Targets DescribeLaunchTemplates GetParameter " +
				"PutOwner PutTarget PutParameter PutTarget: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				takes(s, j)
				o, _, err := s.Ledger.Kept.Owner(s.Context(), "web")
				s.Must(err)
				s.Same("had the name before", len(o.Former), 1)
			},
		},
		{
			Name:  "the owner was an Auto Scaling group, which is deleted",
			Given: func(s *steptest.Stage, _ *job.Job) { owns(s, "web", "group/gone:1") },
			Want:  asks + "DescribeAutoScalingGroups DescribeInstanceRefreshes" + takesIt,
			Then:  takes,
		},
		{
			Name: "the owner was an Auto Scaling group, and another one has been made under its name",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Group("fleet", 0)
				owns(s, "web", "group/fleet:1")
			},
			Want: asks + "DescribeAutoScalingGroups" + takesIt, Then: takes,
		},
		{
			Name: "an earlier version wrote down a group's name alone: the group that was there then keeps it",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Group("fleet", 0)
				owns(s, "web", "group/fleet")
			},
			Want: "DescribeImages Registration Owner DescribeAutoScalingGroups*2 Targets DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 1) },
		},
		{
			Name: "an earlier version wrote down a group's name alone, and the group is another one by now",
			Given: func(s *steptest.Stage, _ *job.Job) {
				owns(s, "web", "group/fleet")
				time.Sleep(time.Minute)
				s.Group("fleet", 0)
			},
			Want: asks + "DescribeAutoScalingGroups*2" + takesIt, Then: takes,
		},
		{
			Name: "an earlier version wrote down the name of the source's own group: it is written down as it is",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Group("fleet", 0)
				owns(s, "web", "group/fleet")
				j.Source.Lineage = lineageOf(s, "fleet")
			},
			Want: asks + "DescribeAutoScalingGroups" + takesIt,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("owner", []any{owner(s), len(j.Warnings)}, []any{j.Source.Lineage, 0})
			},
		},
		{
			Name: "the owner is the source, which has been in a group since",
			Given: func(s *steptest.Stage, j *job.Job) {
				owns(s, "web", s.Web)
				j.Source.Lineage = "group/web"
			},
			Want: "DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter PutOwner PutTarget " +
				"PutParameter PutTarget: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("owner", owner(s), "group/web") },
		},
		{
			Name: "before there were owners another one's image was rolled last",
			Given: func(s *steptest.Stage, _ *job.Job) {
				at := ledger.Point{Image: before, Version: 1, Run: "r", Source: s.Launch("web", nil), At: time.Now()}
				_, err := s.Ledger.Kept.PutTarget(s.Context(),
					ledger.TargetRecord{Source: "web", ID: alias, Points: []ledger.Point{at}})
				s.Must(err)
			},
			Want: "DescribeImages Registration Owner Targets Registration DescribeInstances Targets DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 1) },
		},
		{
			Name: "the ledger was lost, and the alias has the image of another one",
			Given: func(s *steptest.Stage, _ *job.Job) {
				put(s, alias, before)
				r := ledger.Registration{Kind: ledger.MadeImage, Lineage: s.Launch("web", nil), AMIName: "web", ID: before}
				_, err := s.Ledger.Kept.Register(s.Context(), r)
				s.Must(err)
			},
			Want: "DescribeImages Registration Owner Targets GetParameter Registration DescribeInstances Targets " +
				"DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 1) },
		},
		{
			Name:  "a name that has to be quoted for a shell",
			Given: another("web 1's"),
			Want:  "DescribeImages Registration Owner DescribeInstances Targets DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("command", strings.Contains(j.Warnings[0].Text, `--name 'web 1'\''s' --to `+s.Web), true)
			},
		},
		{
			Name:  "the id of another one is no name",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Source.Name = "i-0123456789abcdef0" },
			Want:  "DescribeImages Registration Targets DescribeLaunchTemplates: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("warning", j.Warnings[0].Text,
					"its image is made and not rolled: i-0123456789abcdef0 is no name, but what another source goes by; "+
						"give it a name by the tag goldsmith:name")
			},
		},
		{
			Name:  "its own id is nobody else's: nothing to ask and nothing to write",
			Given: func(s *steptest.Stage, j *job.Job) { j.Source.Name = s.Web },
			Want: "DescribeImages Registration Targets DescribeLaunchTemplates GetParameter PutTarget PutParameter " +
				"PutTarget: ok",
		},
		{
			Name:  "two that take a name at once: one is told to try again, and finds the other",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("PutOwner", 1) },
			Want: asks + "Targets GetParameter Targets DescribeLaunchTemplates PutOwner: Transient | DescribeImages " +
				"Registration Owner DescribeInstances Targets DescribeLaunchTemplates: ok",
			Between: func(s *steptest.Stage) {
				owns(s, "web", s.Launch("web", nil))
			},
		},
	})
}

// Templates that name a source by its id take its images whoever has its name, and nobody else's.
func TestRollTemplatesThatNameAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		other := s.Launch("web", nil)
		owns(s, "web", other)
		template(s, "by-name", "web", before)
		template(s, "by-id", s.Web, before)
		template(s, "others", other, before)
		template(s, "own-alias", s.Web, "resolve:ssm:/goldsmith/images/"+s.Web)
		template(s, "webs-alias", s.Web, "resolve:ssm:"+alias)
		put(s, alias, before)
		step, j := first(s)
		done, err := step(s.Context(), j)
		s.Must(err)
		s.Same("by-id", find(done, "by-id").To+find(done, "by-id").Problem, newest)
		for _, left := range []string{"by-name", "others", "own-alias"} {
			s.Same(left, len(versions(s, left)), 1)
		}
		s.Same("own-alias", find(done, "/goldsmith/images/"+s.Web).To, newest)
		s.Same("webs-alias", find(done, "webs-alias").Problem,
			"it takes its image from "+alias+", which is not the alias of "+s.Web+
				"; have it take its image from /goldsmith/images/"+s.Web)
		value, _ := s.Parameters.Value(alias)
		s.Same("the alias of web", value, before)
		for record, err := range s.Ledger.Kept.Targets(s.Context(), s.Web) {
			s.Must(err)
			s.Same("recorded by the id", record.Source, s.Web)
		}
	})
}

// A template of one source that takes its image from another source's alias: that is not written.
func TestRollLeavesAnotherSourcesAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		template(s, "mistaken", "web", "resolve:ssm:/goldsmith/images/db")
		put(s, "/goldsmith/images/db", before)
		step, j := scene(s)
		done, err := step(s.Context(), j)
		s.Must(err)
		value, _ := s.Parameters.Value("/goldsmith/images/db")
		s.Same("the alias of db", value, before)
		s.Same("problem", find(done, "mistaken").Problem,
			"it takes its image from /goldsmith/images/db, which is not the alias of web; have it take its image from "+alias)
		s.Same("its own", find(done, alias).To, newest)
	})
}

// A name that had to be bent has an alias of its own. What earlier versions wrote for it, shared with others or with a
// hash that others could be made to share, is not written any more, and that is told.
func TestRollMovesASharedAlias(t *testing.T) {
	const own = "/goldsmith/images/web-1-5bcf3c836b179f63b0d300c8d24a65ea"
	for _, shared := range []string{"/goldsmith/images/web-1", "/goldsmith/images/web-1-5bcf3c836b"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			put(s, shared, before)
			template(s, "fleet", "web 1", "resolve:ssm:"+shared)
			at := ledger.Point{Image: before, Version: 1, Run: "r", Source: s.Web, At: time.Now()}
			_, err := s.Ledger.Kept.PutTarget(s.Context(),
				ledger.TargetRecord{Source: "web 1", ID: shared, Points: []ledger.Point{at}})
			s.Must(err)
			step, j := first(s)
			j.Source.Name = "web 1"
			done, err := step(s.Context(), j)
			s.Must(err)
			s.Same("told", find(done, own).Note, "it takes the place of "+shared+", which other names share or could be "+
				"made to: what takes images from that is to take them from this one")
			s.Same("the template", find(done, "fleet").Problem,
				"it takes its image from "+shared+", which is not the alias of web 1; have it take its image from "+own)
			value, _ := s.Parameters.Value(shared)
			s.Same("the shared one", value, before)
		})
	}
}

// Of two sources of one name that one run images the one with the lower id has the name at the end, whichever comes
// first.
func TestRollOfTwoSourcesOfOneName(t *testing.T) {
	for _, backwards := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			template(s, "fleet", "web", before)
			step, j := first(s)
			ids := []string{s.Web, s.Launch("web", nil)}
			slices.Sort(ids)
			lowest := ids[0]
			if backwards {
				slices.Reverse(ids)
			}
			for n, id := range ids {
				j.Source.ID, j.Image.ID = id, "ami-0000000000000000"+string(rune('1'+n))
				s.Cloud.AddImage(j.Image.ID)
				done, err := step(s.Context(), j)
				s.Must(err)
				s.Same("told", len(done.Warnings) > 0, id != lowest && !backwards)
				if id == lowest {
					defer func(want string) {
						s.Same("image", aws.ToString(standard(versions(s, "fleet")).LaunchTemplateData.ImageId), want)
					}(j.Image.ID)
				}
				time.Sleep(time.Minute)
			}
			o, _, err := s.Ledger.Kept.Owner(s.Context(), "web")
			s.Must(err)
			s.Same("owner", o.Lineage, lowest)
		})
	}
}

// Of sources of one name that roll at the same moment one has it.
func TestRollAtTheSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		template(s, "fleet", "web", before)
		_, j := first(s)
		done := make(chan job.Job)
		const sources = 5
		for n := range sources {
			each := j
			each.Source.ID, each.Run.Name = s.Launch("web", nil), "run-"+string(rune('a'+n))
			each.Image.ID = "ami-0000000000000000" + string(rune('1'+n))
			s.Cloud.AddImage(each.Image.ID)
			registered(s, each, shown(s, each.Image.ID))
			go func() {
				step := step(s)
				step.Ledger = s.Ledger.Kept
				for {
					if out, err := step.Handle(s.Context(), each); err == nil {
						done <- out
						return
					}
					time.Sleep(5 * time.Second)
				}
			}()
		}
		told := 0
		for range sources {
			if out := <-done; len(out.Warnings) > 0 {
				told++
				s.Same("targets", len(out.Rolled), 0)
			}
		}
		s.Same("told", told, sources-1)
		s.Same("versions", len(versions(s, "fleet")), 2)
	})
}

func standard(all []types.LaunchTemplateVersion) types.LaunchTemplateVersion {
	return all[slices.IndexFunc(all, func(v types.LaunchTemplateVersion) bool { return aws.ToBool(v.DefaultVersion) })]
}

// lineageOf is the lineage of the members of a group.
func lineageOf(s *steptest.Stage, name string) string {
	s.Helper()
	out, err := s.AutoScaling.DescribeAutoScalingGroups(s.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	s.Must(err)
	return lineage.OfGroup(out.AutoScalingGroups[0])
}
