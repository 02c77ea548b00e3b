package rest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

type answer = upstreamtest.Answer

// ask gives what becomes of an answer to GET /a.
func ask(t *testing.T, r *rest.Request, a answer, changes ...func(*rest.Service)) (view.Value, *fail.Error) {
	t.Helper()
	s := upstreamtest.Start(t, upstreamtest.Exchange{Request: "GET /a", Answer: a})
	return do(t, newClient(t, s.URL(), changes...), r)
}

// do makes a call whose error, if there is one, must be a *fail.Error that says what was done and to what.
func do(t *testing.T, c *rest.Client, r *rest.Request) (view.Value, *fail.Error) {
	t.Helper()
	v, err := c.Do(t.Context(), r, &template.Scope{}, nil)
	if err == nil {
		return v, nil
	}
	var failure *fail.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%v is no *fail.Error", err)
	}
	if failure.Service != "users" || failure.Op != "users GET /a" {
		t.Errorf("%q, %q", failure.Service, failure.Op)
	}
	return v, failure
}

func TestGoodAnswers(t *testing.T) {
	plain := map[string]string{"Content-Type": "text/plain"}
	for _, c := range []struct {
		name, sel string
		answer    answer
		want      string
	}{
		{"object", "", answer{Text: `{"a": [1, {"b": null}]}`}, `{"a": [1, {"b": null}]}`},
		{"other good status", "", answer{Status: 201, Text: `1.50`}, `1.50`},
		{"inside", "/a/1", answer{Text: `{"a": [1, {"b": 2}]}`}, `{"b": 2}`},
		{"null", "/a", answer{Text: `{"a": null}`}, "null"},
		{"nothing there", "/a/7/x", answer{Text: `{"a": []}`}, "null"},
		{"nothing there in a scalar", "/a", answer{Text: `7`}, "null"},
		{"no content", "/a", answer{Status: 204}, "∅"},
		{"empty", "/a", answer{}, "∅"},
		{"empty text", "", answer{Headers: plain}, "∅"},
		{"charset", "", answer{Text: "1", Headers: map[string]string{"Content-Type": "application/json; charset=utf-8"}}, "1"},
		{"suffix", "", answer{Text: "1", Headers: map[string]string{"Content-Type": "application/hal+json"}}, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get(t)
			r.Select = view.MustPointer(c.sel)
			v, failure := ask(t, r, c.answer)
			if failure != nil || raw(v) != c.want {
				t.Errorf("%s %v, want %s", raw(v), failure, c.want)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	for status, want := range map[int]fail.Kind{
		300: fail.UpstreamError, 302: fail.UpstreamError, 304: fail.UpstreamError,
		400: fail.BadInput, 422: fail.BadInput, 401: fail.Unauthenticated, 403: fail.Forbidden, 409: fail.Conflict,
		429: fail.UpstreamRateLimited, 402: fail.UpstreamError, 410: fail.UpstreamError, 418: fail.UpstreamError,
		500: fail.UpstreamError, 502: fail.UpstreamError, 503: fail.UpstreamError, 504: fail.UpstreamError,
	} {
		a := answer{Status: status, Text: `{"message": "internals of the service"}`}
		if status == 304 {
			a.Text = ""
		}
		_, failure := ask(t, get(t), a)
		if failure == nil || failure.Kind != want || failure.Status != status || failure.Message() != want.Text() || failure.Code != "" {
			t.Errorf("%d: %+v", status, failure)
		}
	}
}

func TestNotFound(t *testing.T) {
	for _, a := range []answer{
		{Status: 404},
		{Status: 404, Text: `{"error": 1}`},
		{Status: 404, Text: "<html>", Headers: map[string]string{"Content-Type": "text/html"}},
		{Status: 404, Text: "half of it is missing", Fault: upstreamtest.Cut},
	} {
		r := get(t)
		if v, failure := ask(t, r, a); failure != nil || raw(v) != "null" {
			t.Errorf("%+v: %s %v", a, raw(v), failure)
		}
		r.NotFound = rest.NotFoundError
		if _, failure := ask(t, r, a); failure == nil || failure.Kind != fail.NotFound || failure.Status != 404 {
			t.Errorf("%+v: %v", a, failure)
		}
	}
}

func TestUnreadableAnswers(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html"}
	small := func(s *rest.Service) { s.MaxBody = 10 }
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write([]byte(`"` + strings.Repeat("a", 1<<20) + `"`))
	_ = w.Close()
	for name, c := range map[string]struct {
		answer answer
		change func(*rest.Service)
		cause  string // in the log
	}{
		"no JSON":        {answer: answer{Text: "{]"}, cause: "at byte 1"},
		"two values":     {answer: answer{Text: "1 2"}, cause: "at byte 2"},
		"no UTF-8":       {answer: answer{Text: "\"\xff\""}, cause: "invalid UTF-8"},
		"HTML":           {answer: answer{Text: "<p>", Headers: html}, cause: `content type "text/html" isn't JSON`},
		"JSON as HTML":   {answer: answer{Text: "1", Headers: html}, cause: `content type "text/html" isn't JSON`},
		"no type":        {answer: answer{Text: "1", Headers: map[string]string{"Content-Type": ""}}, cause: `content type "" isn't JSON`},
		"cut":            {answer: answer{Text: "[1,2,3]", Fault: upstreamtest.Cut}, cause: "unexpected EOF"},
		"too big":        {answer: answer{Text: "[1,2,3,4,5]"}, change: small, cause: "body over max_body"},
		"too big zipped": {answer: answer{Base64: base64.StdEncoding.EncodeToString(bomb.Bytes()), Headers: map[string]string{"Content-Encoding": "gzip"}}, change: func(s *rest.Service) { s.MaxBody = 1 << 20 }, cause: "body over max_body"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*rest.Service) {}
			}
			_, failure := ask(t, get(t), c.answer, c.change)
			if failure == nil || failure.Kind != fail.UpstreamInvalidResponse || failure.Status != 200 ||
				failure.Public != "" || failure.Err == nil || !strings.Contains(failure.Err.Error(), c.cause) {
				t.Errorf("%+v", failure)
			}
		})
	}
}

