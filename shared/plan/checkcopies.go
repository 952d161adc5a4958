package plan

import (
	"fmt"
	"slices"
	"strings"
)

// copies checks where copies of images are to be, and under which keys.
func (c *checker) copies(p Plan) {
	var regions []string
	for i, each := range p.Copies {
		path := fmt.Sprintf("copies[%d]", i)
		if each.Region == "" {
			c.add(path+".region", "is missing: name the Region of the copy, such as us-east-1")
		} else {
			c.region(path+".region", each.Region, p.Copies[0].Region)
			if slices.Contains(regions, each.Region) {
				c.add(path+".region", "%q is listed twice: an image has one copy in a Region", each.Region)
			}
		}
		regions = append(regions, each.Region)
		c.copyKey(path+".key", each)
		if each.Keep != (Keep{}) {
			c.keepAt(path+".keep", p.KeepIn(each.Region), each.Keep)
		}
		c.share(path+".share", each.Share)
		if each.Alias && p.Roll.Skip {
			c.add(path+".alias", "rolls copies, and roll.skip rolls nothing: leave one of them out")
		}
	}
	if len(p.Copies) > MaxCopies {
		c.add("copies", "%d copies are more than %d", len(p.Copies), MaxCopies)
	}
}

func (c *checker) copyKey(path string, of Copy) {
	if of.Key == "" {
		return
	}
	if !keyForm().MatchString(of.Key) {
		c.add(path, "%q names no KMS key; want its alias such as alias/golden, its id or its own ARN, "+
			"which an alias's is not", of.Key)
		return
	}
	parts := strings.Split(of.Key, ":")
	if len(parts) <= 3 || of.Region == "" {
		return
	}
	switch partition := PartitionOf(of.Region); {
	case parts[3] != of.Region:
		c.add(path, "the key is in %s, and a copy in %s is encrypted under a key of that Region alone", parts[3], of.Region)
	case partition != "" && parts[1] != partition:
		c.add(path, "the key's ARN is of partition %s, and %s is in %s", parts[1], of.Region, partition)
	}
}

// NoRule is what is wrong with the retention of copies that keeps nothing by any rule.
const NoRule = "says no rule: add last, daily, weekly, monthly or yearly, or leave it out"

// keepAt checks a retention policy whose own values are as written.
func (c *checker) keepAt(path string, k, written Keep) {
	inner := checker{path: c.path}
	inner.keep(k)
	for _, p := range inner.found {
		rest := strings.TrimPrefix(strings.TrimPrefix(p.Path, c.path+"."), "keep")
		c.add(path+rest, "%s", p.Text)
	}
	if !written.Rules() && written.Minimum <= 1 {
		c.add(path, "%s", NoRule)
	}
}

// Home checks what only holds of the Region that the suite is in: by plan, what is wrong.
func (p Plans) Home(region string) (found []Problem) {
	for _, name := range p.Names() {
		for i, each := range p.Plans[name].Copies {
			if of, own := PartitionOf(each.Region), PartitionOf(region); of != "" && own != "" && of != own {
				found = append(found, Problem{fmt.Sprintf("%s.copies[%d].region", name, i), apart(each.Region, of, region, own)})
			}
			if each.Region == region && each.Alias {
				found = append(found, Problem{
					fmt.Sprintf("%s.copies[%d].alias", name, i),
					fmt.Sprintf("%s is the suite's own Region, where the image itself is rolled, and no copy", region),
				})
			}
			if each.Region == region && each.Key == "" {
				found = append(found, Problem{
					fmt.Sprintf("%s.copies[%d].key", name, i),
					fmt.Sprintf("is missing: %s is the suite's own Region, where a copy differs from its image by its key alone",
						region),
				})
			}
		}
	}
	return found
}
