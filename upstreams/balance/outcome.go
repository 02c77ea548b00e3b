package balance

import (
	"context"
	"errors"
	"strconv"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// Outcome is what became of an attempt.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = iota // an answer, 4xx included
	Failure                // 5xx, no connection, a broken answer
	Timeout                // no answer in the attempt's time: a Failure that also counts as silence
	Neutral                // the caller left: says nothing about the instance but that it took longer than that
)

var results = [...]health.Result{Success: health.Answered, Failure: health.Failed, Timeout: health.TimedOut, Neutral: health.Canceled}

// OutcomeOf says what an attempt with that status, or that error, was, and the reason in a word or two if it failed. An
// attempt that was cut short by its caller's deadline, after less time than an attempt has, is better told as Neutral.
func OutcomeOf(status int, err error) (Outcome, string) {
	switch {
	case err == nil && status >= 500:
		return Failure, strconv.Itoa(status)
	case err == nil:
		return Success, ""
	case errors.Is(err, context.Canceled):
		return Neutral, ""
	}
	words := health.Words(err)
	if words == health.TimeoutWord {
		return Timeout, words
	}
	return Failure, words
}