// TestBodyOfExactlyTheLimit: the limit is the last size that is accepted.
func TestBodyOfExactlyTheLimit(t *testing.T) {
	v, failure := ask(t, get(t), answer{Text: "[1,2,3,45]"}, func(s *rest.Service) { s.MaxBody = 10 })
	if failure != nil || raw(v) != "[1,2,3,45]" {
		t.Errorf("%s %v", raw(v), failure)
	}
}

func TestErrorRules(t *testing.T) {
	pointer := func(text string) *view.Pointer {
		p := view.MustPointer(text)
		return &p
	}
	all := rest.ErrorRules{When: pointer("/error"), Message: pointer("/error/title"), Code: pointer("/error/code")}
	long := strings.Repeat("é", 400)
	for _, c := range []struct {
		name          string
		rules         rest.ErrorRules
		answer        answer
		kind          fail.Kind
		message, code string
	}{
		{"error with 200", all, answer{Text: `{"error": {"title": "No stock.", "code": 17}}`}, fail.UpstreamError, "No stock.", "17"},
		{"error without words", all, answer{Text: `{"error": true}`}, fail.UpstreamError, fail.UpstreamError.Text(), ""},
		{"words of the wrong type", all, answer{Text: `{"error": {"title": {}, "code": []}}`}, fail.UpstreamError, fail.UpstreamError.Text(), ""},
		{"status", all, answer{Status: 409, Text: `{"error": {"title": "Taken.", "code": "dup"}}`}, fail.Conflict, "Taken.", "dup"},
		{"status without JSON", all, answer{Status: 409, Text: "oops"}, fail.Conflict, fail.Conflict.Text(), ""},
		{"status with other JSON", all, answer{Status: 409, Text: `[1]`}, fail.Conflict, fail.Conflict.Text(), ""},
		{"status with half of it", all, answer{Status: 409, Text: `{"error": {"title": "Taken."}}`, Fault: upstreamtest.Cut}, fail.Conflict, fail.Conflict.Text(), ""},
		{"problem+json", rest.ErrorRules{Message: pointer("/title")}, answer{Status: 422, Text: `{"title": "Too short."}`, Headers: map[string]string{"Content-Type": "application/problem+json"}}, fail.BadInput, "Too short.", ""},
		{"controls", all, answer{Status: 409, Text: `{"error": {"title": "a\u0000\u001b[31mb\r\nc\u202ed", "code": "e\u007f\u0085"}}`}, fail.Conflict, "a[31mb  cd", "e"},
		{"long", rest.ErrorRules{Message: pointer("")}, answer{Status: 500, Text: `"` + long + `"`}, fail.UpstreamError, long[:500] + "…", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, failure := ask(t, get(t), c.answer, func(s *rest.Service) { s.Errors = c.rules })
			if failure == nil || failure.Kind != c.kind || failure.Message() != c.message || failure.Code != c.code {
				t.Errorf("%+v", failure)
			}
		})
	}
	for _, text := range []string{`{"error": null, "a": 1}`, `{"a": 1}`} {
		r := get(t)
		r.Select = view.MustPointer("/a")
		if v, failure := ask(t, r, answer{Text: text}, func(s *rest.Service) { s.Errors = all }); failure != nil || raw(v) != "1" {
			t.Errorf("%s: %s %v", text, raw(v), failure)
		}
	}
}
