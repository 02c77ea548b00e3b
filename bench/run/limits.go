package main

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
)

// redisServer is the name of the program on the PATH, and of its process.
const redisServer = "redis-server"

func redisCommand(address, folder string) *exec.Cmd {
	_, port, _ := net.SplitHostPort(address)                                // it's ours
	return exec.Command(redisServer, "--port", port, "--bind", "127.0.0.1", //nolint:noctx // stop ends it
		"--save", "", "--appendonly", "no", "--dir", folder)
}

// limited are the gateway three times: without limits, with points in its memory, with points in Redis.
var limited = []launch{
	{name: "mock"},
	{name: redisServer, program: redisServer},
	{name: "gateway"},
	{name: "memory", program: "gateway", env: []string{"LIMITS=memory"}},
	{name: "redis", program: "gateway", env: []string{"LIMITS=redis"}},
}

// limitTable holds the gateway with limits against itself without. The ratio is of requests per second: what Redis takes of
// the machine counts. Beside it stands the ratio of the CPU time that all processes take for a request, which is the same on
// a machine with nothing else to do, and says more on one that has.
var limitTable = []row{
	limitRow("Q3 memory", "memory", 0.95, "a constant, points in memory"),
	limitRow("Q3 redis", "redis", 0.8, "a constant, points in Redis on this machine"),
	limitRow("Q4 memory", "memory", 0.95, "a post with its user, points in memory"),
	limitRow("Q4 redis", "redis", 0.8, "a post with its user, points in Redis on this machine"),
}

func limitRow(name, program string, atLeast float64, note string) row {
	query, _, _ := strings.Cut(name, " ")
	return row{
		name: name, note: note, atLeast: atLeast, against: ours(query),
		measured: cell{program: program, path: "/graphql", query: query},
	}
}

// reportLimits prints the table and says how many targets are missed.
func reportLimits(out io.Writer, rows []row, m results) (missed int) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "row\trequests/s\ttarget\t\tall CPU\tof all\twithout\tthe gateway's\twithout\trequests/s\twithout\tp99\twithout\t")
	for _, r := range rows {
		a, b := m[r.measured], m[r.against]
		n := min(len(a), len(b))
		ratio := median(n, func(i int) float64 { return a[i].PerSecond() / b[i].PerSecond() })
		used := median(n, func(i int) float64 { return float64(all(b[i])) / float64(all(a[i])) })
		verdict := "pass"
		if ratio < r.atLeast {
			verdict = "MISS"
			missed++
		}
		_, _ = fmt.Fprintf(t, "%s\t%.2f ×\t≥ %.2f ×\t%s\t%.2f ×\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.name, ratio, r.atLeast, verdict,
			used, micros(median(n, func(i int) time.Duration { return all(a[i]) })),
			micros(median(n, func(i int) time.Duration { return all(b[i]) })), cpu(a), cpu(b), speed(a), speed(b), slow(a), slow(b), r.note)
	}
	_ = t.Flush() // to stdout
	return missed
}

// all is the CPU time of a request, whoever spends it.
func all(r load.Result) time.Duration { return r.All / time.Duration(r.Requests) }

func slow(all []load.Result) string {
	return micros(median(len(all), func(i int) time.Duration { return all[i].P99 }))
}
