package plan

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sdkPartitions are AWS's partitions as the SDK knows them.
func sdkPartitions(t *testing.T) map[string][]string {
	t.Helper()
	const sdk = "github.com/aws/aws-sdk-go-v2"
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", sdk).Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "internal/endpoints/awsrulesfn/partitions.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Partitions []struct {
			ID      string
			Regions map[string]any
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, p := range read.Partitions {
		for name := range p.Regions {
			if !strings.HasSuffix(name, "-global") {
				all[p.ID] = append(all[p.ID], name)
			}
		}
		slices.Sort(all[p.ID])
	}
	return all
}

// What the SDK knows of partitions and Regions is known here, so that a Region that AWS opens comes with the SDK.
func TestRegionsAreThoseOfTheSDK(t *testing.T) {
	all := sdkPartitions(t)
	if len(all) != len(partitions) {
		t.Errorf("the SDK knows %d partitions, and here are %d", len(all), len(partitions))
	}
	for _, p := range partitions {
		if got := strings.Fields(p.regions); !slices.Equal(got, all[p.id]) {
			t.Errorf("%s: %q, and the SDK knows %q", p.id, got, all[p.id])
		}
	}
	for id, regions := range all {
		for _, region := range regions {
			if got := PartitionOf(region); got != id {
				t.Errorf("%s is in partition %q, want %s", region, got, id)
			}
		}
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		// Those that AWS may open.
		"eu-west-4": "aws", "us-northcentral-1": "aws", "ap-southeast-12": "aws", "eusc-de-west-1": "aws-eusc",
		"us-gov-central-1": "aws-us-gov", "cn-south-1": "aws-cn",
		"": "", "eu": "", "eu--1": "", "eu-central": "", "eu-central-1a": "", "eu-central-0": "", "xx-central-1": "",
		"EU-Central-1": "", "frankfurt": "", "eu-cenrtal-1": "", "aws-global": "", "us-gov-1": "", "eusc-east-1": "",
		"eu-central-1\n": "",
	} {
		if got := PartitionOf(region); got != want {
			t.Errorf("%q is in partition %q, want %q", region, got, want)
		}
	}
}

func TestMeant(t *testing.T) {
	for region, want := range map[string]string{
		"eu-cenrtal-1": "did you mean eu-central-1?", "eu-west-9": "did you mean eu-west-1, eu-west-2 or eu-west-3?",
		"us-east1": "did you mean us-east-1?", "eu-central-1a": "did you mean eu-central-1?", "frankfurt": "else",
		"US-EAST-1": "did you mean us-east-1?",
	} {
		if got := meant(region, "else"); got != want {
			t.Errorf("%q: %q, want %q", region, got, want)
		}
	}
}

// A slip of the keyboard in a Region's name is told, as a mistake or as a doubt, unless it is another Region's name; and
// the names that AWS uses are told as neither.
func TestASlipInARegionIsTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		right := rapid.SampledFrom(KnownRegions()).Draw(t, "Region")
		at := rapid.IntRange(0, len(right)-1).Draw(t, "at")
		letter := rapid.StringMatching(`[a-z0-9-]`).Draw(t, "letter")
		region := map[string]string{
			"none": right, "left out": right[:at] + right[at+1:], "put in": right[:at] + letter + right[at:],
			"another": right[:at] + letter + right[at+1:],
		}[rapid.SampledFrom([]string{"none", "left out", "put in", "another"}).Draw(t, "slip")]
		p := Default()
		p.Name, p.Copies = "nightly", []Copy{{Region: region}}
		plans := Plans{Default: "nightly", Plans: map[string]Plan{"nightly": p}}
		told := append(plans.Check(), plans.Doubts()...)
		if known := slices.Contains(KnownRegions(), region); known != (len(told) == 0) {
			t.Fatalf("%q: %v", region, told)
		}
		for _, each := range told {
			if each.Path != "nightly.copies[0].region" || !strings.Contains(each.Text, "did you mean ") {
				t.Fatalf("%q: %v", region, each)
			}
		}
	})
}
