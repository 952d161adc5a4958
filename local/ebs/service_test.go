package ebs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/clock"
	"goldsmith/local/disks"
	"goldsmith/local/ebs"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

const key = "arn:aws:kms:eu-west-1:123456789012:key/0000"

// scene is an embedded EC2 with its EBS direct APIs, and real clients.
type scene struct {
	*testing.T
	service *ebs.Service
	direct  *sdk.Client
	cloud   *ec2sdk.Client
}

func play(t *testing.T, story func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world := ec2.New(ec2.Options{Clock: clock.Real(), Seed: 1})
		service := ebs.New(ebs.Options{Clock: clock.Real(), EC2: world})
		cfg := aws.Config{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"),
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		}
		forEC2 := cfg.Copy()
		cfg.HTTPClient, forEC2.HTTPClient = query.Client(service), query.Client(world)
		story(&scene{t, service, sdk.NewFromConfig(cfg), ec2sdk.NewFromConfig(forEC2)})
	})
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) start(in sdk.StartSnapshotInput) string {
	s.Helper()
	if in.VolumeSize == nil {
		in.VolumeSize = aws.Int64(1)
	}
	out, err := s.direct.StartSnapshot(s.Context(), &in)
	s.must(err)
	return *out.SnapshotId
}

func filled(with string) []byte { return bytes.Repeat([]byte(with), disks.BlockSize/len(with)) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func putInput(id string, n int32, data []byte) *sdk.PutSnapshotBlockInput {
	return &sdk.PutSnapshotBlockInput{
		SnapshotId: aws.String(id), BlockIndex: aws.Int32(n), BlockData: bytes.NewReader(data),
		DataLength: aws.Int32(disks.BlockSize),
		Checksum:   aws.String(digest(data)), ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256,
	}
}

func (s *scene) put(id string, n int32, data []byte) {
	s.Helper()
	_, err := s.direct.PutSnapshotBlock(s.Context(), putInput(id, n, data))
	s.must(err)
}

func (s *scene) complete(id string, count int32) {
	s.Helper()
	_, err := s.direct.CompleteSnapshot(s.Context(),
		&sdk.CompleteSnapshotInput{SnapshotId: aws.String(id), ChangedBlocksCount: aws.Int32(count)})
	s.must(err)
}

func (s *scene) described(id string) ec2types.Snapshot {
	s.Helper()
	out, err := s.cloud.DescribeSnapshots(s.Context(), &ec2sdk.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	s.must(err)
	return out.Snapshots[0]
}

// list reads the whole list of blocks.
func (s *scene) list(id string, from, most int32) map[int32]string {
	s.Helper()
	tokens := map[int32]string{}
	pages := sdk.NewListSnapshotBlocksPaginator(s.direct, &sdk.ListSnapshotBlocksInput{
		SnapshotId: aws.String(id), StartingBlockIndex: aws.Int32(from), MaxResults: aws.Int32(most),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.Context())
		s.must(err)
		for _, b := range page.Blocks {
			tokens[*b.BlockIndex] = *b.BlockToken
		}
	}
	return tokens
}

func (s *scene) get(id string, n int32, token string) ([]byte, error) {
	out, err := s.direct.GetSnapshotBlock(s.Context(), &sdk.GetSnapshotBlockInput{
		SnapshotId: aws.String(id), BlockIndex: aws.Int32(n), BlockToken: aws.String(token),
	})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(out.BlockData)
	if digest(data) != aws.ToString(out.Checksum) || int(aws.ToInt32(out.DataLength)) != len(data) {
		s.Error("the checksum or the length of a block is wrong")
	}
	return data, err
}

// refused holds an error against its code and reason.
func (s *scene) refused(err error, code, reason string) {
	s.Helper()
	got := ""
	var validation *types.ValidationException
	var access *types.AccessDeniedException
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &validation):
		got = string(validation.Reason)
	case errors.As(err, &access):
		got = string(access.Reason)
	case errors.As(err, &missing):
		got = string(missing.Reason)
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || got != reason {
		s.Errorf("got %v (%s), want %s (%s)", err, got, code, reason)
	}
}

func TestWriteAndRead(t *testing.T) {
	play(t, func(s *scene) {
		id := s.start(sdk.StartSnapshotInput{
			VolumeSize: aws.Int64(2), Description: aws.String("uploaded"),
			Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}},
		})
		s.put(id, 0, filled("first"[:4]))
		s.put(id, 7, filled("old "))
		s.put(id, 7, filled("last"))
		if got := s.described(id); got.State != ec2types.SnapshotStatePending || *got.VolumeSize != 2 ||
			*got.Description != "uploaded" || len(got.Tags) != 1 {
			t.Errorf("described as %+v", got)
		}
		s.complete(id, 2)
		time.Sleep(time.Hour)
		if got := s.described(id); got.State != ec2types.SnapshotStateCompleted {
			t.Errorf("it is %s", got.State)
		}
		tokens := s.list(id, 0, 100)
		if len(tokens) != 2 {
			t.Fatalf("blocks %v", tokens)
		}
		data, err := s.get(id, 7, tokens[7])
		s.must(err)
		if !bytes.Equal(data, filled("last")) {
			t.Error("block 7 holds something else")
		}
	})
}

