package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const module = "github.com/tributary-gateway/tributary/"

// launch is a program of bench/ that is to run, under a name of its own and with more in its environment.
type launch struct {
	name, program string
	env           []string
}

// Gateways that keep answers.
const (
	keptHere    = "kept"
	keptInRedis = "kept-in-redis"
)

// programs are started in this order: the service comes first, and Redis before who asks it.
var programs = []launch{
	{name: "mock"},
	{name: "gateway"},
	{name: "floor"},
	{name: "stock"},
	{name: keptHere, program: "gateway", env: []string{"LIMITS=memory", "CACHE=memory"}},
	{name: redisServer, program: redisServer},
	{name: keptInRedis, program: "gateway", env: []string{"CACHE=redis"}},
}

// process is a program that runs.
type process struct {
	address string
	cmd     *exec.Cmd
	log     *os.File // both outputs; a file, as a log is in production
}

// fleet are the programs of one measurement.
type fleet struct {
	folder    string // of binaries and logs
	processes map[string]*process
}

// start builds and starts the programs. What can't be stopped is told by stop.
func start(ctx context.Context, programs []launch) (*fleet, error) {
	folder, err := os.MkdirTemp("", "tributary-bench-")
	if err != nil {
		return nil, err
	}
	f := &fleet{folder: folder, processes: map[string]*process{}}
	if err := f.fill(ctx, programs); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

func (f *fleet) fill(ctx context.Context, programs []launch) error {
	build := []string{"build", "-o", f.folder}
	for _, l := range programs {
		if l.program != redisServer {
			build = append(build, module+"bench/"+cmp.Or(l.program, l.name))
		}
	}
	if out, err := exec.CommandContext(ctx, "go", build...).CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(build, " "), err, out)
	}
	for _, l := range programs {
		if err := f.launch(ctx, l); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

// launch starts a program on a free port and waits until it accepts connections.
func (f *fleet) launch(ctx context.Context, l launch) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(f.folder, l.name+".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(f.folder, cmp.Or(l.program, l.name))) //nolint:noctx // stop ends it
	if l.program == redisServer {
		cmd = redisCommand(address, f.folder)
	}
	cmd.Env = append(append(os.Environ(), "LISTEN="+address), l.env...)
	if mock := f.processes["mock"]; mock != nil {
		cmd.Env = append(cmd.Env, "UPSTREAM=http://"+mock.address)
	}
	if store := f.processes[redisServer]; store != nil {
		cmd.Env = append(cmd.Env, "REDIS="+store.address)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p := &process{address: address, cmd: cmd, log: log}
	f.processes[l.name] = p
	return p.ready(ctx)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready waits for the listener: at most 10 s.
func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(p.log.Name()) // what it says is all there is to tell
			return fmt.Errorf("it doesn't listen: %w\n%s", err, said)
		case <-again.C:
		}
	}
}

// stop ends every process and removes what start made.
func (f *fleet) stop() error {
	var problems []error
	for name, p := range f.processes {
		if err := p.cmd.Process.Kill(); err != nil {
			problems = append(problems, fmt.Errorf("%s ended early: %w", name, err))
		}
		_ = p.cmd.Wait() // it was killed
		problems = append(problems, p.log.Close())
	}
	return errors.Join(append(problems, os.RemoveAll(f.folder))...)
}
