package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
	"github.com/tributary-gateway/tributary/bench/internal/placeholder"
)

// loadCommand is the word that makes this program the load generator.
const loadCommand = "load"

// generate measures one plan, from and to JSON.
func generate(in io.Reader, out io.Writer) error {
	var plan load.Plan
	if err := json.NewDecoder(in).Decode(&plan); err != nil {
		return err
	}
	result, err := load.Measure(plan)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// rounds measures every cell of the rows once per round. Every other round goes backwards, so that no program always
// comes after the same other one.
func (f *fleet) rounds(ctx context.Context, o options, rows []row) (results, error) {
	var cells []cell
	for _, r := range rows {
		for _, c := range []cell{r.measured, r.against} {
			if !slices.Contains(cells, c) {
				cells = append(cells, c)
			}
		}
	}
	seconds := time.Duration(o.seconds * float64(time.Second))
	all := results{}
	// The first round is thrown away: pools, caches and connections are made in it.
	for round := range o.rounds + 1 {
		length := seconds
		if round == 0 {
			length = min(seconds, time.Second/2)
		}
		for _, c := range cells {
			r, err := f.cell(ctx, c, o.connections, length)
			if err != nil {
				return nil, fmt.Errorf("%s%s: %w", c.program, c.path, err)
			}
			if round > 0 {
				all[c] = append(all[c], r)
			}
		}
		slices.Reverse(cells)
		fmt.Fprintf(os.Stderr, "\rround %d of %d", round, o.rounds)
	}
	fmt.Fprintln(os.Stderr)
	return all, nil
}

// cell measures one cell in a process of its own.
func (f *fleet) cell(ctx context.Context, c cell, connections int, length time.Duration) (load.Result, error) {
	exchanges, err := c.exchanges(f.processes[c.program].address)
	if err != nil {
		return load.Result{}, err
	}
	if c.alone {
		connections = 1
	}
	var beside []int
	for name, p := range f.processes {
		if name != c.program {
			beside = append(beside, p.cmd.Process.Pid)
		}
	}
	plan, err := json.Marshal(load.Plan{
		Address: f.processes[c.program].address, PID: f.processes[c.program].cmd.Process.Pid, Beside: beside,
		Connections: connections, Warmup: length / 3, Duration: length, Exchanges: exchanges,
	})
	if err != nil {
		return load.Result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return load.Result{}, err
	}
	cmd := exec.CommandContext(ctx, self, loadCommand)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(plan), &said
	out, err := cmd.Output()
	if err != nil {
		return load.Result{}, fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	var result load.Result
	if err := json.Unmarshal(out, &result); err != nil {
		return load.Result{}, err
	}
	if result.Requests == 0 {
		return load.Result{}, fmt.Errorf("nothing was answered in %v", length)
	}
	return result, nil
}

// exchanges are the requests of a cell. The relay, which reads no GraphQL, learns the id from its URL.
func (c cell) exchanges(address string) ([]load.Exchange, error) {
	q, err := placeholder.ByName(c.query)
	if err != nil {
		return nil, err
	}
	var all []load.Exchange
	for _, r := range placeholder.New(placeholder.Posts).Requests(q) {
		path := c.path
		if c.program == "floor" && r.ID > 0 {
			path += "?id=" + strconv.Itoa(r.ID)
		}
		all = append(all, load.Exchange{Request: load.Post(address, path, r.Body), Answer: r.Answer})
	}
	return all, nil
}
