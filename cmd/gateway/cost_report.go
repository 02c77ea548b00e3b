package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

// costReport is what --json prints.
type costReport struct {
	Estimated costSums   `json:"estimated"`
	Actual    *costSums  `json:"actual,omitempty"`
	ByPath    []costRow  `json:"byPath"`
	Unbounded string     `json:"unbounded,omitempty"`
	Overruns  []costOver `json:"overruns,omitempty"`
}

type costSums struct {
	FieldCost costNumber `json:"fieldCost"`
	TypeCost  costNumber `json:"typeCost"`
	Points    costNumber `json:"points"`
}

type costRow struct {
	Path       string     `json:"path"`
	Coordinate string     `json:"coordinate"`
	Size       costNumber `json:"size"`
	FieldCost  costNumber `json:"fieldCost"`
	TypeCost   costNumber `json:"typeCost"`
	Share      costNumber `json:"share"`
}

type costOver struct {
	Path      string `json:"path"`
	Estimated int    `json:"estimated"`
	Actual    int    `json:"actual"`
}

// costNumber is a number, or the string "Infinity", for which JSON has no number.
type costNumber float64

func (n costNumber) String() string {
	if math.IsInf(float64(n), 0) {
		return "Infinity"
	}
	return strconv.FormatFloat(float64(n), 'f', -1, 64)
}

// MarshalJSON writes a number where there is one.
func (n costNumber) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(n), 0) {
		return []byte(`"Infinity"`), nil
	}
	return json.Marshal(float64(n))
}

func sumsOf(c cost.Cost) costSums {
	sums := costSums{FieldCost: costNumber(c.Field), TypeCost: costNumber(c.Type), Points: costNumber(c.Points)}
	if c.Infinite() {
		sums.Points = costNumber(math.Inf(1))
	}
	return sums
}

func (r *costReport) addActual(formula *cost.Formula, variables map[string]any, data []byte) error {
	actual, overruns, err := formula.Actual(variables, data)
	if err != nil {
		return &costRefusal{Code: costAnswer, Message: err.Error()}
	}
	sums := sumsOf(actual)
	r.Actual = &sums
	for _, o := range overruns {
		r.Overruns = append(r.Overruns, costOver{strings.Join(o.Path, "."), o.Estimated, o.Actual})
	}
	return nil
}

// table is the report for people: a row per field, then the sums.
func (r *costReport) table() string {
	rows := [][]string{{"PATH", "FIELD", "SIZE", "FIELD COST", "TYPE COST", "SHARE"}}
	for _, row := range r.ByPath {
		path := row.Path
		if path == "" {
			path = "(root)"
		}
		rows = append(rows, []string{
			path, row.Coordinate, row.Size.String(), row.FieldCost.String(), row.TypeCost.String(),
			fmt.Sprintf("%.1f %%", float64(row.Share)*100),
		})
	}
	var b strings.Builder
	align(&b, rows, 2)
	sums := [][]string{{"", "FIELD COST", "TYPE COST", "POINTS"}, r.Estimated.row("estimated")}
	if r.Actual != nil {
		sums = append(sums, r.Actual.row("actual"))
	}
	b.WriteByte('\n')
	align(&b, sums, 1)
	if r.Unbounded != "" {
		fmt.Fprintf(&b, "\n%s: nothing says how long this list is; give it @listSize\n", r.Unbounded)
	}
	for _, o := range r.Overruns {
		fmt.Fprintf(&b, "\n%s: the answer has %d, estimated were %d\n", o.Path, o.Actual, o.Estimated)
	}
	return b.String()
}

func (s costSums) row(name string) []string {
	return []string{name, s.FieldCost.String(), s.TypeCost.String(), s.Points.String()}
}

// align writes columns: the first few to the left, numbers to the right.
func align(b *strings.Builder, rows [][]string, left int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			if i < left {
				fmt.Fprintf(b, "%-*s", widths[i], cell)
			} else {
				fmt.Fprintf(b, "%*s", widths[i], cell)
			}
		}
		b.WriteByte('\n')
	}
}
