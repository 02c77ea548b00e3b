package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// figure is one row of the table.
type figure struct {
	what string
	most string // as a reader sees it
	got  string
	pass bool
}

// atMost compares a number with what it may be.
func atMost(what string, got, most float64, unit string) figure {
	return figure{what, fmt.Sprintf("%.3g%s", most, unit), fmt.Sprintf("%.3g%s", got, unit), got <= most}
}

// within compares a time with what it may take.
func within(what string, got, most time.Duration) figure {
	return figure{what, most.String(), got.Round(time.Millisecond).String(), got <= most}
}

// print writes the table and gives the number of misses.
func print(w io.Writer, figures []figure) int {
	missed := 0
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "figure\tat most\tmeasured\t")
	for _, f := range figures {
		verdict := "pass"
		if !f.pass {
			verdict = "MISS"
			missed++
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.what, f.most, f.got, verdict)
	}
	_ = table.Flush()
	return missed
}
