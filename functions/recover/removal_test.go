package recovery_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/recover/leftovers"
	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// volumes is a launch with volumes of those devices.
func volumes(devices ...string) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		for _, device := range devices {
			in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: &device,
				Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8)}})
		}
	}
}

// meanwhile is a look for uses, after which something else happens before its answer is acted on.
type meanwhile struct {
	leftovers.UsageFinder
	then func()
}

func (m meanwhile) Uses(ctx context.Context, images []types.Image) (map[string][]string, error) {
	defer m.then()
	return m.UsageFinder.Uses(ctx, images)
}

// With an image that is removed go its own snapshots. A person's that it holds as well stays, by a mapping that
// CreateImage was given; and one that an image of a person's needs since it was looked at. What stays of its own is
// registered still, so that the next run that retires deletes it.
func TestWhatGoesWithAnImage(t *testing.T) {
	for name, c := range map[string]struct {
		with       bool // It holds a person's snapshot, too.
		then       func(s *steptest.Stage, image string, of map[string]string)
		stay       []string
		registered []string
	}{
		"its own":            {},
		"a person's as well": {with: true, stay: []string{"data", "person's", "root"}, registered: []string{"data", "root"}},
		"one that is used since": {
			then: func(s *steptest.Stage, _ string, of map[string]string) {
				_, err := s.EC2.RegisterImage(s.Context(), registering("a person's", of["data"]))
				s.Must(err)
			},
			stay: []string{"data"}, registered: []string{"data", "root"},
		},
		"none, as a person has removed it since": {
			then: func(s *steptest.Stage, image string, _ map[string]string) {
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: &image})
				s.Must(err)
			},
			stay: []string{"data", "root"}, registered: []string{"data", "root"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				source := s.Launch("db", nil, volumes("/dev/xvda", "/dev/sdf"))
				of := map[string]string{"person's": copyOf(s, ledger.Registration{}, "snap-9")}
				in := &sdk.CreateImageInput{InstanceId: &source, Name: aws.String("goldsmith/db"), NoReboot: aws.Bool(true)}
				if c.with {
					in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdg"),
						Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(of["person's"])}}}
				}
				r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: source, Source: source,
					Plan: "nightly", Run: "cut", AMIName: "goldsmith/db", Begun: time.Now()}
				made, err := s.EC2.CreateImage(s.Context(), in)
				s.Must(err)
				r.ID = aws.ToString(made.ImageId)
				r, err = s.Ledger.Kept.Register(s.Context(), r)
				s.Must(err)
				s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{Run: "cut", Source: source, Ending: job.Broken}))
				time.Sleep(2 * time.Hour)
				shown, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{r.ID}})
				s.Must(err)
				for n, m := range shown.Images[0].BlockDeviceMappings[:2] {
					of[[]string{"root", "data"}[n]] = aws.ToString(m.Ebs.SnapshotId)
				}
				l := leftImages(s)
				if c.then != nil {
					l.Usage = meanwhile{l.Usage, func() { c.then(s, r.ID, of) }}
				}
				s.Must(l.Settle(s.Context(), nil, []ledger.Registration{r}))
				s.Same("the image is there", there(s, r.ID), false)
				s.Same("result", s.Results("cut")[0].Image.State, job.Removed)
				if !c.with {
					delete(of, "person's")
				}
				s.Same("snapshots", thereOf(s, of), c.stay)
				kept, _, err := s.Ledger.Kept.Registration(s.Context(), r.ID)
				s.Must(err)
				s.Same("open", len(open(s)), 0)
				s.Same("gone", []bool{kept.Gone.IsZero(), kept.Retired.IsZero()},
					[]bool{c.registered == nil, c.registered != nil})
				for _, name := range c.registered {
					s.Same(name+" is registered", slices.Contains(kept.Snapshots, of[name]), true)
				}
				s.Same("the person's is registered", slices.Contains(kept.Snapshots, of["person's"]), false)
			})
		})
	}
}

