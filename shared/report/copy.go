package report

import (
	"fmt"

	"goldsmith/shared/job"
)

// Copy is a copy of one image.
type Copy struct {
	Source, Image string
	job.Copy
}

// addCopies tells of every copy. What was on its way when the run ended is told as not made: what becomes of it is not
// known.
func (r *Report) addCopies(result job.Result) {
	for _, each := range result.Copies {
		c := Copy{Source: nameOf(result), Image: result.Image.ID, Copy: each}
		switch {
		case each.Open() && r.Ended.IsZero():
			continue
		case each.Open():
			c.Problem = "it was on its way when the run was cut off, or not asked for yet"
			c.Do = "Nothing is to be done: the next image is copied, and a copy that comes about is kept like any other."
		}
		if c.Problem != "" {
			r.Counts.NotCopied++
			r.NotCopied = append(r.NotCopied, c)
			continue
		}
		r.Counts.Copied++
		r.Copied = append(r.Copied, c)
	}
}

// Says is where the copy is and under which key, or why there is none.
func (c Copy) Says() string {
	where := "to " + c.Region
	if c.Key != "" {
		where += " under key " + c.Key
	}
	if c.Problem == "" {
		return fmt.Sprintf("copied %s as %s", where, c.ID)
	}
	return "not copied " + where + ": " + without(c.Problem, c.Do)
}
