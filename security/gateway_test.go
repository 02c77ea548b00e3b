package security_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/internal/demo"
	"github.com/tributary-gateway/tributary/resolvers"
)

func newSchema() graphql.ExecutableSchema { return schemaOf(&resolvers.Resolver{}) }

func schemaOf(root graph.ResolverRoot) graphql.ExecutableSchema {
	cfg := graph.Config{Resolvers: root}
	return assemble.Schema(graph.NewExecutableSchema(cfg), graph.Bindings(cfg))
}

// usage is what a gateway has used since it began.
type usage struct {
	CPU       time.Duration
	Allocated int64 // bytes, also those that are free again
	Logged    int64 // bytes
}

// beGateway is the process that is attacked. It prints its address, and its usage for each line that it reads; it ends when
// there are no more.
func beGateway(yaml string) int {
	cfg, err := config.Parse("attacked", []byte("listen: 127.0.0.1:0\n"+yaml), config.Inputs{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			_ = json.NewEncoder(os.Stdout).Encode(measure())
		}
		stop()
	}()
	logger := slog.New(slog.NewTextHandler(&journal{}, nil))
	schema := newSchema()
	if strings.HasPrefix(yaml, panics) {
		schema = schemaOf(panicking{&resolvers.Resolver{}})
	}
	if err := assemble.Run(ctx, schema, cfg, logger); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

var logged atomic.Int64

func measure() usage {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return usage{
		CPU:       time.Duration(u.Utime.Nano() + u.Stime.Nano()),
		Allocated: int64(sample[0].Value.Uint64()),
		Logged:    logged.Load(),
	}
}

// journal is the gateway's log: it's counted, and tells the address.
type journal struct{ told bool }

var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

func (j *journal) Write(p []byte) (int, error) { // one at a time, as slog has it
	logged.Add(int64(len(p)))
	if !j.told {
		if found := serving.FindSubmatch(p); found != nil {
			j.told = true
			fmt.Println(string(found[1]))
		}
	}
	return len(p), nil
}

// gateway is a process that is attacked, with its services.
type gateway struct {
	yaml     string
	services *recorder
	address  string
	unable   bool // to answer an ordinary query

	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	last    *lastWords
}

// start begins a gateway with services of its own, for as long as the test runs.
func start(t testing.TB, yaml string) *gateway {
	t.Helper()
	g := &gateway{services: newRecorder(t)}
	for _, name := range demo.Names {
		yaml = strings.ReplaceAll(yaml, "ADDRESS-"+name, g.services.address(name))
	}
	g.yaml = yaml
	g.begin(t)
	t.Cleanup(func() {
		_ = g.in.Close()
		_ = g.command.Wait()
	})
	return g
}

func (g *gateway) begin(t testing.TB) {
	t.Helper()
	g.command = exec.Command(os.Args[0], "-test.run=^$")
	g.command.Env = append(os.Environ(), role+"="+g.yaml, "GOTRACEBACK=single")
	g.last = &lastWords{}
	g.command.Stderr = g.last
	in, err := g.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.command.Start(); err != nil {
		t.Fatal(err)
	}
	g.in, g.out = in, bufio.NewReader(out)
	line, err := g.out.ReadString('\n')
	if err != nil {
		_ = g.command.Wait()
		t.Fatalf("the gateway doesn't start: %v\n%s", err, g.last)
	}
	g.address = strings.TrimSpace(line)
}

// used asks for the gateway's usage. When it has ended, that is told and another one begins.
func (g *gateway) used(t testing.TB) (u usage, alive bool) {
	t.Helper()
	_, err := io.WriteString(g.in, "\n")
	if err == nil {
		var line []byte
		if line, err = g.out.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &u)
		}
	}
	if err == nil {
		return u, true
	}
	_ = g.in.Close()
	_ = g.command.Wait()
	t.Errorf("the gateway has ended: %v\n%s", g.command.ProcessState, g.last)
	g.begin(t)
	return u, false
}

// lastWords keeps the beginning of what a process writes.
type lastWords struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p[:min(len(p), max(0, 4<<10-l.text.Len()))])
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
