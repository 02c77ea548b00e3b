package rfc9111_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

func lines(t *testing.T, text string) http.Header {
	t.Helper()
	_, h := message(t, "|"+text)
	return h
}

func TestStored(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"3.1 what isn't of the connection stays", "X-A: 1|Content-Type: application/json", "X-A: 1|Content-Type: application/json"},
		{"3.1 Connection and what it names", "Connection: close, X-A|X-A: 1|X-B: 2", "X-B: 2"},
		{"3.1 fields of the connection", "Keep-Alive: x|Te: x|Trailer: x|Transfer-Encoding: chunked|Upgrade: x|Proxy-Connection: x|X-B: 2", "X-B: 2"},
		{"3.1 fields of proxies", "Proxy-Authenticate: x|Proxy-Authentication-Info: x|Proxy-Authorization: x|X-B: 2", "X-B: 2"},
		{"5.2.2.4 no-cache with fields", `Cache-Control: no-cache="x-a, x-b"|X-A: 1|X-B: 2|X-C: 3`, `Cache-Control: no-cache="x-a, x-b"|X-C: 3`},
		{"5.2.2.7 private with fields", `Cache-Control: private="x-a"|X-A: 1|X-B: 2`, `Cache-Control: private="x-a"|X-B: 2`},
		{"7.3 Set-Cookie", "Set-Cookie: a=b|X-B: 2", "X-B: 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := lines(t, c.in)
			if diff := cmp.Diff(lines(t, c.want), rfc9111.Stored(in)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(lines(t, c.in), in); diff != "" {
				t.Error("the answer's own header was changed: " + diff)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	for _, c := range []struct{ name, kept, now, want string }{
		{"3.2 new values replace", "X-A: 1|X-B: 2", "X-A: 3", "X-A: 3|X-B: 2"},
		{"3.2 all values of a field", "X-A: 1|X-A: 2", "X-A: 3", "X-A: 3"},
		{"3.2 new fields are added", "X-A: 1", "X-C: 3", "X-A: 1|X-C: 3"},
		{"3.2 fields that the body depends on stay", "Content-Type: application/json|Content-Encoding: br", "Content-Type: text/plain|Content-Encoding: gzip", "Content-Type: application/json|Content-Encoding: br"},
		{"3.2 Content-Length isn't taken over", "X-A: 1", "Content-Length: 0", "X-A: 1"},
		{"3.2 nor are fields of the connection", "X-A: 1", "Connection: close|Keep-Alive: x", "X-A: 1"},
		{"3.2 Age of the old answer is gone", "Age: 50", "X-A: 1", "X-A: 1"},
		{"4.3.4 Date of the old answer is gone", "Date: {-50}", "Date: {+0}", "Date: {+0}"},
		{"4.3.4 the time it's fresh is new", "Cache-Control: max-age=1", "Cache-Control: max-age=60", "Cache-Control: max-age=60"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := lines(t, c.kept)
			if diff := cmp.Diff(lines(t, c.want), rfc9111.Update(kept, lines(t, c.now))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(lines(t, c.kept), kept); diff != "" {
				t.Error("what is kept was changed: " + diff)
			}
		})
	}
}

func TestCondition(t *testing.T) {
	for _, c := range []struct{ name, kept, want string }{
		{"4.3.1 an entity tag", `ETag: "a"`, `If-None-Match: "a"`},
		{"4.3.1 a weak one", `ETag: W/"a"`, `If-None-Match: W/"a"`},
		{"4.3.1 a date", "Last-Modified: {-60}", "If-Modified-Since: {-60}"},
		{"4.3.1 both", `ETag: "a"|Last-Modified: {-60}`, `If-None-Match: "a"|If-Modified-Since: {-60}`},
		{"4.3.1 a tag without quotes is none", "ETag: a", ""},
		{"4.3.1 a tag with a quote in it is none", `ETag: "a"b"`, ""},
		{"4.3.1 two tags are none", `ETag: "a"|ETag: "b"`, ""},
		{"4.3.1 a date that is none", "Last-Modified: yesterday", ""},
		{"4.3.1 nothing", "X-A: 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := lines(t, c.kept)
			want := http.Header{"Accept": {"x"}}
			if c.want != "" {
				for name, values := range lines(t, c.want) {
					want[name] = values
				}
			}
			request := http.Header{"Accept": {"x"}}
			if diff := cmp.Diff(want, rfc9111.Condition(request, kept)); diff != "" {
				t.Error(diff)
			}
			if len(request) != 1 {
				t.Error("the request's own header was changed")
			}
			if rfc9111.HasValidator(kept) != (c.want != "") {
				t.Error("HasValidator says otherwise")
			}
		})
	}
}

func TestConfirms(t *testing.T) {
	for _, c := range []struct {
		name, kept, now string
		want            bool
	}{
		{"4.3.4 the same strong tag", `ETag: "a"`, `ETag: "a"`, true},
		{"4.3.4 another strong tag", `ETag: "a"`, `ETag: "b"`, false},
		{"4.3.4 a strong tag for a weak one", `ETag: W/"a"`, `ETag: "a"`, false},
		{"4.3.4 a strong tag for none", `Last-Modified: {-60}`, `ETag: "a"`, false},
		{"4.3.4 the same weak tag", `ETag: W/"a"`, `ETag: W/"a"`, true},
		{"4.3.4 a weak tag for a strong one", `ETag: "a"`, `ETag: W/"a"`, true},
		{"4.3.4 another weak tag", `ETag: W/"a"`, `ETag: W/"b"`, false},
		{"4.3.4 the same date", "Last-Modified: {-60}", "Last-Modified: {-60}", true},
		{"4.3.4 another date", "Last-Modified: {-60}", "Last-Modified: {-50}", false},
		{"4.3.4 the tag counts before the date", `ETag: "a"|Last-Modified: {-60}`, `ETag: "a"|Last-Modified: {-50}`, true},
		{"4.3.4 no validator: only one answer was asked for", `ETag: "a"`, "X-A: 1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rfc9111.Confirms(lines(t, c.kept), lines(t, c.now)); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestInvalidates(t *testing.T) {
	for _, c := range []struct {
		name, method string
		status       int
		header       string
		want         []string
	}{
		{"4.4 POST", "POST", 200, "", []string{"http://a.test/x?y"}},
		{"4.4 PUT", "PUT", 204, "", []string{"http://a.test/x?y"}},
		{"4.4 PATCH", "PATCH", 200, "", []string{"http://a.test/x?y"}},
		{"4.4 DELETE", "DELETE", 200, "", []string{"http://a.test/x?y"}},
		{"4.4 a method that nobody knows", "FROB", 200, "", []string{"http://a.test/x?y"}},
		{"4.4 a redirect is no error", "POST", 303, "", []string{"http://a.test/x?y"}},
		{"4.4 an error", "POST", 400, "", nil},
		{"4.4 an error of the service", "PUT", 503, "", nil},
		{"4.4 GET", "GET", 200, "Location: /z", nil},
		{"4.4 HEAD", "HEAD", 200, "", nil},
		{"4.4 OPTIONS", "OPTIONS", 200, "", nil},
		{"4.4 TRACE", "TRACE", 200, "", nil},
		{"4.4 Location", "POST", 201, "Location: /z", []string{"http://a.test/x?y", "http://a.test/z"}},
		{"4.4 Location, absolute", "POST", 201, "Location: http://A.test:80/z", []string{"http://a.test/x?y", "http://A.test:80/z"}},
		{"4.4 Content-Location", "PUT", 200, "Content-Location: z/1", []string{"http://a.test/x?y", "http://a.test/z/1"}},
		{"4.4 another host's Location", "POST", 201, "Location: http://b.test/z", []string{"http://a.test/x?y"}},
		{"4.4 another port's Location", "POST", 201, "Location: http://a.test:81/z", []string{"http://a.test/x?y"}},
		{"4.4 another scheme's Location", "POST", 201, "Location: https://a.test/z", []string{"http://a.test/x?y"}},
		{"4.4 a Location that is none", "POST", 201, "Location: http://%zz", []string{"http://a.test/x?y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			if c.header != "" {
				h = lines(t, c.header)
			}
			target, err := url.Parse("http://a.test/x?y")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range rfc9111.Invalidates(c.method, target, c.status, h) {
				got = append(got, u.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVary(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         []string
		all          bool
	}{
		{"4.1 names, in any order and case", "Vary: x-b, ACCEPT|Vary: x-b,, x-a", []string{"Accept", "X-A", "X-B"}, false},
		{"4.1 none", "X-A: 1", nil, false},
		{"4.1 everything", "Vary: x-a, *", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			names, all := rfc9111.Vary(lines(t, c.header))
			if diff := cmp.Diff(c.want, names); diff != "" || all != c.all {
				t.Errorf("all %v; %s", all, diff)
			}
		})
	}
}

func TestSpecial(t *testing.T) {
	for _, name := range []string{"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		if !rfc9111.Special(http.Header{name: {"x"}}) {
			t.Errorf("4.3.2: %s isn't special", name)
		}
	}
	if rfc9111.Special(http.Header{"Accept": {"x"}}) {
		t.Error("Accept is")
	}
}

func TestErrorsForStaleIfError(t *testing.T) {
	for status := 100; status < 600; status++ {
		want := status == 500 || status == 502 || status == 503 || status == 504 // RFC 5861, section 4
		if rfc9111.IsError(status) != want {
			t.Errorf("%d", status)
		}
	}
}

func TestDated(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"RFC 9110 6.6.1 an answer without a Date gets one", "X-A: 1", "X-A: 1|Date: {+0}"},
		{"RFC 9110 6.6.1 a Date stays", "Date: {-5}", "Date: {-5}"},
		{"RFC 9110 6.6.1 a Date that is none doesn't", "Date: now", "Date: {+0}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(lines(t, c.want), rfc9111.Dated(lines(t, c.in), t0.Add(time.Millisecond))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