func TestPagesAndTokens(t *testing.T) {
	play(t, func(s *scene) {
		id := s.start(sdk.StartSnapshotInput{})
		for n := range int32(250) {
			s.put(id, n*2, filled("same"))
		}
		s.complete(id, 250)
		time.Sleep(time.Hour)
		if got := len(s.list(id, 100, 10)); got != 200 {
			t.Errorf("%d blocks from 100 on", got)
		}
		page, err := s.direct.ListSnapshotBlocks(s.Context(),
			&sdk.ListSnapshotBlocksInput{SnapshotId: aws.String(id), MaxResults: aws.Int32(100)})
		s.must(err)
		old := s.list(id, 0, 100)
		s.list(id, 0, 100)
		_, err = s.get(id, 0, old[0])
		s.refused(err, "ValidationException", "INVALID_BLOCK_TOKEN")
		_, err = s.direct.ListSnapshotBlocks(s.Context(),
			&sdk.ListSnapshotBlocksInput{SnapshotId: aws.String(id), NextToken: page.NextToken})
		s.refused(err, "ValidationException", "INVALID_PAGE_TOKEN")
		current := s.list(id, 0, 100)
		_, err = s.get(id, 2, current[0])
		s.refused(err, "ValidationException", "INVALID_BLOCK_TOKEN")
		time.Sleep(8 * 24 * time.Hour)
		_, err = s.get(id, 0, current[0])
		s.refused(err, "ValidationException", "INVALID_BLOCK_TOKEN")
	})
}

func TestSnapshotOnTopOfAnother(t *testing.T) {
	play(t, func(s *scene) {
		below := s.start(sdk.StartSnapshotInput{})
		s.put(below, 0, filled("old "))
		s.put(below, 1, filled("both"))
		s.complete(below, 2)
		time.Sleep(time.Hour)
		above := s.start(sdk.StartSnapshotInput{ParentSnapshotId: aws.String(below)})
		s.put(above, 0, filled("new "))
		s.complete(above, 1)
		time.Sleep(time.Hour)
		tokens := s.list(above, 0, 100)
		for n, want := range map[int32]string{0: "new ", 1: "both"} {
			data, err := s.get(above, n, tokens[n])
			s.must(err)
			if !bytes.Equal(data, filled(want)) {
				t.Errorf("block %d does not hold %q", n, want)
			}
		}
	})
}

