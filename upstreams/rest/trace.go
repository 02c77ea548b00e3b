package rest

import (
	"net/http"
	"strings"
)

// Trace reads W3C Trace Context (the recommendation of November 2021) from a request's header. What isn't in its format
// isn't passed on, and without a parent there is no state.
func Trace(header http.Header) (parent, state string) {
	if given := header["Traceparent"]; len(given) == 1 && isTraceparent(given[0]) {
		return given[0], tracestate(header["Tracestate"])
	}
	return "", ""
}

const (
	// traceparent has the places of the four parts of version 00.
	traceparent = "vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff"
	// longestTraceparent bounds what a later version may add, in bytes.
	longestTraceparent = 256
	// longestTracestate is what has to be passed on, and what is, in bytes (section 3.3.1.5).
	longestTracestate = 512
	// mostTracestates is how many members a state may have.
	mostTracestates = 32
)

func isTraceparent(text string) bool {
	if len(text) < len(traceparent) || len(text) > longestTraceparent {
		return false
	}
	if rest := text[len(traceparent):]; rest != "" && (text[:2] == "00" || rest[0] != '-') || text[:2] == "ff" {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i >= len(traceparent):
			if c <= ' ' || c >= 0x7f {
				return false
			}
		case traceparent[i] == '-':
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return strings.Trim(text[3:35], "0") != "" && strings.Trim(text[36:52], "0") != ""
}

// tracestate joins the members, as many from the first on as fit.
func tracestate(values []string) string {
	var kept []string
	length := 0
	for _, value := range values {
		for member := range strings.SplitSeq(value, ",") {
			member = strings.Trim(member, " \t")
			if member == "" {
				continue
			}
			if length += len(member) + 1; length > longestTracestate+1 || len(kept) == mostTracestates || strings.ContainsFunc(member, notPrintable) {
				return strings.Join(kept, ",")
			}
			kept = append(kept, member)
		}
	}
	return strings.Join(kept, ",")
}

func notPrintable(r rune) bool { return r < ' ' || r >= 0x7f }
