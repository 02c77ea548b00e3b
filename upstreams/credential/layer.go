package credential

import (
	"io"
	"maps"
	"net/http"
)

// layer puts the grant of the moment into each request.
type layer struct {
	next       http.RoundTripper
	from       source
	idempotent func(*http.Request) bool
	service    string
}

// RoundTrip sends a copy of r. An answer of 401 makes the source look for another grant; when it may have one and r can
// be sent again, it is, once.
func (l *layer) RoundTrip(r *http.Request) (*http.Response, error) {
	g, err := l.from.current(r.Context())
	if err != nil {
		closeBody(r)
		return nil, failure(r.Context(), l.service, err)
	}
	res, err := l.next.RoundTrip(with(r, g))
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	if !l.from.refused(g) || !l.idempotent(r) || !replayable(r) {
		return res, nil
	}
	again := l.again(r, g)
	if again == nil {
		return res, nil // the service's own answer says more than that there's no other token
	}
	// A short rest is read so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
	_ = res.Body.Close()
	return l.next.RoundTrip(again)
}

// again is r with another grant than g, or nil when there's none or the body can't be had again.
func (l *layer) again(r *http.Request, g *grant) *http.Request {
	fresh, err := l.from.current(r.Context())
	if err != nil || fresh.values[0] == g.values[0] {
		return nil
	}
	out := with(r, fresh)
	if r.GetBody != nil {
		if out.Body, err = r.GetBody(); err != nil {
			return nil
		}
	}
	return out
}

// with copies r as far as it changes: the values of other headers are shared.
func with(r *http.Request, g *grant) *http.Request {
	out := new(http.Request)
	*out = *r
	if r.Header == nil {
		out.Header = make(http.Header, 1)
	} else {
		out.Header = maps.Clone(r.Header)
	}
	out.Header["Authorization"] = g.values
	return out
}

func replayable(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