// A snapshot of an instance's volume begins with what its image holds.
func TestSnapshotOfAnInstance(t *testing.T) {
	play(t, func(s *scene) {
		run, err := s.cloud.RunInstances(s.Context(), &ec2sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		s.must(err)
		time.Sleep(time.Hour)
		made, err := s.cloud.CreateSnapshots(s.Context(), &ec2sdk.CreateSnapshotsInput{
			InstanceSpecification: &ec2types.InstanceSpecification{InstanceId: run.Instances[0].InstanceId},
		})
		s.must(err)
		id := *made.Snapshots[0].SnapshotId
		_, err = s.direct.ListSnapshotBlocks(s.Context(), &sdk.ListSnapshotBlocksInput{SnapshotId: aws.String(id)})
		s.refused(err, "ValidationException", "INVALID_SNAPSHOT_ID") // pending
		time.Sleep(24 * time.Hour)
		if len(s.list(id, 0, 100)) == 0 {
			t.Error("it holds nothing")
		}
	})
}

func TestRefusals(t *testing.T) {
	play(t, func(s *scene) {
		id := s.start(sdk.StartSnapshotInput{})
		broken := putInput(id, 0, filled("data"))
		broken.Checksum = aws.String(digest(nil))
		_, err := s.direct.PutSnapshotBlock(s.Context(), broken)
		s.refused(err, "ValidationException", "INVALID_PARAMETER_VALUE")
		_, err = s.direct.PutSnapshotBlock(s.Context(), putInput(id, 2048, filled("data")))
		s.refused(err, "ValidationException", "INVALID_BLOCK")
		_, err = s.direct.PutSnapshotBlock(s.Context(), putInput(id, 0, []byte("short")))
		s.refused(err, "ValidationException", "INVALID_PARAMETER_VALUE")
		_, err = s.direct.CompleteSnapshot(s.Context(),
			&sdk.CompleteSnapshotInput{SnapshotId: aws.String(id), ChangedBlocksCount: aws.Int32(3)})
		s.refused(err, "ValidationException", "INVALID_PARAMETER_VALUE")
		_, err = s.direct.CompleteSnapshot(s.Context(), &sdk.CompleteSnapshotInput{
			SnapshotId: aws.String(id), ChangedBlocksCount: aws.Int32(0), Checksum: aws.String(digest([]byte("other"))),
			ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256,
		})
		s.refused(err, "ValidationException", "INVALID_PARAMETER_VALUE")
		s.complete(id, 0)
		_, err = s.direct.PutSnapshotBlock(s.Context(), putInput(id, 0, filled("data")))
		s.refused(err, "ValidationException", "INVALID_SNAPSHOT_ID")
		_, err = s.direct.ListSnapshotBlocks(s.Context(),
			&sdk.ListSnapshotBlocksInput{SnapshotId: aws.String("snap-0123456789abcdef0")})
		s.refused(err, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND")
		_, err = s.direct.ListSnapshotBlocks(s.Context(),
			&sdk.ListSnapshotBlocksInput{SnapshotId: aws.String("snap-00000000000000086")})
		s.refused(err, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT")
		_, err = s.direct.ListChangedBlocks(s.Context(), &sdk.ListChangedBlocksInput{SecondSnapshotId: aws.String(id)})
		s.refused(err, "UnknownOperationException", "")
	})
}

func TestStartRefusals(t *testing.T) {
	play(t, func(s *scene) {
		for reason, in := range map[string]sdk.StartSnapshotInput{
			"INVALID_VOLUME_SIZE":     {VolumeSize: aws.Int64(65537)},
			"INVALID_PARAMETER_VALUE": {VolumeSize: aws.Int64(1), Timeout: aws.Int32(1)},
			"INVALID_CUSTOMER_KEY":    {VolumeSize: aws.Int64(1), Encrypted: aws.Bool(true), KmsKeyArn: aws.String("alias/web")},
			"INVALID_TAG": {VolumeSize: aws.Int64(1),
				Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}},
			"INVALID_SNAPSHOT_ID": {VolumeSize: aws.Int64(1), ParentSnapshotId: aws.String("vol-1")},
		} {
			_, err := s.direct.StartSnapshot(s.Context(), &in)
			s.refused(err, "ValidationException", reason)
		}
		first := s.start(sdk.StartSnapshotInput{ClientToken: aws.String("one")})
		if again := s.start(sdk.StartSnapshotInput{ClientToken: aws.String("one")}); again != first {
			t.Errorf("%s and %s of one token", first, again)
		}
		_, err := s.direct.StartSnapshot(s.Context(),
			&sdk.StartSnapshotInput{ClientToken: aws.String("one"), VolumeSize: aws.Int64(2)})
		s.refused(err, "ConflictException", "")
	})
}

func TestKeyThatMayNotBeUsed(t *testing.T) {
	play(t, func(s *scene) {
		id := s.start(sdk.StartSnapshotInput{Encrypted: aws.Bool(true), KmsKeyArn: aws.String(key)})
		s.complete(id, 0)
		time.Sleep(time.Hour)
		if got := s.described(id); !*got.Encrypted || *got.KmsKeyId != key {
			t.Errorf("described as %+v", got)
		}
		s.service.DenyKey(key)
		_, err := s.direct.ListSnapshotBlocks(s.Context(), &sdk.ListSnapshotBlocksInput{SnapshotId: aws.String(id)})
		s.refused(err, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED")
	})
}

func TestTimeout(t *testing.T) {
	play(t, func(s *scene) {
		id := s.start(sdk.StartSnapshotInput{Timeout: aws.Int32(10)})
		time.Sleep(9 * time.Minute)
		s.put(id, 0, filled("data"))
		time.Sleep(9 * time.Minute)
		states := []ec2types.SnapshotState{s.described(id).State}
		time.Sleep(2 * time.Minute)
		states = append(states, s.described(id).State)
		if diff := cmp.Diff([]ec2types.SnapshotState{ec2types.SnapshotStatePending, ec2types.SnapshotStateError},
			states); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUpload(t *testing.T) {
	play(t, func(s *scene) {
		d, err := disks.Linux(1)
		s.must(err)
		id, err := ebs.Upload(s.Context(), s.direct, d, d.Size(), sdk.StartSnapshotInput{})
		s.must(err)
		time.Sleep(time.Hour)
		if got := s.described(id).State; got != ec2types.SnapshotStateCompleted {
			t.Errorf("it is %s", got)
		}
	})
}
