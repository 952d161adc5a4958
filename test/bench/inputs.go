package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/events"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// measureMemory gives every function one event against the embedded AWS, with a
// thousand instances in it, and notes the memory it took.
func measureMemory(ctx context.Context, folder string, found []function) error {
	c, err := openCloud(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	plans := filepath.Join(folder, plansFile)
	for i, f := range found {
		event, err := c.event(f.Name)
		if err != nil {
			return err
		}
		seen, err := start(ctx, filepath.Join(folder, f.Name), lambdaEnv(c.endpoint, plans, c.suite.Machine), event)
		if err != nil {
			return err
		}
		if strings.Contains(seen.answer.text, "starting function") {
			return fmt.Errorf("function %s has not started, and so no memory to measure: %s", f.Name, seen.answer.text)
		}
		found[i].PeakMiB, found[i].Answered = seen.peakMiB, "done"
		if seen.answer.failed {
			found[i].Answered = seen.answer.text[:min(len(seen.answer.text), 200)]
		}
	}
	return nil
}

const (
	plansFile = "plans.json"
	// nobody is a plan without sources: what is started for it ends at once.
	nobody = "nobody"
)

func plans() plan.Plans {
	p := plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{}}
	for _, name := range []string{"nightly", nobody} {
		one := plan.Default()
		one.Name, one.Notify.Link = name, plan.Console
		p.Plans[name] = one
	}
	return p
}

// writePlans writes the plans as they lie beside a bootstrap.
func writePlans(folder string) (string, error) {
	text, err := json.Marshal(plans())
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, plansFile)
	return path, os.WriteFile(path, text, 0o600)
}

// cloud is the embedded AWS behind a socket.
type cloud struct {
	suite    *stack.Stack
	server   *http.Server
	endpoint string
	instance types.Instance // one of the thousand
}

func openCloud(ctx context.Context) (*cloud, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cloud{endpoint: "http://" + listener.Addr().String()}
	// An hour between sweeps: nothing but the measured function is to run.
	c.suite, err = stack.New(stack.Options{Clock: clock.Real(), Plans: plans(), Endpoint: c.endpoint, Table: true,
		Sweep: time.Hour})
	if err != nil {
		return nil, err
	}
	c.server = &http.Server{Handler: c.suite, ReadHeaderTimeout: patience}
	go func() { _ = c.server.Serve(listener) }() // until the cloud is closed
	out, err := sdk.NewFromConfig(c.suite.AWS()).RunInstances(ctx, &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1000), MaxCount: aws.Int32(1000),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: tag.List(map[string]string{tag.Plan: "nightly", "Name": "web"}),
		}},
	})
	if err != nil {
		c.close()
		return nil, fmt.Errorf("launching a thousand instances: %w", err)
	}
	c.instance = out.Instances[0]
	for _, i := range out.Instances {
		if err := c.suite.EC2.SetState(aws.ToString(i.InstanceId), ec2.Running); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *cloud) close() {
	_ = c.server.Close()
	_ = c.suite.Close()
}

// samples are the functions that are given one of the sample events.
var samples = map[string]string{"recover": "sweep", "rollback": "rollback", "wake": "instance-stopped"}

// parts are what is asked of functions that do several things.
var parts = map[string]string{"verify": "end", "hook": "after"}

// event is what a function is given.
func (c *cloud) event(name string) ([]byte, error) {
	if sample, ok := samples[name]; ok {
		return events.Sample(sample)
	}
	if part, ok := parts[name]; ok {
		return json.Marshal(map[string]any{"job": c.job(), "do": part})
	}
	switch name {
	case empty:
		return []byte(`{}`), nil
	case "trigger":
		return json.Marshal(map[string]string{"goldsmith": "run", "version": "1", "plan": nobody, "id": "bench"})
	case "select", "notify", "report":
		j := c.job()
		return json.Marshal(job.Batch{Run: j.Run, Plan: j.Plan, Execution: j.Execution})
	case "claim":
		return json.Marshal(map[string]any{"job": c.job(), "execution": c.job().Execution})
	case "snapshot":
		j := c.job()
		j.Source.ID, j.Source.Kind = "snap-0123456789abcdef0", job.Snapshot // one that is gone
		return json.Marshal(map[string]any{"job": j, "do": "copy"})
	case "watch":
		return json.Marshal(map[string]any{"job": c.job(), "for": job.ForRunning, "token": "token", "within": 10})
	default:
		return json.Marshal(c.job())
	}
}

// job is a source on its way, with an image that does not exist.
func (c *cloud) job() job.Job {
	now := time.Now().UTC()
	p := plans().Plans["nightly"]
	return job.Job{
		Run:       job.Run{Name: "nightly-bench", Plan: p.Name, Scheduled: now, Closes: now.Add(time.Hour)},
		Plan:      p,
		Execution: c.suite.Machine + ":bench",
		Decision:  job.StopFirst,
		Source: job.Source{
			ID: aws.ToString(c.instance.InstanceId), Kind: job.Instance, Name: "web", InstanceType: "t3.micro",
			Architecture: "x86_64", Tags: tag.Map(c.instance.Tags), WasRunning: true,
		},
		Image: job.Image{ID: ec2.ImageX86, Name: "goldsmith/web/bench", State: "available"},
		Times: job.Times{Claimed: now, StopSent: now, Stopped: now, ImageSent: now, Snapshotted: now, StartSent: now},
	}
}