// thereOf are the snapshots that there are, by their names.
func thereOf(s *steptest.Stage, of map[string]string) (names []string) {
	s.Helper()
	out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	s.Must(err)
	for name, id := range of {
		if slices.ContainsFunc(out.Snapshots, func(x types.Snapshot) bool { return aws.ToString(x.SnapshotId) == id }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// What the ledger does not take of what was settled fails the sweep, and is written by a later one.
func TestWhatIsSettledAndNotWritten(t *testing.T) {
	image := func(edit func(s *steptest.Stage, r *ledger.Registration)) func(s *steptest.Stage) {
		return func(s *steptest.Stage) {
			r, _, err := s.Ledger.Kept.Registration(s.Context(), unsettled(s, "cut-off", job.Result{Ending: job.Broken}))
			s.Must(err)
			edit(s, &r)
			_, err = s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
			time.Sleep(time.Hour)
		}
	}
	for name, c := range map[string]struct {
		broken string
		given  func(s *steptest.Stage)
	}{
		"an image that a person adopted": {"Settle",
			image(func(_ *steptest.Stage, r *ledger.Registration) { r.Adopted = "ada" })},
		"an image with snapshots that stay": {"Settle", image(func(s *steptest.Stage, r *ledger.Registration) {
			s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Resource: r.ID, SnapshotReturn: "client-error"})
		})},
		"an image of which no job is known, for long": {"Settle",
			image(func(_ *steptest.Stage, r *ledger.Registration) { r.Run = "another"; time.Sleep(5 * 24 * time.Hour) })},
		"an image that somebody had back": {"Settle",
			image(func(_ *steptest.Stage, r *ledger.Registration) { r.Going = time.Now(); time.Sleep(time.Hour) })},
		"an image that is gone": {"Amend", image(func(s *steptest.Stage, r *ledger.Registration) {
			_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: &r.ID})
			s.Must(err)
		})},
		"an image that is gone, for long": {"Settle", image(func(s *steptest.Stage, r *ledger.Registration) {
			_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: &r.ID})
			s.Must(err)
			time.Sleep(5 * 24 * time.Hour)
		})},
		"an image that was removed": {"Retire", image(func(*steptest.Stage, *ledger.Registration) {})},
		"an image that was never made": {"Retire", func(s *steptest.Stage) {
			_, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{Kind: ledger.MadeImage, Call: ledger.CreateImage,
				Source: s.Web, Plan: "nightly", Run: "cut-off", AMIName: "never made", Begun: time.Now()})
			s.Must(err)
			time.Sleep(5*24*time.Hour + time.Minute)
		}},
		"copies that an image holds": {"Settle", func(s *steptest.Stage) { cutCopy(s); time.Sleep(5 * 24 * time.Hour) }},
		"copies that are deleted": {"Retire", func(s *steptest.Stage) {
			r, _ := cutCopy(s)
			r.Token, r.Copies = "AN0THER", nil
			_, err := s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
			time.Sleep(5 * 24 * time.Hour)
		}},
		"a test instance that was terminated": {"Retire", func(s *steptest.Stage) {
			id, _ := test(s)
			s.Set(id, ec2.Terminated)
		}},
		"a test instance that is gone": {"Retire", func(s *steptest.Stage) {
			id, _ := test(s)
			s.Set(id, ec2.Terminated)
			time.Sleep(5 * time.Hour)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				c.given(s)
				s.Ledger.Break(c.broken, 1)
				_, err := account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep"))
				s.Same("the sweep fails", fault.IsTransient(err), true)
				s.Same("open", len(open(s)), 1)
				time.Sleep(5 * 24 * time.Hour) // What is removed by then is left to the runs that retire.
				sweeps(s)
				s.Same("open later", len(open(s)), 0)
			})
		})
	}
}

// What was cut off while it was registered, or while its registration was ended, is registered once it is there.
func TestARegistrationThatWasCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		image := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
		time.Sleep(2 * time.Hour)
		r, _, err := s.Ledger.Kept.Registration(s.Context(), image)
		s.Must(err)
		id, tests := test(s)
		lost := ledger.NewMemory()
		l := leftImages(s)
		r.Adopted, r.Revision, l.Register = "ada", "", lost
		s.Must(l.Settle(s.Context(), nil, []ledger.Registration{r}))
		tests.Revision = ""
		ends := leftovers.Tests{EC2: s.EC2, Register: lost, Waits: s.Ledger, Now: time.Now}
		s.Must(ends.End(s.Context(), nil, []ledger.Registration{tests}))
		for _, id := range []string{image, id} {
			_, ok, err := lost.Registration(s.Context(), id)
			s.Must(err)
			s.Same(id+" is registered", ok, true)
		}
		s.Same("state", s.Cloud.State(id), ec2.ShuttingDown)
	})
}

// How long what may come to something is left alone: an image that failed its test, for a person; a launch that was
// never answered, of which EC2 shows nothing; and one that was answered.
func TestHowLongLeftoversAreLeftAlone(t *testing.T) {
	const day = 24 * time.Hour
	for age, left := range map[time.Duration]bool{day - time.Second: true, day: false} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			id := unsettled(s, "cut-off", job.Result{Ending: job.Broken, Image: job.Image{State: job.Unproven}})
			r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
			s.Must(err)
			time.Sleep(2 * time.Hour)
			l := leftImages(s)
			l.Now = func() time.Time { return s.Results("cut-off")[0].At.Add(age) }
			s.Must(l.Settle(s.Context(), nil, []ledger.Registration{r}))
			s.Same("an image that failed its test "+age.String()+" ago", there(s, id), left)
		})
	}
	for _, c := range []struct {
		id   string
		age  time.Duration
		left bool
	}{{"", day, true}, {"", day + time.Second, false},
		{"i-0123456789abcdef0", time.Hour, true}, {"i-0123456789abcdef0", time.Hour + time.Second, false}} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			r, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{Kind: ledger.MadeTest,
				Call: ledger.RunInstances, Source: s.Web, Run: "r", Token: "T0K3N", From: ec2.ImageX86, ID: c.id,
				Begun: time.Now()})
			s.Must(err)
			ends := leftovers.Tests{EC2: s.EC2, Register: s.Ledger.Kept, Waits: s.Ledger,
				Now: func() time.Time { return r.Begun.Add(c.age) }}
			s.Must(ends.End(s.Context(), nil, []ledger.Registration{r}))
			s.Same("launch "+c.id+" of "+c.age.String()+" ago is open", len(open(s)) == 1, c.left)
		})
	}
}
