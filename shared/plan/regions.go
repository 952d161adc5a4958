package plan

import (
	"fmt"
	"slices"
	"strings"
)

// partition is one of AWS's: accounts, images and keys of one are unknown in another.
type partition struct {
	id string
	// places are what its Regions' names begin with, as the SDK tells partitions apart.
	places string
	// regions are those that AWS had when this was written; there are more each year.
	regions string
}

var partitions = []partition{
	{"aws", "af|ap|ca|eu|il|me|mx|sa|us", "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 " +
		"ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 " +
		"ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 " +
		"eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 me-west-1 mx-central-1 sa-east-1 sa-west-1 us-east-1 " +
		"us-east-2 us-west-1 us-west-2"},
	{"aws-cn", "cn", "cn-north-1 cn-northwest-1"},
	{"aws-eusc", "eusc-de", "eusc-de-east-1"},
	{"aws-iso", "us-iso", "us-iso-east-1 us-iso-west-1"},
	{"aws-iso-b", "us-isob", "us-isob-east-1 us-isob-west-1"},
	{"aws-iso-e", "eu-isoe", "eu-isoe-west-1"},
	{"aws-iso-f", "us-isof", "us-isof-east-1 us-isof-south-1"},
	{"aws-us-gov", "us-gov", "us-gov-east-1 us-gov-west-1"},
}

// RegionForm is a Region's name, as AWS makes them: a place of one of its partitions, points of the compass, a number.
// Which of them there are, and which the account has enabled, only EC2 knows.
const RegionForm = `^(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso|us-isob|us-isof)` +
	`-(central|east|north|south|west)+-[1-9][0-9]?$`

// PartitionOf is the partition that a Region is in by its name; empty where that is no Region's.
func PartitionOf(region string) string {
	parts := regionForm().FindStringSubmatch(region)
	if parts == nil {
		return ""
	}
	for _, p := range partitions {
		if slices.Contains(strings.Split(p.places, "|"), parts[1]) {
			return p.id
		}
	}
	return ""
}

// KnownRegions are those that AWS had when this version was written.
func KnownRegions() (all []string) {
	for _, p := range partitions {
		all = append(all, strings.Fields(p.regions)...)
	}
	return all
}

// region checks the Region of a copy, and that it is in one partition with that of the plan's first copy.
func (c *checker) region(path, region, first string) {
	switch of, other := PartitionOf(region), PartitionOf(first); {
	case of == "":
		c.add(path, "%s", NoRegion(region))
	case other != "" && of != other:
		c.add(path, "%s", apart(region, of, first, other))
	}
}

// NoRegion is what is wrong with a name that is none of a Region.
func NoRegion(name string) string {
	return fmt.Sprintf("%q is no Region of AWS; %s", name, meant(name, "want one such as us-east-1"))
}

// apart is why there is no copy in one Region of an image in another (API reference of EC2, CopyImage).
func apart(region, of, other, ofOther string) string {
	return fmt.Sprintf("%s is in partition %s of AWS, and %s in %s: EC2 copies no image from one to another",
		region, of, other, ofOther)
}

// Doubts are what is probably a mistake in copies, and may be right: a Region that this version does not know, which
// AWS may have opened since, and sharing what is under a key that AWS manages, which comes to nothing.
func (p Plans) Doubts() (found []Problem) {
	known := KnownRegions()
	for _, name := range p.Names() {
		for i, each := range p.Plans[name].Copies {
			path := fmt.Sprintf("%s.copies[%d]", name, i)
			if PartitionOf(each.Region) != "" && !slices.Contains(known, each.Region) {
				found = append(found, Problem{path + ".region", fmt.Sprintf(
					"%s is none of the Regions that this version knows; %s", each.Region,
					meant(each.Region, "goldsmith check --ask looks whether the account has it"))})
			}
			if strings.Contains(each.Key, "alias/aws/") && !each.Share.IsZero() {
				found = append(found, Problem{path + ".share", fmt.Sprintf(
					"%s is a key that AWS manages, which lets no other account use it: the copy will not be shared. "+
						"Name a customer managed key", each.Key)})
			}
		}
	}
	return found
}

// meant asks whether one of the Regions was meant whose names are the nearest, or says something else.
func meant(region, otherwise string) string {
	near := nearest(strings.ToLower(region), KnownRegions())
	switch last := len(near) - 1; {
	case last < 0:
		return otherwise
	case last == 0:
		return "did you mean " + near[0] + "?"
	default:
		return "did you mean " + strings.Join(near[:last], ", ") + " or " + near[last] + "?"
	}
}
