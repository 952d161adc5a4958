package ebs

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/disks"
	"goldsmith/local/ec2"
)

// startInput is StartSnapshot's (service model, 2019-11-02).
type startInput struct {
	VolumeSize       int64
	ParentSnapshotID string `json:"ParentSnapshotId"`
	Tags             []ec2.Tag
	Description      string
	ClientToken      string
	Encrypted        *bool
	KmsKeyArn        string
	Timeout          int64
}

// startedBefore is what a client token stands for.
type startedBefore struct {
	body     string
	snapshot string
}

// Limits of StartSnapshot.
const (
	maxGiB         = 65536
	defaultTimeout = 60 // minutes
	leastTimeout   = 10
	mostTimeout    = 4320
	maxTags        = 50
	maxDescription = 255
	maxBody        = 1 << 20
)

var keyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:.*:[0-9]{12}:key/.*`)

func (s *Service) start(c call) (answer, error) {
	in, body, err := readStart(c)
	if err != nil {
		return answer{}, err
	}
	if before, ok := s.started[in.ClientToken]; ok && in.ClientToken != "" {
		if before.body != string(body) {
			return answer{}, &Error{http.StatusConflict, "ConflictException", "",
				"The client token was used with other parameters."}
		}
		found, err := s.snapshot(before.snapshot)
		return startAnswer(found), err
	}
	if err := in.check(); err != nil {
		return answer{}, err
	}
	asked := ec2.DirectSnapshot{
		Description: in.Description, GiB: int(in.VolumeSize), Parent: in.ParentSnapshotID, Tags: in.Tags,
		Encrypted: in.Encrypted != nil && *in.Encrypted, KMSKey: in.KmsKeyArn,
	}
	if err := s.onParent(&asked); err != nil {
		return answer{}, err
	}
	if err := s.usable(asked.KMSKey); err != nil {
		return answer{}, err
	}
	made := s.options.EC2.StartDirect(asked, time.Duration(cmp.Or(in.Timeout, defaultTimeout))*time.Minute)
	s.disks[made.ID] = content{}
	s.started[in.ClientToken] = startedBefore{string(body), made.ID}
	return startAnswer(made), nil
}

// readStart reads StartSnapshot's input, and is its text besides.
func readStart(c call) (in startInput, body []byte, err error) {
	if body, err = io.ReadAll(io.LimitReader(c.Body, maxBody)); err == nil {
		err = awsjson.Read(body, &in)
	}
	if known, ok := errors.AsType[*awsjson.Error](err); ok {
		err = &Error{http.StatusBadRequest, known.Code, "INVALID_PARAMETER_VALUE", known.Message}
	}
	return in, body, err
}

func (in startInput) check() error {
	encrypted := in.Encrypted != nil && *in.Encrypted
	refused := first([]objection{
		{in.VolumeSize < 1 || in.VolumeSize > maxGiB,
			invalid("INVALID_VOLUME_SIZE", "VolumeSize must be from 1 to %d GiB.", maxGiB)},
		{
			in.Timeout != 0 && (in.Timeout < leastTimeout || in.Timeout > mostTimeout),
			invalid("INVALID_PARAMETER_VALUE", "Timeout must be from %d to %d minutes.", leastTimeout, mostTimeout),
		},
		{len(in.Description) > maxDescription,
			invalid("INVALID_PARAMETER_VALUE", "Description is longer than %d characters.", maxDescription)},
		{
			in.Encrypted != nil && in.ParentSnapshotID != "",
			invalid("INVALID_PARAMETER_VALUE", "Encrypted and ParentSnapshotId cannot be specified together."),
		},
		{in.KmsKeyArn != "" && !keyARN.MatchString(in.KmsKeyArn),
			invalid("INVALID_CUSTOMER_KEY", "KmsKeyArn is not the ARN of a KMS key.")},
		{in.KmsKeyArn != "" && !encrypted,
			invalid("INVALID_PARAMETER_VALUE", "KmsKeyArn can be specified only with Encrypted.")},
	})
	if refused != nil {
		return refused
	}
	return checkTags(in.Tags)
}

func checkTags(tags []ec2.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		if t.Key == "" || len(t.Key) > 127 || len(t.Value) > 255 || strings.HasPrefix(strings.ToLower(t.Key), "aws:") ||
			seen[t.Key] {
			return invalid("INVALID_TAG",
				"The tag key %q is empty, too long, reserved or there twice, or its value is too long.", t.Key)
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		return invalid("INVALID_TAG", "There are more than %d tags.", maxTags)
	}
	return nil
}

// onParent: a snapshot on top of another is encrypted as that one is.
func (s *Service) onParent(asked *ec2.DirectSnapshot) error {
	if asked.Parent == "" {
		return nil
	}
	parent, err := s.readable(asked.Parent)
	if err != nil {
		return err
	}
	if asked.GiB < parent.GiB {
		return invalid("INVALID_VOLUME_SIZE", "VolumeSize is smaller than that of the parent snapshot, %d GiB.", parent.GiB)
	}
	asked.Encrypted, asked.KMSKey = parent.Encrypted, parent.KMSKey
	return nil
}

func startAnswer(made ec2.DirectSnapshot) answer {
	out := map[string]any{
		"SnapshotId": made.ID, "OwnerId": made.Owner, "Status": state(made), "StartTime": moment(made.Started),
		"VolumeSize": made.GiB, "BlockSize": disks.BlockSize, "Tags": made.Tags, "SseType": "sse-ebs",
	}
	for key, value := range map[string]string{"Description": made.Description, "ParentSnapshotId": made.Parent,
		"KmsKeyArn": made.KMSKey} {
		if value != "" {
			out[key] = value
		}
	}
	if made.Encrypted {
		out["SseType"] = "sse-kms"
	}
	return answer{status: http.StatusCreated, json: out}
}

func state(of ec2.DirectSnapshot) string {
	switch {
	case of.Completed:
		return "completed"
	case of.Pending:
		return "pending"
	}
	return "error"
}

// open is a snapshot that blocks may be written to: one that StartSnapshot began and nothing has sealed.
func (s *Service) open(id string) (ec2.DirectSnapshot, error) {
	found, err := s.snapshot(id)
	if err == nil && (!found.Pending || !found.Written || found.Sealed) {
		err = invalid("INVALID_SNAPSHOT_ID", "The snapshot '%s' is not open for writing.", id)
	}
	return found, err
}

func (s *Service) put(c call) (answer, error) {
	found, err := s.open(c.snapshot)
	if err != nil {
		return answer{}, err
	}
	n, err := index(c.block, found)
	if err != nil {
		return answer{}, err
	}
	if c.Header.Get("X-Amz-Progress") != "" {
		return answer{}, unmodelled("Progress")
	}
	if c.Header.Get("X-Amz-Data-Length") != strconv.Itoa(disks.BlockSize) {
		return answer{}, invalid("INVALID_PARAMETER_VALUE", "DataLength must be %d.", disks.BlockSize)
	}
	data, err := io.ReadAll(io.LimitReader(c.Body, disks.BlockSize+1))
	if err != nil || len(data) != disks.BlockSize {
		return answer{}, invalid("INVALID_PARAMETER_VALUE", "Failed to read block data")
	}
	b := newBlock(data)
	if err := checksum(c, b.checksum(), true); err != nil {
		return answer{}, err
	}
	s.disks[found.ID][n] = b
	s.options.EC2.WroteDirect(found.ID)
	return answer{status: http.StatusCreated, json: struct{}{}, header: map[string]string{
		"X-Amz-Checksum": b.checksum(), "X-Amz-Checksum-Algorithm": "SHA256",
	}}, nil
}

// checksum holds what a call says against what was computed.
func checksum(c call, computed string, required bool) error {
	said, algorithm := c.Header.Get("X-Amz-Checksum"), c.Header.Get("X-Amz-Checksum-Algorithm")
	switch {
	case said == "" && algorithm == "" && !required:
		return nil
	case algorithm != "SHA256":
		return invalid("INVALID_PARAMETER_VALUE", "ChecksumAlgorithm must be SHA256.")
	case said != computed:
		return invalid("INVALID_PARAMETER_VALUE", "The checksum does not match the data.")
	}
	return nil
}

func (s *Service) complete(c call) (answer, error) {
	found, err := s.open(c.snapshot)
	if err != nil {
		return answer{}, err
	}
	written := s.disks[found.ID]
	if count := c.Header.Get("X-Amz-Changedblockscount"); count != strconv.Itoa(len(written)) {
		return answer{}, invalid("INVALID_PARAMETER_VALUE", "ChangedBlocksCount is %q, and %d blocks were written.", count,
			len(written))
	}
	if method := c.Header.Get("X-Amz-Checksum-Aggregation-Method"); method != "" && method != "LINEAR" {
		return answer{}, invalid("INVALID_PARAMETER_VALUE", "ChecksumAggregationMethod must be LINEAR.")
	}
	if err := checksum(c, written.aggregate(), false); err != nil {
		return answer{}, err
	}
	s.options.EC2.CompleteDirect(found.ID)
	return answer{status: http.StatusAccepted, json: map[string]string{"Status": "pending"}}, nil
}

// aggregate is the checksum of all checksums in the order of their blocks (API reference, CompleteSnapshot).
func (c content) aggregate() string {
	var all bytes.Buffer
	for _, n := range c.indexes() {
		sum := c[n].sum
		all.Write(sum[:])
	}
	digest := sha256.Sum256(all.Bytes())
	return base64.StdEncoding.EncodeToString(digest[:])
}
