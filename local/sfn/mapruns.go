package sfn

import "goldsmith/local/asl"

type mapRunInput struct{ MapRunArn string }

// mapRun finds a Map run and the execution that began it.
func (s *Service) mapRun(arn string) (*record, asl.MapRun, error) {
	s.mu.Lock()
	all := append([]*record(nil), s.order...)
	s.mu.Unlock()
	for _, r := range all {
		for _, run := range r.MapRuns() {
			if run.ARN == arn {
				return r, run, nil
			}
		}
	}
	return nil, asl.MapRun{}, failure("ResourceNotFound", "Map Run '%s' Does Not Exist", arn)
}

func (s *Service) describeMapRun(in mapRunInput) (any, error) {
	if err := present("mapRunArn", in.MapRunArn); err != nil {
		return nil, err
	}
	r, run, err := s.mapRun(in.MapRunArn)
	if err != nil {
		return nil, err
	}
	counts := object{
		"total": run.Total, "pending": run.Pending, "running": run.Running, "succeeded": run.Succeeded,
		"failed": run.Failed, "timedOut": run.TimedOut, "aborted": run.Aborted, "resultsWritten": 0,
	}
	out := object{
		"mapRunArn": run.ARN, "executionArn": r.ID, "status": run.Status, "startDate": seconds(run.Started),
		"maxConcurrency": run.Concurrency, "toleratedFailurePercentage": run.ToleratedPercentage,
		"toleratedFailureCount": run.ToleratedCount, "itemCounts": counts, "executionCounts": counts,
		"redriveCount": run.Redrives,
	}
	if !run.Stopped.IsZero() {
		out["stopDate"] = seconds(run.Stopped)
	}
	if run.Redrives > 0 {
		out["redriveDate"] = seconds(run.Redriven)
	}
	return out, nil
}

type listMapRunsInput struct {
	ExecutionArn, NextToken string
	MaxResults              int
}

func (s *Service) listMapRuns(in listMapRunsInput) (any, error) {
	if err := present("executionArn", in.ExecutionArn); err != nil {
		return nil, err
	}
	r, err := s.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	var list []object
	for _, run := range r.MapRuns() {
		each := object{
			"executionArn": r.ID, "mapRunArn": run.ARN, "stateMachineArn": r.machine, "startDate": seconds(run.Started),
		}
		if !run.Stopped.IsZero() {
			each["stopDate"] = seconds(run.Stopped)
		}
		list = append(list, each)
	}
	return paged(listQualifiedInput{NextToken: in.NextToken, MaxResults: in.MaxResults}, "mapRuns", list)
}
