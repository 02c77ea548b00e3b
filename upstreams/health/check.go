package health

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// most is how much of the body of a check's answer is read, so that its connection can be used again.
const most = 64 << 10

// Checker asks instances of one service whether they are well.
type Checker struct {
	check   Check
	path    *url.URL
	carrier http.RoundTripper
}

// NewChecker makes a Checker that sends its requests by carrier. It needs a path and default values.
func NewChecker(check Check, carrier http.RoundTripper) (*Checker, error) {
	if carrier == nil {
		return nil, errors.New("check: there is nothing to carry it")
	}
	if check.Path == "" {
		return nil, errors.New("check: there is no path")
	}
	path, err := url.ParseRequestURI(check.Path)
	if err != nil {
		return nil, errors.New("check.path: is no path")
	}
	return &Checker{check, path, carrier}, nil
}

// Check asks the instance with that origin once. A redirect is an answer like any other.
func (c *Checker) Check(ctx context.Context, origin *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, c.check.Timeout)
	defer cancel()
	target := *c.path
	target.Scheme, target.Host = origin.Scheme, origin.Host
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "tributary-check")
	res, err := c.carrier.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if !slices.Contains(c.check.Status, res.StatusCode) {
		return StatusError(res.StatusCode)
	}
	// the status has said it; what follows is read for the connection's sake and must not take longer than the answer may
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, most))
	return err
}
