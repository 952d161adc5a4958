package asl

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"goldsmith/local/clock"
)

// What the calls with a task token may answer, named after the API's errors.
var (
	// ErrInvalidToken: no execution of this runtime ever made this token.
	ErrInvalidToken = errors.New("InvalidToken")
	// ErrTaskTimedOut: the task has ended, by whatever means, or its execution has.
	ErrTaskTimedOut = errors.New("TaskTimedOut")
	// ErrInvalidOutput: the output is not JSON.
	ErrInvalidOutput = errors.New("InvalidOutput")
)

// settlement is the end of one attempt of a task, decided by what comes first.
type settlement struct {
	once sync.Once
	// answered is closed when the function has answered.
	answered chan struct{}
	done     chan struct{}
	result   any
	err      *Error

	mu        sync.Mutex
	heartbeat *clock.Timer
	every     time.Duration
}

func newSettlement() *settlement {
	return &settlement{done: make(chan struct{}), answered: make(chan struct{})}
}

// settle reports whether it came first.
func (s *settlement) settle(result any, err *Error) bool {
	first := false
	s.once.Do(func() {
		s.result, s.err, first = result, err, true
		close(s.done)
	})
	return first
}

// answer notes that the function has answered.
func (s *settlement) answer() { close(s.answered) }

func (s *settlement) hasAnswered() bool {
	select {
	case <-s.answered:
		return true
	default:
		return false
	}
}

func (s *settlement) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heartbeat != nil && s.heartbeat.Stop() {
		s.heartbeat.Reset(s.every)
	}
}

// TaskSuccess ends the task that waits for the token with a JSON output.
func (r *Runtime) TaskSuccess(token string, output []byte) error {
	result, err := decode(output)
	if err != nil {
		return errors.Join(ErrInvalidOutput, err)
	}
	return r.settle(token, result, nil)
}

// TaskFailure ends the task that waits for the token with an error.
func (r *Runtime) TaskFailure(token string, e Error) error { return r.settle(token, nil, &e) }

// TaskHeartbeat starts the heartbeat of the waiting task anew.
func (r *Runtime) TaskHeartbeat(token string) error {
	s, err := r.waiting(token)
	if err != nil {
		return err
	}
	s.beat()
	return nil
}

// TokenExecution is the execution that a token belongs to.
func (r *Runtime) TokenExecution(token string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil {
		return "", ErrInvalidToken
	}
	mark, rest, _ := strings.Cut(string(raw), "\n")
	execution, place, ok := strings.Cut(rest, "\n")
	if !ok || mark != r.draw("token", execution, place).UUID() {
		return "", ErrInvalidToken
	}
	return execution, nil
}

func (r *Runtime) settle(token string, result any, e *Error) error {
	s, err := r.waiting(token)
	if err != nil {
		return err
	}
	if r.options.EarlyTokensLost && !s.hasAnswered() {
		return nil
	}
	if !s.settle(result, e) {
		return ErrTaskTimedOut
	}
	return nil
}

func (r *Runtime) waiting(token string) (*settlement, error) {
	r.mu.Lock()
	s := r.tokens[token]
	r.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if _, err := r.TokenExecution(token); err != nil {
		return nil, err
	}
	return nil, ErrTaskTimedOut
}

// newToken is new for every attempt and says itself where it comes from, so that
// closed tokens need not be remembered.
func (r *Runtime) newToken(execution, place string) string {
	mark := r.draw("token", execution, place).UUID()
	return base64.RawStdEncoding.EncodeToString([]byte(mark + "\n" + execution + "\n" + place))
}

func (r *Runtime) register(token string, s *settlement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens[token] = s
}

func (r *Runtime) forget(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tokens, token)
}

// await is the end of the attempt, or why the execution was stopped before it.
func (s *settlement) await(ctx context.Context) (any, error) {
	select {
	case <-s.done:
	case <-ctx.Done():
		s.settle(nil, &Error{Name: ErrTaskFailed, Cause: "the execution was stopped"})
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.result, nil
}
