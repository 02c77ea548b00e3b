package balance

import (
	"context"
	"log/slog"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// Metrics counts what a pool does. Its methods are called concurrently and must be quick. Instances are named by host
// and port, as many as discovery finds; states and causes are closed sets.
type Metrics interface {
	// Picked counts a request by the state of the instance that gets it: healthy, slow_start or probing.
	Picked(state State)
	// Ejected counts an instance that was put out of service, and one that was to return and failed its probe.
	Ejected(instance string, cause health.Cause)
	// Returned counts an instance that is back in service.
	Returned(instance string)
}

// event is a change that is told after the mutex is released.
type event struct {
	instance *Instance
	cause    health.Cause // empty: it returned
	reason   string
}

func (p *Pool) tell(events []event) {
	for _, e := range events {
		level, text := slog.LevelWarn, "instance ejected"
		if e.cause == "" {
			level, text = slog.LevelInfo, "instance back in service"
		}
		p.logger.Log(context.Background(), level, text, "instance", e.instance.name, "reason", e.reason)
		switch {
		case p.metrics == nil:
		case e.cause == "":
			p.metrics.Returned(e.instance.name)
		default:
			p.metrics.Ejected(e.instance.name, e.cause)
		}
	}
}
