package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"goldsmith/shared/fault"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
	"goldsmith/shared/version"
)

// Options say what is tried, and where what came of it is kept.
type Options struct {
	AWS aws.Config
	// Dir is where the journal and the reports are written; it is made.
	Dir string
	// Only are the keys of what is tried; empty for all.
	Only []string
	// Subnet is where instances are launched; empty for one of the default VPC.
	Subnet string
	// Run is the run to clean where there is no journal of it.
	Run string
	// NewID is part of the name of a new run.
	NewID func() string
	Now   func() time.Time
}

// Session is a run, before it begins or after it was cut off.
type Session struct {
	options Options
	rows    []Row
	chosen  []probe
	journal *journal
	lab     *lab

	// Account, Region and Caller are where and as whom AWS is asked; Run is the tag of what is made.
	Account, Region, Caller, Run string
	// Resumed is whether an earlier start of the run was cut off, and Left whether something of it may be there.
	Resumed, Left bool
	// Makes is what will be made, Cents what it costs at most and Longest how long it takes at most.
	Makes   []string
	Cents   int
	Longest time.Duration
	// Others are instances that run in the Region and are no business of this run.
	Others []string
	// Tried, Unwritten and Impossible count the rows.
	Tried, Unwritten, Impossible int
}

// Open asks who and where it is, and looks for a journal. It changes nothing.
func Open(ctx context.Context, o Options) (*Session, error) {
	rows, err := Rows()
	if err != nil {
		return nil, err
	}
	s := &Session{options: o, rows: rows, Region: o.AWS.Region, Longest: longest}
	s.chosen = choose(o.Only)
	s.Tried, s.Unwritten, s.Impossible = Counts(rows)
	who, err := sts.NewFromConfig(o.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("asking whose account this is: %w", err)
	}
	s.Account, s.Caller = aws.ToString(who.Account), aws.ToString(who.Arn)
	s.Makes, s.Cents = makes(s.chosen)
	if err := s.recall(); err != nil {
		return nil, err
	}
	s.Others, err = s.others(ctx)
	return s, err
}

// journalFile is the journal's name in the folder.
const journalFile = "journal.jsonl"

// recall reads the journal of a run that was cut off. One of another account is not touched.
func (s *Session) recall() error {
	s.Run = "prove-" + s.options.NewID()
	if s.options.Run != "" {
		s.Run = s.options.Run
	}
	j, ok, err := readJournal(filepath.Join(s.options.Dir, journalFile))
	if err != nil || !ok {
		return err
	}
	if j.head.Account != s.Account || j.head.Region != s.Region {
		return fault.Failure("Name another folder with --dir, or use the credentials of that account.",
			"%s is of account %s in %s, and these credentials are of account %s in %s", j.path, j.head.Account, j.head.Region,
			s.Account, s.Region)
	}
	if j.open || !j.ended {
		s.Resumed, s.Left, s.Run, s.journal = true, j.open, j.head.Run, j
	}
	return nil
}

// others are the running instances that no run of this command launched, by what people call them.
func (s *Session) others(ctx context.Context) (all []string, err error) {
	pages := ec2.NewDescribeInstancesPaginator(ec2.NewFromConfig(s.options.AWS), &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"pending", "running"}}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking what runs here: %w", err)
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				id := aws.ToString(i.InstanceId)
				if tags := source.Tags(i); !strings.HasPrefix(tags[tag.Run], "prove-") {
					all = append(all, source.Name(tags, id))
				}
			}
		}
	}
	return all, nil
}

// begin has a journal and the clients.
func (s *Session) begin() (err error) {
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the journal: %w", err)
	}
	if s.journal == nil {
		s.journal, err = begin(filepath.Join(s.options.Dir, journalFile),
			entry{Run: s.Run, Account: s.Account, Region: s.Region})
	}
	if err == nil {
		s.lab = newLab(s.options.AWS, s.journal, s.options.Subnet)
	}
	return err
}

