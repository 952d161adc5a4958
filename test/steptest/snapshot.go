package steptest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Stored is a completed snapshot of an instance's root volume.
func (s *Stage) Stored(instance string, tags map[string]string) string {
	s.Helper()
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{instance}})
	s.Must(err)
	volume := out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId
	made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{VolumeId: volume})
	s.Must(err)
	id := aws.ToString(made.SnapshotId)
	s.Must(s.Cloud.SetTags(id, tags))
	time.Sleep(time.Hour)
	return id
}

// SnapshotJob is the job of a snapshot as claim leaves it, to be copied and registered. Its claim is in the ledger.
func (s *Stage) SnapshotJob(id string) job.Job {
	s.Helper()
	j := job.Job{
		Run: s.Run(), Plan: s.Plan, Execution: child, Decision: job.RegisterIt, Back: true,
		Source: job.Source{ID: id, Kind: job.Snapshot, Name: "web", Lineage: s.Web},
		Times:  job.Times{Claimed: time.Now().UTC()},
	}
	j.Run.Request = &job.Request{Source: id, Kind: job.Snapshot, Value: "nightly"}
	j.Image.Name = image.Name(j)
	s.Hold(ledger.Claim{
		Source: id, Kind: job.Snapshot, Name: "web", Run: RunName, Plan: s.Plan.Name, Execution: child,
		Since: time.Now(), Looked: true,
	})
	return j
}
