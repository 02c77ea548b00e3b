package event

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/backoff"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// streamer reads a service's event stream, and opens it again when it ends.
type streamer struct {
	service   string
	request   func(ctx context.Context) *http.Request
	transport http.RoundTripper
	kind      string // of the events that count; "" for all
	point     view.Pointer
	most      int // bytes of an event
	backoff   time.Duration
}

const (
	// reopen is the pause before a stream is opened again, where the service names none.
	reopen = 3 * time.Second
	// soonest is the shortest pause that a service may name.
	soonest = 100 * time.Millisecond
	// quiet is how many failures in a row nobody is told of, once a stream was there: services are restarted, and connections
	// break.
	quiet = 3
	// opening is how long a service may take to begin its answer.
	opening = 30 * time.Second
)

// errDone is when a service says that there is nothing more to come: 204.
var errDone = errors.New("the stream is over")

// run is a source. It ends when the service says so by 204, or refuses with a status that trying again doesn't change.
func (s *streamer) run(ctx context.Context, f *feed) error {
	id, retry, failures, failed, known := "", reopen, 0, "", false
	for {
		r, err := s.read(ctx, f, id, func() { failures, failed = 0, "" })
		if r != nil {
			id, known = r.ID, true
			if r.Retry > 0 {
				retry = min(max(r.Retry, soonest), s.backoff)
			}
		}
		wait := retry - time.Duration(rand.Float64()*float64(retry)/10) //nolint:gosec // spreads load
		switch {
		case ctx.Err() != nil, errors.Is(err, errDone):
			return nil //nolint:nilerr // nobody listens any more, or the service has said so
		case final(err):
			return err
		case err != nil:
			failures++
			wait = backoff.After(retry, s.backoff, failures, rand.Float64()) //nolint:gosec // spreads load
			if text := describe(err); text != failed && (!known || failures > quiet) {
				failed = text
				f.publish(Update{Err: err})
			}
		}
		if !backoff.Wait(ctx, wait) {
			return nil
		}
	}
}

// final tells whether a service won't say anything else if it's asked again.
func final(err error) bool {
	failure := asFailure(err)
	if failure == nil {
		return false
	}
	switch failure.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return failure.Status >= 400 && failure.Status < 500
}

// read opens the stream and publishes its events until it ends. A stream that ends in good order is no failure. well is
// called for each event.
func (s *streamer) read(ctx context.Context, f *feed, id string, well func()) (*Reader, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(opening, func() { cancel(context.DeadlineExceeded) })
	req := s.request(ctx)
	if id != "" {
		req.Header.Set("Last-Event-ID", id)
	}
	res, err := s.transport.RoundTrip(req)
	if !late.Stop() && err == nil {
		res.Body.Close()
		err = context.DeadlineExceeded
	}
	if err != nil {
		if why := asFailure(err); why != nil {
			err = why.Err
		}
		return nil, s.failure(fail.UpstreamUnavailable, 0, withoutURL(err))
	}
	defer res.Body.Close()
	if err := s.accept(res); err != nil {
		return nil, err
	}
	r := NewReader(res.Body, s.most, id)
	for {
		m, err := r.Next()
		switch {
		case errors.Is(err, ErrTooLong):
			return r, s.failure(fail.UpstreamInvalidResponse, res.StatusCode, err)
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return r, nil
		case err != nil:
			return r, s.failure(fail.UpstreamUnavailable, 0, err)
		}
		well()
		if s.kind == "" || s.kind == m.Type {
			f.publish(s.update(m))
		}
	}
}

func (s *streamer) accept(res *http.Response) error {
	if res.StatusCode == http.StatusNoContent {
		return errDone
	}
	if res.StatusCode != http.StatusOK {
		k, ok := kinds[res.StatusCode]
		if !ok {
			k = fail.UpstreamError
		}
		return s.failure(k, res.StatusCode, fmt.Errorf("status %d", res.StatusCode))
	}
	contentType := res.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "text/event-stream" {
		return s.failure(fail.UpstreamInvalidResponse, res.StatusCode, fmt.Errorf("content type %q is no event stream", contentType))
	}
	return nil
}

// kinds are the statuses that mean something of their own.
var kinds = map[int]fail.Kind{
	http.StatusUnauthorized:    fail.Unauthenticated,
	http.StatusForbidden:       fail.Forbidden,
	http.StatusNotFound:        fail.NotFound,
	http.StatusTooManyRequests: fail.UpstreamRateLimited,
}

func (s *streamer) update(m Message) Update {
	value, err := parse([]byte(m.Data), s.point)
	if err != nil {
		return Update{Err: s.failure(fail.UpstreamInvalidResponse, http.StatusOK, err)}
	}
	return Update{Value: value}
}

// parse gives the value that a pointer leads to in a text.
func parse(text []byte, at view.Pointer) (view.Value, error) {
	document, err := view.Parse(text)
	if err != nil {
		return view.Value{}, err
	}
	return document.Root().At(at), nil
}

func (s *streamer) failure(k fail.Kind, status int, err error) error {
	return &fail.Error{Kind: k, Op: "events of " + s.service, Service: s.service, Status: status, Err: err}
}

// asFailure is the failure in an error's chain, nil for none.
func asFailure(err error) *fail.Error {
	failure, _ := errors.AsType[*fail.Error](err)
	return failure
}

// withoutURL leaves the URL out of an error of net/http: its path and query may hold secrets.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
