package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
)

// cell is one thing that is measured: a query at a program.
type cell struct {
	program string // of the fleet
	path    string
	query   string
	alone   bool // at one connection
}

// row holds one cell against another.
type row struct {
	name     string
	measured cell // the numerator
	against  cell
	atMost   float64 // of the ratio, for rows in CPU time
	atLeast  float64 // likewise
	within   time.Duration
	note     string
}

func ours(query string) cell  { return cell{program: "gateway", path: "/graphql", query: query} }
func relay(query string) cell { return cell{program: "floor", path: "/relay/" + query, query: query} }

func static(query string) cell { return cell{program: "floor", path: "/static/" + query, query: query} }

// kept is a query at a gateway that has its answer: in its memory, or in Redis alone.
func kept(program, query string) cell { return cell{program: program, path: "/graphql", query: query} }

// table is what the project has set itself as targets.
var table = []row{
	{name: "Q1 relay", measured: ours("Q1"), against: relay("Q1"), atMost: 1.4, note: "posts with their users, 2 requests"},
	{name: "Q2 relay", measured: ours("Q2"), against: relay("Q2"), atMost: 1.3, note: "titles of posts, 1 request"},
	{name: "Q4 relay", measured: ours("Q4"), against: relay("Q4"), atMost: 1.3, note: "a post with its user, 2 requests, ids varying"},
	{name: "Q3 static", measured: ours("Q3"), against: static("Q3"), atMost: 1.6, note: "a constant"},
	{name: "Q1 kept", measured: kept(keptHere, "Q1"), against: static("Q1"), atMost: 1.4, note: "14 KB from the gateway's memory, with a plan"},
	{name: "Q1 redis", measured: kept(keptInRedis, "Q1"), against: static("Q1"), atMost: 3, note: "14 KB from Redis each time, no L1"},
	{name: "Q1 stock", measured: cell{program: "stock", path: "/graphql", query: "Q1"}, against: ours("Q1"), atLeast: 10, note: "stock gqlgen over ours"},
	{
		name: "Q4 latency", note: "p50 at one connection over the relay's", within: 100 * time.Microsecond,
		measured: cell{program: "gateway", path: "/graphql", query: "Q4", alone: true},
		against:  cell{program: "floor", path: "/relay/Q4", query: "Q4", alone: true},
	},
}

// wanted tells whether -only names the row: by its whole name or by its query.
func (r row) wanted(only []string) bool {
	query, _, _ := strings.Cut(r.name, " ")
	return len(only) == 0 || slices.Contains(only, r.name) || slices.Contains(only, query)
}

// results are the measurements of each cell, one per round.
type results map[cell][]load.Result

// median is of something in each round; of an even number the upper one.
func median[T float64 | time.Duration](n int, of func(round int) T) T {
	all := make([]T, n)
	for i := range all {
		all[i] = of(i)
	}
	slices.Sort(all)
	return all[n/2]
}

// report prints the table and says how many targets are missed.
func report(out io.Writer, rows []row, m results) (missed int) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "row\tratio\ttarget\t\tCPU/request\tagainst\trequests/s\tagainst\t")
	for _, r := range rows {
		a, b := m[r.measured], m[r.against]
		n := min(len(a), len(b))
		var got, target string
		var ok bool
		if r.within > 0 {
			over := median(n, func(i int) time.Duration { return a[i].P50 - b[i].P50 })
			got, target, ok = "+"+micros(over), "≤ +"+micros(r.within), over <= r.within
		} else {
			ratio := median(n, func(i int) float64 { return float64(a[i].PerRequest()) / float64(b[i].PerRequest()) })
			got, target, ok = fmt.Sprintf("%.2f ×", ratio), fmt.Sprintf("≤ %.1f ×", r.atMost), ratio <= r.atMost
			if r.atLeast > 0 {
				target, ok = fmt.Sprintf("≥ %.0f ×", r.atLeast), ratio >= r.atLeast
			}
		}
		verdict := "pass"
		if !ok {
			verdict = "MISS"
			missed++
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.name, got, target, verdict,
			cpu(a), cpu(b), speed(a), speed(b), r.note)
	}
	_ = t.Flush() // to stdout
	return missed
}

func cpu(all []load.Result) string {
	return micros(median(len(all), func(i int) time.Duration { return all[i].PerRequest() }))
}

func speed(all []load.Result) string {
	return fmt.Sprintf("%.0f", median(len(all), func(i int) float64 { return all[i].PerSecond() }))
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}
