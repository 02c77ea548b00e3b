package upstreamtest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// request is what came, in canonical text.
type request struct {
	line   string // "GET /users?id=1"
	body   string // canonical JSON, or quoted when it is none; empty without a body
	text   string // both
	header http.Header
}

func readRequest(r *http.Request) (request, error) {
	got := request{line: r.Method + " " + r.RequestURI, header: r.Header}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return got, err
	}
	if len(body) > 0 {
		if got.body, err = canonical(body); err != nil {
			got.body = strconv.Quote(string(body))
		}
	}
	got.text = strings.TrimSuffix(got.line+" "+got.body, " ")
	return got, nil
}

// difference is why a request isn't the expected one, empty when it is.
func (x *expected) difference(got request) string {
	if x.Request != got.line {
		return "it's another one"
	}
	if want := string(x.Body); want != got.body {
		return "expected with the body " + orNone(want)
	}
	for _, name := range slices.Sorted(maps.Keys(x.Headers)) {
		want, have := x.Headers[name], got.header.Values(name)
		switch {
		case want == nil && len(have) > 0:
			return fmt.Sprintf("expected without the header %s, which is %q", name, have)
		case want != nil && (len(have) != 1 || have[0] != *want):
			return fmt.Sprintf("expected with the header %s: %q, which is %q", name, *want, have)
		}
	}
	return ""
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
