package sfn

import (
	"errors"
	"unicode/utf8"

	"goldsmith/local/asl"
)

type successInput struct{ TaskToken, Output string }

func (s *Service) sendTaskSuccess(in successInput) (any, error) {
	if err := present("output", in.Output); err != nil {
		return nil, err
	}
	if len(in.Output) > maxInput {
		return nil, failure("ValidationException",
			"1 validation error detected: Value at 'output' failed to satisfy constraint: "+
				"Member must have length less than or equal to %d", maxInput)
	}
	return s.answer(in.TaskToken, func() error { return s.runtime.TaskSuccess(in.TaskToken, []byte(in.Output)) })
}

type failureInput struct{ TaskToken, Error, Cause string }

// The longest error name and cause of SendTaskFailure in characters.
const (
	maxError = 256
	maxCause = 32_768
)

func (s *Service) sendTaskFailure(in failureInput) (any, error) {
	if utf8.RuneCountInString(in.Error) > maxError || utf8.RuneCountInString(in.Cause) > maxCause {
		return nil, failure("ValidationException", "1 validation error detected: error may have %d characters, cause %d",
			maxError, maxCause)
	}
	return s.answer(in.TaskToken, func() error {
		return s.runtime.TaskFailure(in.TaskToken, asl.Error{Name: in.Error, Cause: in.Cause})
	})
}

type tokenInput struct{ TaskToken string }

func (s *Service) sendTaskHeartbeat(in tokenInput) (any, error) {
	return s.answer(in.TaskToken, func() error { return s.runtime.TaskHeartbeat(in.TaskToken) })
}

// answer turns the interpreter's errors into the service's. A token of an
// execution that the service no longer has is TaskDoesNotExist.
func (s *Service) answer(token string, use func() error) (any, error) {
	if err := present("taskToken", token); err != nil {
		return nil, err
	}
	err := use()
	switch {
	case err == nil:
		return object{}, nil
	case errors.Is(err, asl.ErrInvalidToken):
		return nil, failure("InvalidToken", "Invalid Token: 'Invalid token'")
	case errors.Is(err, asl.ErrInvalidOutput):
		return nil, failure("InvalidOutput", "Invalid Output: %v", err)
	case s.unknown(token):
		return nil, failure("TaskDoesNotExist", "Task Does Not Exist: the execution of this token does not exist")
	}
	return nil, failure("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
}

func (s *Service) unknown(token string) bool {
	arn, err := s.runtime.TokenExecution(token)
	if err != nil {
		return true
	}
	_, err = s.find(arn)
	return err != nil
}
