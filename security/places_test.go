package security_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// Every place where a template puts a value of a client's, with every value that wants to be more than one: what goes over
// the wire is one request, to the service's own address, whose place has exactly the value, and nothing else in it changes.

// wiretap is a service that notes the bytes of each connection.
type wiretap struct {
	listener net.Listener
	heard    chan []byte
}

func newWiretap(t *testing.T) *wiretap {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{listener, make(chan []byte, 1)}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.hear(conn)
		}
	}()
	return w
}

func (w *wiretap) hear(conn net.Conn) {
	defer conn.Close()
	var raw bytes.Buffer
	in := bufio.NewReader(io.TeeReader(conn, &raw))
	request, err := http.ReadRequest(in)
	if err == nil {
		_, _ = io.Copy(io.Discard, request.Body)
	}
	if left := in.Buffered(); left > 0 {
		raw.WriteString("+" + fmt.Sprint(left)) // a second request, which makes the whole unreadable
	}
	w.heard <- bytes.Clone(raw.Bytes())
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
}

func written(t *testing.T, text string) *ast.Value {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: "{f(x:" + text + ")}"})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Operations[0].SelectionSet[0].(*ast.Field).Arguments[0].Value
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// greedy are values that want to be more than a value.
func greedy() []string {
	all := []string{
		"\r\nX-Evil: 1", "a\r\n\r\nGET /admin HTTP/1.1\r\nHost: evil.test\r\n\r\n", "a\nX-Evil: 1", "a\rX-Evil: 1", "\x00", "a\x00b", "\x7f", "\x1b[31m", "\u0085X-Evil: 1", "\u2028", "\u2029",
		"嘊嘍X-Evil: 1", "Ċ", "\u010d\u010aX-Evil: 1", "//evil.test", "http://evil.test", `"`, `","b":"c`, `"}`, `\`, `\"`, `\u0022`, "{v}", "{{", "}}", "{header.Authorization}", "${jndi:ldap://evil.test}", "%", "%zz", "%2", "&q=2", "&", "=", "+", "#", "?", "a;b=c",
		"[]", "q[]", "--x\r\n", "\"; filename=\"x", "a\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nc", "@", ":", " ", "  a  ", "\t", "é", "😀", "\ufeff", "\u202e", strings.Repeat("a", 5000), strings.Repeat("../", 500),
	}
	for _, p := range pathTexts {
		all = append(all, p.id)
	}
	return all
}

func TestPlacesOfValues(t *testing.T) {
	t.Parallel()
	service := newWiretap(t)
	carrier := must[*transport.Carrier](t)(transport.NewCarrier(transport.Connections{}, nil))
	t.Cleanup(carrier.CloseIdleConnections)
	address := "http://" + service.listener.Addr().String()
	client := must[*rest.Client](t)(rest.NewClient(rest.Service{Name: "users", Base: address + "/base", Transport: carrier, Headers: map[string]string{"X-Api-Key": sesame}}))
	path := func(text string) *template.Path { return must[*template.Path](t)(template.ParsePath(text)) }
	query := func(text string) template.Query { return must[template.Query](t)(template.NewQuery(written(t, text))) }
	headers := func(text string) template.Headers {
		return must[template.Headers](t)(template.NewHeaders(written(t, text)))
	}
	body := func(text string) *template.Value {
		return must[*template.Value](t)(template.NewValue(written(t, text)))
	}
	// Each place says which value it found, and what is left when that is taken out is always the same.
	for name, c := range map[string]struct {
		request rest.Request
		find    func(*http.Request, []byte) (string, error)
		strict  bool // not every value can stand there
	}{
		"a segment": {rest.Request{Method: "GET", Path: path("/users/{v}/posts")}, func(r *http.Request, _ []byte) (string, error) {
			segments := strings.Split(r.URL.EscapedPath(), "/")
			if len(segments) != 5 || segments[1] != "base" || segments[2] != "users" || segments[4] != "posts" {
				return "", fmt.Errorf("path %q", r.URL.EscapedPath())
			}
			return url.PathUnescape(segments[3])
		}, true},
		"a part of a segment": {rest.Request{Method: "GET", Path: path("/users/u{v}.json")}, func(r *http.Request, _ []byte) (string, error) {
			segments := strings.Split(r.URL.EscapedPath(), "/")
			if len(segments) != 4 {
				return "", fmt.Errorf("path %q", r.URL.EscapedPath())
			}
			text, err := url.PathUnescape(segments[3])
			return strings.TrimSuffix(strings.TrimPrefix(text, "u"), ".json"), err
		}, true},
		"a parameter": {rest.Request{Method: "GET", Path: path("/users"), Query: query(`{q:"{v}",limit:1}`)}, func(r *http.Request, _ []byte) (string, error) {
			values, err := url.ParseQuery(r.URL.RawQuery)
			if len(values) != 2 || len(values["q"]) != 1 || values.Get("limit") != "1" {
				return "", fmt.Errorf("query %q", r.URL.RawQuery)
			}
			return values.Get("q"), err
		}, false},
		"a part of a parameter": {rest.Request{Method: "GET", Path: path("/users"), Query: query(`{q:"name:{v}!",limit:1}`)}, func(r *http.Request, _ []byte) (string, error) {
			values, err := url.ParseQuery(r.URL.RawQuery)
			if len(values) != 2 || len(values["q"]) != 1 {
				return "", fmt.Errorf("query %q", r.URL.RawQuery)
			}
			return strings.TrimSuffix(strings.TrimPrefix(values.Get("q"), "name:"), "!"), err
		}, false},
		"a header": {rest.Request{Method: "GET", Path: path("/users"), Headers: headers(`{X_Value:"{v}"}`)}, func(r *http.Request, _ []byte) (string, error) {
			return r.Header.Get("X-Value"), nil
		}, true},
		"a part of a header": {rest.Request{Method: "GET", Path: path("/users"), Headers: headers(`{X_Value:"v={v};"}`)}, func(r *http.Request, _ []byte) (string, error) {
			return strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("X-Value"), "v="), ";"), nil
		}, true},
		"a body's member": {rest.Request{Method: "POST", Path: path("/users"), Body: body(`{a:{b:["{v}"]},c:1}`)}, func(_ *http.Request, body []byte) (string, error) {
			var got struct {
				A struct{ B []string }
				C int
			}
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.DisallowUnknownFields()
			err := decoder.Decode(&got)
			if len(got.A.B) != 1 || got.C != 1 {
				return "", fmt.Errorf("body %q: %w", body, err)
			}
			return got.A.B[0], err
		}, false},
		"a part of a body's member": {rest.Request{Method: "POST", Path: path("/users"), Body: body(`{a:"x{v}y"}`)}, func(_ *http.Request, body []byte) (string, error) {
			var got struct{ A string }
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.DisallowUnknownFields()
			err := decoder.Decode(&got)
			return strings.TrimSuffix(strings.TrimPrefix(got.A, "x"), "y"), err
		}, false},
		"a form's field": {rest.Request{Method: "POST", Path: path("/users"), Body: body(`{a:"{v}",b:"1"}`), Multipart: true}, func(r *http.Request, body []byte) (string, error) {
			_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if err != nil {
				return "", err
			}
			form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(1 << 20)
			if err != nil {
				return "", err
			}
			if len(form.Value) != 2 || len(form.Value["a"]) != 1 || len(form.Value["b"]) != 1 || len(form.File) != 0 {
				return "", fmt.Errorf("form %v", form)
			}
			return form.Value["a"][0], nil
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			served := 0
			for _, value := range greedy() {
				_, err := client.Do(t.Context(), &c.request, &template.Scope{Args: map[string]any{"v": value}}, nil)
				if err != nil {
					if failure := new(fail.Error); !c.strict || !errors.As(err, &failure) || failure.Kind != fail.BadInput {
						t.Errorf("%.60q: %v", value, err)
					}
					select {
					case raw := <-service.heard:
						t.Errorf("%.60q is refused, and the service got %.200q", value, raw)
					default:
					}
					continue
				}
				served++
				raw := <-service.heard
				if err := sameButFor(raw, address, value, c.find); err != nil {
					t.Errorf("%.60q: %v\n%.300q", value, err, raw)
				}
			}
			if served < 40 {
				t.Errorf("only %d values were let through", served)
			}
		})
	}
}

// sameButFor holds the bytes of one request against a value in its place.
func sameButFor(raw []byte, address, value string, find func(*http.Request, []byte) (string, error)) error {
	in := bufio.NewReader(bytes.NewReader(raw))
	request, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return err
	}
	if left, _ := io.ReadAll(in); len(left) > 0 {
		return fmt.Errorf("%q follows the request", left)
	}
	if "http://"+request.Host != address {
		return fmt.Errorf("Host is %q", request.Host)
	}
	for name := range request.Header {
		if !slices.Contains(known, name) && name != "X-Value" {
			return fmt.Errorf("the header %s", name)
		}
	}
	if request.Header.Get("X-Api-Key") != sesame {
		return fmt.Errorf("X-Api-Key is %q", request.Header.Get("X-Api-Key"))
	}
	got, err := find(request, body)
	if err != nil {
		return err
	}
	if got != value && strings.Trim(got, " \t") != strings.Trim(value, " \t") || !utf8.ValidString(got) {
		return fmt.Errorf("it has %.100q", got)
	}
	return nil
}
