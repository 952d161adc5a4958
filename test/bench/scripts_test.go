package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// script is an image as people's scripts make it, over the fleet of a night.
type script struct {
	n  *night
	id string
	// image is the image, sent when it was asked for, and started when the start was sent, zero of none.
	image         string
	sent, started time.Time
	down          time.Duration
}

// The scripts, by what they wait for with the SDK's waiters, which look every 15 seconds.
var scripts = []struct {
	name string
	play func(s *script)
}{
	{"stop, wait for the image, start", func(s *script) {
		begun := s.stop()
		s.create(false)
		s.available()
		s.start(begun)
	}},
	{"stop, start right after CreateImage", func(s *script) {
		begun := s.stop()
		s.create(false)
		s.start(begun)
		s.available()
	}},
	{"no stop at all (NoReboot)", func(s *script) {
		s.create(true)
		s.available()
	}},
}

const scriptLooks = 15 * time.Second

func (s *script) one() *sdk.DescribeInstancesInput {
	return &sdk.DescribeInstancesInput{InstanceIds: []string{s.id}}
}

func (s *script) stop() (begun time.Time) {
	begun = time.Now()
	_, err := s.n.cloud.StopInstances(s.n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{s.id}})
	s.n.ok(err)
	s.n.ok(sdk.NewInstanceStoppedWaiter(s.n.cloud, func(o *sdk.InstanceStoppedWaiterOptions) {
		o.MinDelay, o.MaxDelay = scriptLooks, scriptLooks
	}).Wait(s.n.ctx, s.one(), time.Hour))
	return begun
}

func (s *script) create(running bool) {
	s.sent = time.Now()
	out, err := s.n.cloud.CreateImage(s.n.ctx, &sdk.CreateImageInput{
		InstanceId: aws.String(s.id), Name: aws.String("script-" + s.id), NoReboot: aws.Bool(running),
	})
	s.n.ok(err)
	s.image = aws.ToString(out.ImageId)
}

func (s *script) available() {
	s.n.ok(sdk.NewImageAvailableWaiter(s.n.cloud, func(o *sdk.ImageAvailableWaiterOptions) {
		o.MinDelay, o.MaxDelay = scriptLooks, scriptLooks
	}).Wait(s.n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{s.image}}, 24*time.Hour))
}

func (s *script) start(begun time.Time) {
	s.started = time.Now()
	_, err := s.n.cloud.StartInstances(s.n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{s.id}})
	s.n.ok(err)
	s.n.ok(sdk.NewInstanceRunningWaiter(s.n.cloud, func(o *sdk.InstanceRunningWaiterOptions) {
		o.MinDelay, o.MaxDelay = scriptLooks, scriptLooks
	}).Wait(s.n.ctx, s.one(), time.Hour))
	s.down = s.started.Add(s.n.EC2.Times(s.id).Start).Sub(begun)
}

// TestScripts plays a small fleet by scripts as people write them, and by Goldsmith.
func TestScripts(t *testing.T) {
	t.Parallel()
	const sources = 20
	ours := scripted{Name: "Goldsmith"}
	play(t, sources, sources, stack.Options{}, func(n *night) {
		ours.Down = n.over(func(r job.Result, _ ec2.Times) time.Duration { return r.Times.Downtime() })
		n.calls(func(_ query.Record, function, _ string) {
			if function != "roll" { // which no script does
				ours.Calls += 1.0 / sources
			}
		})
	})
	all := []scripted{ours}
	for _, each := range scripts {
		synctest.Test(t, func(t *testing.T) {
			n := stand(t, sources, sources, stack.Options{}, func(p *plan.Plan) { p.Schedule = "at(2001-01-01T00:30:00)" })
			defer func() { n.ok(n.Close()) }()
			all = append(all, n.scripted(each.name, each.play))
		})
	}
	hold(t, all[0].Down.Median < all[1].Down.Median, "Goldsmith: %.0f s down, a script: %.0f s", all[0].Down.Median,
		all[1].Down.Median)
	record(t, nightScripted, all)
}

// scripted plays all sources of a fleet at the same time.
func (n *night) scripted(name string, play func(*script)) scripted {
	var group sync.WaitGroup
	all := make([]script, len(n.ids))
	for i, id := range n.ids {
		all[i] = script{n: n, id: id}
		group.Go(func() { play(&all[i]) })
	}
	group.Wait()
	told, down := scripted{Name: name}, []float64{}
	for _, s := range all {
		down = append(down, s.down.Seconds())
		there := s.sent.Add(n.EC2.Times(s.id).Snapshots)
		if s.down == 0 || s.started.Before(there) {
			told.Unsure++
		}
	}
	told.Down, told.Calls = spreadOf(down), float64(n.Calls.Len()-n.begun)/float64(len(all))
	return told
}
