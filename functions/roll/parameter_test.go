package roll_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

const listed = "/golden/db"

// rolledAs rolls an image of a source under a name in a run of its own, and gives what became of a target.
func rolledAs(s *steptest.Stage, id, name, target string) job.Rolled {
	s.Helper()
	return rolledBy(s, "nightly-"+name, newest, id, name, target)
}

// rolledBy does so in a run, with an image of its own.
func rolledBy(s *steptest.Stage, run, image, id, name, target string) job.Rolled {
	s.Helper()
	step, j := first(s)
	j.Run.Name, j.Image.ID, j.Source.ID, j.Source.Name = run, image, id, name
	done, err := step(s.Context(), j)
	s.Must(err)
	time.Sleep(time.Minute)
	return find(done, target)
}

// A parameter outside of the path of aliases belongs to the source that was rolled into it first. A template of
// another source that takes its image from it is not rolled.
func TestRollLeavesAnotherSourcesParameter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		put(s, listed, before)
		db := s.Launch("db", nil)
		template(s, "db-fleet", "db", "resolve:ssm:"+listed)
		s.Same("db's", rolledAs(s, db, "db", listed).To, newest)
		template(s, "mine", "web", "resolve:ssm:"+listed)
		left := rolledAs(s, s.Web, "web", "mine")
		s.Same("problem", left.Problem, "it takes its image from "+listed+", which belongs to db ("+db+
			"); have it take its image from "+alias)
		s.Same("its own alias", rolledAs(s, s.Web, "web", alias).To, newest)
	})
}

// Of two sources whose templates take their images from one parameter, the one with the lower id has it after a run
// that images both, whichever comes first, and the other is told in the next.
func TestRollOfTwoSourcesOfOneParameter(t *testing.T) {
	for _, backwards := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			put(s, listed, before)
			names := map[string]string{s.Launch("db", nil): "db", s.Launch("mail", nil): "mail"}
			ids := slices.Sorted(maps.Keys(names))
			lowest := ids[0]
			for _, name := range names {
				template(s, name+"-fleet", name, "resolve:ssm:"+listed)
			}
			if backwards {
				slices.Reverse(ids)
			}
			for _, run := range []string{"first", "second"} {
				for _, id := range ids {
					image := "ami-" + strings.TrimPrefix(id, "i-")
					if run == "first" {
						s.Cloud.AddImage(image)
					}
					left := rolledBy(s, run, image, id, names[id], names[id]+"-fleet").Problem
					told := strings.Contains(left, listed+", which belongs to "+names[lowest]+" ("+lowest+")")
					s.Same("told of "+id, told, id != lowest && (run == "second" || !backwards))
				}
			}
		})
	}
}

// Who may be rolled into a parameter after db was: db by its id and under another name, and what has the name db
// once that has ended.
func TestRollIntoAParameterThatIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		tagged string
		roll   func(s *steptest.Stage, db string) (id, name string)
		mine   bool
	}{
		"the same": {"db", func(_ *steptest.Stage, db string) (string, string) { return db, "db" }, true},
		"renamed":  {"data", func(_ *steptest.Stage, db string) (string, string) { return db, "data" }, true},
		"another of that name, which ended": {"db", func(s *steptest.Stage, db string) (string, string) {
			s.Set(db, ec2.Terminated)
			time.Sleep(2 * time.Hour)
			return s.Launch("db", nil), "db"
		}, true},
		"another name, which ended": {"data", func(s *steptest.Stage, db string) (string, string) {
			s.Set(db, ec2.Terminated)
			time.Sleep(2 * time.Hour)
			return s.Launch("data", nil), "data"
		}, false},
		"another": {"data",
			func(s *steptest.Stage, _ string) (string, string) { return s.Launch("data", nil), "data" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				put(s, listed, before)
				db := s.Launch("db", nil)
				template(s, "db-fleet", "db", "resolve:ssm:"+listed)
				s.Same("db's", rolledAs(s, db, "db", listed).To, newest)
				template(s, "other", c.tagged, "resolve:ssm:"+listed)
				id, name := c.roll(s, db)
				left := rolledAs(s, id, name, "other")
				s.Same("rolled", !strings.Contains(left.Problem, "which belongs to db ("+db+")"), c.mine)
			})
		})
	}
}

// Before owners of parameters were written down, a parameter is the source's whose image a roll put there.
func TestRollLeavesAParameterOfAnEarlierVersion(t *testing.T) {
	for _, rolled := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			old := s.Cloud.SeedImage("db-image", time.Now().Add(-time.Hour), map[string]string{tag.Name: "db"})
			put(s, listed, old)
			db := s.Launch("db", nil)
			_, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
				Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: db, Source: db, Name: "db", AMIName: "db-image",
				ID: old, Begun: time.Now(),
			})
			s.Must(err)
			if rolled {
				_, err := s.Ledger.Kept.PutTarget(s.Context(), ledger.TargetRecord{
					Source: "db", ID: listed, Points: []ledger.Point{{Image: old, Version: 1, Source: db, Run: "r", At: time.Now()}},
				})
				s.Must(err)
			}
			template(s, "mine", "web", "resolve:ssm:"+listed)
			left := rolledAs(s, s.Web, "web", "mine")
			s.Same("left alone", strings.Contains(left.Problem, "which belongs to db ("+db+")"), rolled)
		})
	}
}

// What a person says of a parameter of theirs stays; one that a roll makes says what it has.
func TestRollLeavesADescription(t *testing.T) {
	for name, says := range map[string]string{listed: "team a's", alias: "The newest golden image of web"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			_, err := s.SSM.PutParameter(s.Context(), &ssm.PutParameterInput{Name: aws.String(listed), Type: "String",
				Value: aws.String(before), DataType: aws.String("text"), Description: aws.String("team a's")})
			s.Must(err)
			template(s, "mine", "web", "resolve:ssm:"+listed)
			s.Same("rolled", rolledAs(s, s.Web, "web", name).Problem, "")
			out, err := s.SSM.GetParameterHistory(s.Context(), &ssm.GetParameterHistoryInput{Name: aws.String(name)})
			s.Must(err)
			last := out.Parameters[len(out.Parameters)-1]
			s.Same("value", aws.ToString(last.Value), newest)
			s.Same("description", aws.ToString(last.Description), says)
		})
	}
}