// Prove tries what is chosen, tells each finding, and removes everything, also when ctx ends: then what was not tried
// stays untried, and the next start goes on with it. The error is that of removing, after which something may be left.
func (s *Session) Prove(ctx context.Context, tell func(Finding)) (Report, error) {
	if err := s.begin(); err != nil {
		return Report{}, err
	}
	if err := s.anew(ctx); err != nil {
		return s.report(), err
	}
	report := s.report()
	limited, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("not within %s", longest))
	err := s.tryAll(limited, &report, tell)
	cancel()
	apart := context.WithoutCancel(ctx)
	report.Strange, report.err = s.lab.clean(apart)
	report.Ended = s.options.Now().UTC()
	if report.err == nil && err == nil && ctx.Err() == nil {
		err = s.journal.write(entry{Ended: true})
	}
	if report.err != nil {
		report.Left = fault.Brief(report.err)
	}
	return report, errors.Join(err, left(report.err))
}

// anew removes what an earlier start of the run has left, and goes on under another name: EC2 would answer the client
// tokens of the earlier one with what has ended.
func (s *Session) anew(ctx context.Context) error {
	if !s.Resumed {
		return nil
	}
	if s.Left {
		if _, err := s.lab.clean(ctx); err != nil {
			return left(err)
		}
	}
	s.Run = "prove-" + s.options.NewID()
	if err := s.journal.write(entry{Run: s.Run, Account: s.Account, Region: s.Region}); err != nil {
		return err
	}
	s.lab = newLab(s.options.AWS, s.journal, s.options.Subnet)
	return nil
}

func left(err error) error {
	if err == nil {
		return nil
	}
	return &fault.Failed{Err: err, Do: "goldsmith prove --clean removes what is left."}
}

func (s *Session) tryAll(ctx context.Context, report *Report, tell func(Finding)) error {
	for _, p := range s.chosen {
		row := rowOf(s.rows, p.key)
		f, known := s.journal.finding(p.key)
		if !known && ctx.Err() == nil {
			f = p.run(ctx, s.lab, row)
		}
		if !known && ctx.Err() != nil {
			report.Findings = append(report.Findings, p.untried(row, context.Cause(ctx)))
			continue
		}
		if !known {
			if err := s.journal.write(entry{Tried: &f}); err != nil {
				return err
			}
		}
		report.Findings = append(report.Findings, f)
		tell(f)
	}
	return nil
}

func (s *Session) report() Report {
	r := Report{
		Account: s.Account, Region: s.Region, Caller: s.Caller, Run: s.Run, Version: version.Version,
		Began: s.options.Now().UTC(), Findings: []Finding{},
	}
	for _, row := range s.rows {
		if row.Tried == "" {
			r.Rest = append(r.Rest, row)
		}
	}
	return r
}

// Clean removes what a run that was cut off has made: that of the journal, or the one that is named.
func (s *Session) Clean(ctx context.Context) (strange []string, err error) {
	if s.journal == nil && s.options.Run == "" {
		return nil, nil
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	strange, err = s.lab.clean(ctx)
	return strange, left(err)
}

// Runs are the runs of which something is there, for who has lost the journal.
func (s *Session) Runs(ctx context.Context) (runs []string, err error) {
	tagged, err := s.tagged(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range tagged {
		found, err := newLab(s.options.AWS, &journal{head: entry{Run: run}}, "").remains(ctx)
		if err != nil {
			return nil, err
		}
		if len(found.all)+len(found.strange) > 0 {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// tagged are the runs of which EC2 shows a tag: also of what has ended.
func (s *Session) tagged(ctx context.Context) (runs []string, err error) {
	pages := ec2.NewDescribeTagsPaginator(ec2.NewFromConfig(s.options.AWS), &ec2.DescribeTagsInput{
		Filters: []types.Filter{
			{Name: aws.String("key"), Values: []string{tag.Run}}, {Name: aws.String("value"), Values: []string{"prove-*"}},
		},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for runs that left something: %w", err)
		}
		for _, t := range out.Tags {
			if run := aws.ToString(t.Value); !slices.Contains(runs, run) {
				runs = append(runs, run)
			}
		}
	}
	slices.Sort(runs)
	return runs, nil
}
