package upstreamtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
)

// recorder is a test that can fail without failing this one.
type recorder struct {
	testing.TB

	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// end runs the cleanups and gives what the test would have failed with.
func (r *recorder) end() string {
	for _, f := range r.cleanups {
		f()
	}
	return strings.Join(r.errors, "\n")
}

func script(t *testing.T, text string) []upstreamtest.Exchange {
	t.Helper()
	var exchanges []upstreamtest.Exchange
	if err := yaml.UnmarshalWithOptions([]byte(text), &exchanges, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return exchanges
}

// exchange makes a request on a connection of its own.
func exchange(ctx context.Context, t *testing.T, method, url, body string, headers ...string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// expect checks an answer.
func expect(t *testing.T, wantStatus int, wantBody string) func(int, string, error) {
	t.Helper()
	return func(status int, body string, err error) {
		t.Helper()
		if err != nil || status != wantStatus || body != wantBody {
			t.Errorf("answered %d %q %v, want %d %q", status, body, err, wantStatus, wantBody)
		}
	}
}

func TestAnswersWhatTheScriptSays(t *testing.T) {
	s := upstreamtest.Start(t, script(t, `
- request: GET /users?id=1&id=2
  headers: {X-Tenant: acme, Authorization: null}
  answer: {json: [{id: 1}, {id: 2}]}
- request: POST /users?x=%2F
  body: {name: Ada, tags: [a, null], deep: {b: 1.5, a: true}}
  answer: {status: 201, headers: {Location: /users/3}, text: '"x"'}
- request: DELETE /users/3
  answer: {status: 204}
- request: PUT /users/3 null
`)...)
	ctx := t.Context()
	// Another order than the script's.
	expect(t, 204, "")(exchange(ctx, t, "DELETE", s.URL()+"/users/3", ""))
	expect(t, 200, "")(exchange(ctx, t, "PUT", s.URL()+"/users/3", "null"))
	expect(t, 201, `"x"`)(exchange(ctx, t, "POST", s.URL()+"/users?x=%2F", ` {"tags":["a",null], "deep":{"a":true,"b":1.5},"name":"Ada"}`))
	expect(t, 200, `[{"id":1},{"id":2}]`)(exchange(ctx, t, "GET", s.URL()+"/users?id=1&id=2", "", "X-Tenant", "acme"))
	want := []string{
		"DELETE /users/3",
		"PUT /users/3 null",
		`POST /users?x=%2F {"deep":{"a":true,"b":1.5},"name":"Ada","tags":["a",null]}`,
		"GET /users?id=1&id=2",
	}
	if got := s.Requests(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("requests: %q", got)
	}
}

func TestDifferencesFailTheTest(t *testing.T) {
	for name, test := range map[string]struct {
		script   string
		requests []string
		headers  []string
		want     []string
	}{
		"a request that never came": {`[{request: GET /a}]`, nil, nil,
			[]string{"expected, but never requested: GET /a"}},
		"a request that nobody expects": {`[]`, []string{"GET /b?c=1"}, nil,
			[]string{"unexpected request: GET /b?c=1"}},
		"once too often": {`[{request: GET /a}, {request: GET /a}]`, []string{"GET /a", "GET /a", "GET /a"}, nil,
			[]string{"unexpected request: GET /a"}},
		"another order of parameters": {`[{request: GET /a?b=1&c=2}]`, []string{"GET /a?c=2&b=1"}, nil,
			[]string{"unexpected request: GET /a?c=2&b=1", "expected, but never requested: GET /a?b=1&c=2"}},
		"no JSON": {`[]`, []string{"POST /b not JSON"}, nil,
			[]string{`unexpected request: POST /b "not JSON"`}},
		"another body": {`[{request: PUT /a, body: {n: 1}}]`, []string{`PUT /a {"n":1.0}`}, nil,
			[]string{`unexpected request: PUT /a {"n":1.0} (expected with the body {"n":1})`, `expected, but never requested: PUT /a {"n":1}`}},
		"a body where there must be none": {`[{request: PUT /a}]`, []string{"PUT /a 1"}, nil,
			[]string{"unexpected request: PUT /a 1 (expected with the body none)", "expected, but never requested: PUT /a"}},
		"another header": {`[{request: GET /a, headers: {X: "1"}}]`, []string{"GET /a"}, []string{"X", "2"},
			[]string{`unexpected request: GET /a (expected with the header X: "1", which is ["2"])`, "expected, but never requested: GET /a"}},
		"a header that must not be there": {`[{request: GET /a, headers: {X: null}}]`, []string{"GET /a"}, []string{"X", "2"},
			[]string{`unexpected request: GET /a (expected without the header X, which is ["2"])`, "expected, but never requested: GET /a"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			s := upstreamtest.Start(r, script(t, test.script)...)
			last := 0
			for _, line := range test.requests {
				parts := append(strings.SplitN(line, " ", 3), "")
				status, _, err := exchange(t.Context(), t, parts[0], s.URL()+parts[1], parts[2], test.headers...)
				if err != nil {
					t.Error(err)
				}
				last = status
			}
			if last != 0 && last != upstreamtest.Unexpected {
				t.Errorf("status %d", last)
			}
			if got, want := r.end(), "upstreamtest: "+strings.Join(test.want, "\nupstreamtest: "); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestScriptsThatMakeNoSense(t *testing.T) {
	for text, want := range map[string]string{
		`{request: /a}`:                                    `request "/a" isn't like "GET /users?id=1"`,
		`{request: get /a}`:                                `request "get /a" isn't like "GET /users?id=1"`,
		`{request: GET http}`:                              `request "GET http" isn't like "GET /users?id=1"`,
		`{request: GET /a 1, body: 1}`:                     `the body stands both in request and in body`,
		`{request: GET /a no}`:                             `body: it isn't JSON`,
		`{request: GET /a, answer: {fault: nap}}`:          `there is no fault "nap"; there are hang, stall, cut and reset`,
		`{request: GET /a, answer: {fault: cut}}`:          `the fault cut needs a body that can be halved`,
		`{request: GET /a, answer: {status: 42}}`:          `status 42 can't be the status of an answer`,
		`{request: GET /a, answer: {json: {}, text: "x"}}`: `an answer has one of json, text and base64`,
		`{request: GET /a, answer: {base64: "?"}}`:         `base64: illegal base64 data at input byte 0`,
	} {
		t.Run(text, func(t *testing.T) {
			defer func() {
				if got := recover(); got != "upstreamtest: exchange 1: "+want {
					t.Errorf("got %v, want %s", got, want)
				}
			}()
			upstreamtest.Start(&recorder{}, script(t, "["+text+"]")...)
		})
	}
}

func TestHangsUntilTheClientLeaves(t *testing.T) {
	s := upstreamtest.Start(t, script(t, `[{request: GET /, answer: {fault: hang}}]`)...)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-s.Arrived(1)
		leave()
	}()
	if _, _, err := exchange(ctx, t, "GET", s.URL()+"/", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	<-s.Arrived(1) // at once
}

func TestNothingOutlivesTheTest(t *testing.T) {
	r := &recorder{}
	s := upstreamtest.Start(r, script(t, `[{request: GET /, answer: {fault: hang}}]`)...)
	ended := make(chan error, 1)
	go func() {
		_, _, err := exchange(t.Context(), t, "GET", s.URL()+"/", "")
		ended <- err
	}()
	<-s.Arrived(1)
	if got := r.end(); got != "" {
		t.Error(got)
	}
	if <-ended == nil {
		t.Error("a request that hangs got an answer")
	}
	if _, _, err := exchange(t.Context(), t, "GET", s.URL()+"/", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end: %v", err)
	}
}

func TestFaults(t *testing.T) {
	s := upstreamtest.Start(t, script(t, `
- {request: GET /cut, answer: {json: [1, 2, 3], fault: cut}}
- {request: GET /stall, answer: {json: [1, 2, 3], fault: stall}}
- {request: GET /reset, answer: {fault: reset}}
- {request: GET /bytes, answer: {base64: Iv8i, headers: {Content-Type: text/plain}}}
`)...)
	status, body, err := exchange(t.Context(), t, "GET", s.URL()+"/cut", "")
	if status != 200 || body != "[1," || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %d %q %v", status, body, err)
	}
	if _, _, err := exchange(t.Context(), t, "GET", s.URL()+"/reset", ""); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	expect(t, 200, "\"\xff\"")(exchange(t.Context(), t, "GET", s.URL()+"/bytes", ""))
	if _, _, err := exchange(t.Context(), t, "GET", upstreamtest.Nowhere+"/", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nowhere: %v", err)
	}

	ended := make(chan error, 1)
	go func() {
		status, body, err := exchange(t.Context(), t, "GET", s.URL()+"/stall", "")
		if status != 200 || body != "[1," {
			err = fmt.Errorf("stall: %d %q %w", status, body, err)
		}
		ended <- err
	}()
	<-s.Arrived(4)
	s.Close()
	if err := <-ended; err == nil {
		t.Error("stall: the whole body came")
	}
}
