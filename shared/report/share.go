package report

import (
	"fmt"
	"strings"

	"goldsmith/shared/job"
)

// Share is one image, or a copy of one, and whom it is shared with.
type Share struct {
	Source, Image string
	// Region is that of a copy.
	Region string
	job.Sharing
}

// addShared tells of the image and of its copies. What is not known of a copy that is not there is not told.
func (r *Report) addShared(result job.Result) {
	if result.Shared != nil {
		r.share(Share{Source: nameOf(result), Image: result.Image.ID, Sharing: *result.Shared})
	}
	for _, c := range result.Copies {
		if c.Shared != nil && c.Problem == "" && !c.Open() {
			r.share(Share{Source: nameOf(result), Image: c.ID, Region: c.Region, Sharing: *c.Shared})
		}
	}
}

func (r *Report) share(each Share) {
	if each.Problem != "" {
		r.Counts.NotShared++
		r.NotShared = append(r.NotShared, each)
		return
	}
	r.Counts.Shared++
	r.Shared = append(r.Shared, each)
}

// Says is whom the image is shared with, or why it is not.
func (s Share) Says() string {
	where := ""
	if s.Region != "" {
		where = "the copy in " + s.Region + ": "
	}
	why := without(s.Problem, s.Do)
	switch {
	case s.Problem == "":
		return where + "shared with " + With(s.Sharing)
	case !s.None():
		return where + "shared with " + With(s.Sharing) + ", and not as the plan says: " + why
	}
	return where + why
}

// named is how many accounts and organizations With names at most.
const named = 5

// With names whom an image is shared with: "account 111122223333, with its snapshots".
func With(s job.Sharing) string {
	var said []string
	if n := len(s.Accounts); n > 0 {
		said = append(said, counted(n, "account")+" "+job.Few(s.Accounts, named))
	}
	if n := len(s.Organizations); n > named {
		return strings.Join(append(said, fmt.Sprintf("%d organizations and units", n)), ", ")
	}
	for _, arn := range s.Organizations {
		what, id := "organization ", arn[strings.LastIndex(arn, "/")+1:]
		if strings.HasPrefix(id, "ou-") {
			what = "organizational unit "
		}
		said = append(said, what+id)
	}
	with := strings.Join(said, ", ")
	if s.Snapshots {
		with += ", which may copy it"
	}
	return with
}

func counted(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
