package main

import (
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

// programs are built from bench/ and started in this order: the service comes first.
var programs = []string{"mock", "gateway", "floor", "stock"}

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

// start builds and starts everything. What can't be stopped is told by stop.
func start(ctx context.Context) (*fleet, error) {
	folder, err := os.MkdirTemp("", "tributary-bench-")
	if err != nil {
		return nil, err
	}
	f := &fleet{folder: folder, processes: map[string]*process{}}
	if err := f.fill(ctx); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

func (f *fleet) fill(ctx context.Context) error {
	build := []string{"build", "-o", f.folder}
	for _, name := range programs {
		build = append(build, module+"bench/"+name)
	}
	if out, err := exec.CommandContext(ctx, "go", build...).CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(build, " "), err, out)
	}
	for _, name := range programs {
		if err := f.launch(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// launch starts a program on a free port and waits until it accepts connections.
func (f *fleet) launch(ctx context.Context, name string) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(f.folder, name+".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(f.folder, name)) //nolint:noctx // stop ends it
	cmd.Env = append(os.Environ(), "LISTEN="+address)
	if mock := f.processes["mock"]; mock != nil {
		cmd.Env = append(cmd.Env, "UPSTREAM=http://"+mock.address)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p := &process{address: address, cmd: cmd, log: log}
	f.processes[name] = p
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
