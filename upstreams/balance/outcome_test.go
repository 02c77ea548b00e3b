package balance_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/balance"
)

func TestOutcomeOf(t *testing.T) {
	for _, test := range []struct {
		status  int
		err     error
		outcome balance.Outcome
		reason  string
	}{
		{200, nil, balance.Success, ""},
		{304, nil, balance.Success, ""},
		{404, nil, balance.Success, ""},
		{429, nil, balance.Success, ""},
		{499, nil, balance.Success, ""},
		{500, nil, balance.Failure, "500"},
		{503, nil, balance.Failure, "503"},
		{0, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, balance.Failure, "connection refused"},
		{200, io.ErrUnexpectedEOF, balance.Failure, "answer cut off"},
		{0, fmt.Errorf("asking: %w", context.DeadlineExceeded), balance.Timeout, "timeout"},
		{0, &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, balance.Timeout, "timeout"},
		{0, fmt.Errorf("asking: %w", context.Canceled), balance.Neutral, ""},
	} {
		outcome, reason := balance.OutcomeOf(test.status, test.err)
		if outcome != test.outcome || reason != test.reason {
			t.Errorf("%d %v: %v %q, not %v %q", test.status, test.err, outcome, reason, test.outcome, test.reason)
		}
	}
}
