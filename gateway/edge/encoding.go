package edge

import (
	"strconv"
	"strings"
)

// acceptCodings reads Accept-Encoding and says how much the client wants each of codings, 0 for not at all, by their
// index (RFC 9110, section 12.5.3). What can't be read is skipped.
func acceptCodings(values []string, codings []string) (quality [maxCodings]float64) {
	var named [maxCodings]bool
	others := -1.0
	for _, line := range values {
		for element := range strings.SplitSeq(line, ",") {
			name, q, ok := weighted(element)
			if !ok {
				continue
			}
			if name == "*" {
				others = max(others, q)
				continue
			}
			for i, coding := range codings {
				if name == coding || name == "x-gzip" && coding == Gzip {
					named[i], quality[i] = true, max(quality[i], q)
				}
			}
		}
	}
	for i := range codings {
		if !named[i] {
			quality[i] = max(others, 0)
		}
	}
	return quality
}

// weighted reads one element: a name and perhaps its q.
func weighted(element string) (name string, q float64, ok bool) {
	name, params, given := strings.Cut(element, ";")
	name = strings.ToLower(strings.Trim(name, " \t"))
	if name == "" {
		return "", 0, false
	}
	if !given {
		return name, 1, true
	}
	key, value, _ := strings.Cut(strings.Trim(params, " \t"), "=")
	if !strings.EqualFold(key, "q") || value == "" || len(value) > 5 || strings.Trim(value, "0123456789.") != "" {
		return "", 0, false
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil || q > 1 {
		return "", 0, false
	}
	return name, q, true
}

// choose is the index of the coding for an answer, the first of those that the client wants most, -1 for none.
func choose(values []string, codings []string) int {
	if len(values) == 0 {
		return -1
	}
	quality := acceptCodings(values, codings)
	best := -1
	for i := range codings {
		if quality[i] > 0 && (best < 0 || quality[i] > quality[best]) {
			best = i
		}
	}
	return best
}
