package redisconn

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// guard keeps commands from a server that gives no answers. It's a hook of go-redis around each command and pipeline.
type guard struct {
	options Options

	mu      sync.Mutex // guards breaker
	breaker breaker
}

var _ redis.Hook = (*guard)(nil)

// DialHook leaves dialling as it is: connections are made for commands that were let through.
func (g *guard) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return next(ctx, network, address)
	}
}

// ProcessHook guards one command.
func (g *guard) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if inside(ctx) {
			return next(ctx, cmd)
		}
		if !g.allow() {
			cmd.SetErr(ErrDown)
			return ErrDown
		}
		err := next(context.WithValue(ctx, guarded{}, true), cmd)
		g.report(ctx, err)
		return err
	}
}

// ProcessPipelineHook guards a pipeline, which counts as one command.
func (g *guard) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if inside(ctx) {
			return next(ctx, cmds)
		}
		if !g.allow() {
			for _, cmd := range cmds {
				cmd.SetErr(ErrDown)
			}
			return ErrDown
		}
		err := next(context.WithValue(ctx, guarded{}, true), cmds)
		worst := err
		for _, cmd := range cmds {
			if Unanswered(cmd.Err()) {
				worst = cmd.Err()
			}
		}
		g.report(ctx, worst)
		return err
	}
}

// guarded marks the context of a command that was let through. What go-redis sends to make a connection for it comes by
// here as well and is part of it: a probe would be refused halfway otherwise.
type guarded struct{}

func inside(ctx context.Context) bool { return ctx.Value(guarded{}) != nil }

func (g *guard) allow() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.breaker.open { // spares the clock
		return true
	}
	return g.breaker.allow(time.Now())
}

func (g *guard) report(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return // says nothing of the server
	}
	answered := !Unanswered(err)
	g.mu.Lock()
	changed := false
	if !answered || g.breaker.open || g.breaker.failures > 0 {
		changed = g.breaker.report(time.Now(), answered)
	}
	g.mu.Unlock()
	if !changed {
		return
	}
	if g.options.Metrics != nil {
		g.options.Metrics.RedisUp(answered)
	}
	if answered {
		g.options.Logger.InfoContext(ctx, "redis answers again")
		return
	}
	g.options.Logger.WarnContext(ctx, "redis gives no answers", "failures", g.breaker.limit, "next_try", g.breaker.pause, "reason", err)
}

// refusals are how replies begin by which a server says that it can't serve at all now. Every other reply, NOSCRIPT or
// MOVED for example, comes from a server that works.
var refusals = []string{
	"LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "BUSY ", "NOAUTH", "WRONGPASS", "NOREPLICAS",
	"OOM ", "TRYAGAIN", "ERR max number of clients",
}

// Unanswered says whether err means that a server can't serve now, as opposed to one that works and refuses a command.
func Unanswered(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return false
	}
	var reply redis.Error
	if !errors.As(err, &reply) {
		return true
	}
	for _, refusal := range refusals {
		if strings.HasPrefix(reply.Error(), refusal) {
			return true
		}
	}
	return false
}
