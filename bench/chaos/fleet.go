package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a program that can be stopped, killed and started again on its addresses.
type process struct {
	name    string
	path    string
	args    []string
	address string
	log     string // the file of both outputs
	cmd     *exec.Cmd
}

// start runs the program and waits until it accepts connections.
func (p *process) start(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()                      //nolint:errcheck // the program has its own
	cmd := exec.Command(p.path, p.args...) //nolint:noctx // kill ends it
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	return until(ctx, 10*time.Second, func() error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
		if err != nil {
			said, _ := os.ReadFile(p.log) // what it says is all there is to tell
			return fmt.Errorf("%s doesn't listen: %w\n%s", p.name, err, said)
		}
		return conn.Close()
	})
}

func (p *process) signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// kill ends the program at once. Killing what doesn't run is fine.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// until tries again and again, until there is no error or time is over.
func until(ctx context.Context, most time.Duration, try func() error) error {
	deadline := time.Now().Add(most)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// member is an instance process with its control.
type member struct {
	process
	control string
}

// misbehave tells the instance what to do from now on.
func (m *member) misbehave(fault string) error {
	res, err := http.Post("http://"+m.control+"/?fault="+url.QueryEscape(fault), "", nil) //nolint:noctx // answers at once
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: no fault %q", m.name, fault)
	}
	return nil
}

func (m *member) counts() (counts, error) {
	var c counts
	res, err := http.Get("http://" + m.control + "/") //nolint:noctx // answers at once
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	return c, json.NewDecoder(res.Body).Decode(&c)
}

// fleet is a gateway with its services: users in three instances, the rest in one.
type fleet struct {
	folder  string
	users   []*member
	others  *member
	gateway *process
	admin   string
}

// services are those that the shop's schema names.
var services = []string{"users", "catalog", "inventory", "orders", "reviews"}

// raise builds the gateway and starts everything. many names the service that has three instances.
func raise(ctx context.Context, folder, many string) (f *fleet, err error) {
	f = &fleet{folder: folder}
	defer func() {
		if err != nil {
			f.lower()
		}
	}()
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	for i := range 4 {
		m := &member{}
		if m.address, err = freeAddress(ctx); err != nil {
			return f, err
		}
		if m.control, err = freeAddress(ctx); err != nil {
			return f, err
		}
		m.name, m.path = fmt.Sprintf("instance%d", i), self
		m.args = []string{instanceCommand, "-listen", m.address, "-control", m.control}
		m.log = filepath.Join(folder, m.name+".log")
		if i == 3 {
			f.others = m
		} else {
			f.users = append(f.users, m)
		}
		if err := m.start(ctx); err != nil {
			return f, err
		}
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return f, err
	}
	if f.admin, err = freeAddress(ctx); err != nil {
		return f, err
	}
	file := filepath.Join(folder, "gateway.yaml")
	if err := os.WriteFile(file, []byte(f.configuration(address, many)), 0o600); err != nil {
		return f, err
	}
	f.gateway = &process{
		name: "gateway", path: filepath.Join(folder, "gateway"), address: address,
		args: []string{"serve", "--config", file}, log: filepath.Join(folder, "gateway.log"),
	}
	return f, f.gateway.start(ctx)
}

// configuration is a gateway.yaml with as little as possible: what is measured are the defaults.
func (f *fleet) configuration(address, many string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: %s\nadmin: {listen: %s}\nlog: {level: warn}\nservices:\n", address, f.admin)
	for _, name := range services {
		fmt.Fprintf(&b, "  %s:\n    timeout: 3s\n", name)
		if name != many {
			fmt.Fprintf(&b, "    url: http://%s\n", f.others.address)
			continue
		}
		fmt.Fprintf(&b, "    instances:\n")
		for _, m := range f.users {
			fmt.Fprintf(&b, "      - url: http://%s\n", m.address)
		}
	}
	return b.String()
}

// lower ends every process.
func (f *fleet) lower() {
	if f.gateway != nil {
		f.gateway.kill()
	}
	for _, m := range append(f.users, f.others) {
		if m != nil {
			m.kill()
		}
	}
}

// calm makes every instance well and waits until the gateway sees it.
func (f *fleet) calm(ctx context.Context) error {
	for _, m := range append(f.users, f.others) {
		if m.cmd == nil {
			if err := m.start(ctx); err != nil {
				return err
			}
		}
		if err := errors.Join(m.signal(syscall.SIGCONT), m.misbehave("none")); err != nil {
			return err
		}
	}
	n := 0
	return until(ctx, 60*time.Second, func() error {
		n++
		for _, ask := range []question{user, product} {
			document, right := ask(n)
			a, err := post(ctx, http.DefaultClient, f.gateway.address, document)
			if err == nil && !right(a.Data) {
				err = fmt.Errorf("%s: %s %s", document, a.Data, a.Errors)
			}
			if err != nil {
				return err
			}
		}
		return f.everybody("healthy")
	})
}

// everybody tells whether all instances of users are in a state.
func (f *fleet) everybody(state string) error {
	for _, m := range f.users {
		s, err := f.state(m)
		if err != nil {
			return err
		}
		if s != state && (state != "healthy" || s != "slow_start") { // which serves
			return fmt.Errorf("%s is %s", m.name, s)
		}
	}
	return nil
}

// upstream is what the admin listener tells of a service.
type upstream struct {
	Instances []struct {
		URL   string `json:"url"`
		State string `json:"state"`
	} `json:"instances"`
}

// state is what the gateway takes an instance for.
func (f *fleet) state(m *member) (string, error) {
	var upstreams map[string]upstream
	if err := f.ask("/upstreams", &upstreams); err != nil {
		return "", err
	}
	for _, u := range upstreams {
		for _, i := range u.Instances {
			if strings.Contains(i.URL, m.address) && len(u.Instances) > 1 {
				return i.State, nil
			}
		}
	}
	return "", fmt.Errorf("the gateway doesn't know %s", m.name)
}

// ask reads a page of the admin listener.
func (f *fleet) ask(page string, into any) error {
	res, err := http.Get("http://" + f.admin + page) //nolint:noctx // answers at once
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
