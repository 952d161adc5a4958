package night_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/disks"
	"goldsmith/local/ebs"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

const snapshotsPage = "../../docs/snapshots.md"

const snapshotsOpening = `# Disks, evidence, images

What becomes of a request on a snapshot, by what its disk holds and what else is known of it. Each line is a whole night
on the embedded AWS; this page is written by the test that plays them (` + "`go test ./test/night -run TestDisks -update`" + `),
and the test fails when it says anything else. Ids are shortened. What is read, asked and decided stands in
[operations](operations.md#images-from-snapshots).

`

// diskCase is a snapshot, and what is known of it.
type diskCase struct {
	what  string
	story func(n *night) (snapshot string)

	became, said string
}

// TestDisks asks for an image of each snapshot, holds docs/snapshots.md against what was registered or why nothing was,
// and that the run's message says so.
func TestDisks(t *testing.T) {
	chapters := diskChapters()
	t.Run("nights", func(t *testing.T) {
		for _, chapter := range chapters {
			for _, c := range chapter.cases {
				t.Run(c.what, func(t *testing.T) {
					t.Parallel()
					play(t, stack.Options{Plans: onRequest()}, c.play)
				})
			}
		}
	})
	page := snapshotsOpening
	for _, chapter := range chapters {
		page += fmt.Sprintf("## %s\n\n| snapshot | image | what the message says |\n|---|---|---|\n", chapter.title)
		for _, c := range chapter.cases {
			page += fmt.Sprintf("| %s | %s | %s |\n", c.what, quoted(c.became), quoted(c.said))
		}
		page += "\n"
	}
	if page = strings.TrimSuffix(page, "\n"); strings.Contains(page, "|  |  |") {
		t.Log("not every night was played: the page is not held against them")
		return
	}
	if *updatePage {
		if err := os.WriteFile(snapshotsPage, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(snapshotsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), page); diff != "" {
		t.Errorf("run go test ./test/night -run TestDisks -update\n%s", diff)
	}
}

func (c *diskCase) play(n *night) {
	snapshot := c.story(n)
	n.begin()
	n.ask(snapshot, "now")
	n.finish()
	time.Sleep(time.Hour) // What is not to stay is removed by then.
	r := n.onlyRun()
	result, flat := n.results(r)[snapshot], flatly(n.messagesOf(r)[0])
	said := []string{strings.TrimSpace(strings.TrimSuffix(result.Problem, result.Do)), result.Do}
	if result.Skip != nil {
		said = []string{result.Skip.Text}
	}
	for _, w := range result.Warnings {
		said = append(said, w.Text)
	}
	for _, text := range said {
		if !strings.Contains(flat, flatly(text)) {
			n.t.Errorf("the message does not say %q:\n%s", text, n.messagesOf(r)[0])
		}
	}
	c.said = strings.Join(slices.DeleteFunc(said, func(text string) bool { return text == "" }), "; ")
	images := n.imagesOf(snapshot)
	if imaged := result.Ending == job.Imaged; len(images) > 1 || imaged != (len(images) == 1) {
		n.t.Errorf("it ended %q with %d images", result.Ending, len(images))
	}
	c.became = "none"
	for _, i := range images {
		c.became = described(i)
	}
	if result.Ending != job.Imaged && strings.Contains(n.messagesOf(r)[0], "OK:") {
		n.t.Error("it is told as OK")
	}
}

// flatly is a message, or a part of one, without the places where lines end.
func flatly(message string) string { return strings.Join(strings.Fields(plainly(message)), " ") }

// described is what an image was registered as.
func described(i types.Image) string {
	parts := []string{string(i.Architecture), string(i.BootMode)}
	for name, set := range map[string]bool{"ENA": aws.ToBool(i.EnaSupport), "no ENA": !aws.ToBool(i.EnaSupport)} {
		if set {
			parts = append(parts, name)
		}
	}
	if i.TpmSupport != "" {
		parts = append(parts, "TPM "+string(i.TpmSupport))
	}
	if i.ImdsSupport != "" {
		parts = append(parts, "IMDS "+string(i.ImdsSupport))
	}
	for _, m := range i.BlockDeviceMappings {
		volume := fmt.Sprintf("%s %s %d GiB", aws.ToString(m.DeviceName), m.Ebs.VolumeType, aws.ToInt32(m.Ebs.VolumeSize))
		if iops := aws.ToInt32(m.Ebs.Iops); iops > 0 && m.Ebs.VolumeType != types.VolumeTypeGp3 {
			volume += fmt.Sprintf(" %d IOPS", iops)
		}
		parts = append(parts, volume)
	}
	if platform := aws.ToString(i.PlatformDetails); platform != "Linux/UNIX" {
		parts = append(parts, platform)
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// uploaded is a completed snapshot of a disk, with tags.
func (n *night) uploaded(tags map[string]string, lay func() (*disks.Disk, error)) string {
	n.t.Helper()
	return n.uploadedUnder("", tags, lay)
}

// uploadedUnder is one that is encrypted under a key.
func (n *night) uploadedUnder(key string, tags map[string]string, lay func() (*disks.Disk, error)) string {
	n.t.Helper()
	d := must(lay())(n.t)
	start := direct.StartSnapshotInput{}
	if key != "" {
		start.Encrypted, start.KmsKeyArn = aws.Bool(true), aws.String(key)
	}
	id := must(ebs.Upload(n.ctx, direct.NewFromConfig(n.AWS()), d, d.Size(), start))(n.t)
	n.ok(n.EC2.SetTags(id, tags))
	time.Sleep(time.Hour)
	return id
}
