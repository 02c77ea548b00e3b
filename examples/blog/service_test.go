package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// rows is what the service has: a list of objects by name, as in JSONPlaceholder's data.json.
type rows map[string][]map[string]any

// where gives the rows whose property has the value, as the service's ?property=value does.
func (r rows) where(name, property string, value any) []map[string]any {
	var found []map[string]any
	for _, row := range r[name] {
		if fmt.Sprint(row[property]) == fmt.Sprint(value) {
			found = append(found, row)
		}
	}
	return found
}

// byID gives one row, nil when there is none.
func (r rows) byID(name string, id any) map[string]any {
	if found := r.where(name, "id", id); len(found) > 0 {
		return found[0]
	}
	return nil
}

// made are rows with the ids of JSONPlaceholder's: 10 users with 10 posts, 20 todos and 10 albums each, 5 comments on a
// post, 50 photos in an album. The words are others.
func made() rows {
	r := rows{}
	add := func(name string, n, each int, parent string, more func(row map[string]any, id int)) {
		for id := 1; id <= n; id++ {
			row := map[string]any{"id": id}
			if parent != "" {
				row[parent] = (id-1)/each + 1
			}
			more(row, id)
			r[name] = append(r[name], row)
		}
	}
	say := func(row map[string]any, names string, id int) {
		for _, name := range strings.Fields(names) {
			row[name] = fmt.Sprintf("%s of %d", name, id)
		}
	}
	add("users", 10, 1, "", func(row map[string]any, id int) {
		say(row, "name username email phone website", id)
		row["address"] = map[string]any{
			"city": fmt.Sprint("City ", id),
			"geo":  map[string]any{"lat": fmt.Sprintf("-%d.25", id), "lng": "81.5"},
		}
		row["company"] = map[string]any{"name": fmt.Sprint("Company ", id), "catchPhrase": "We \"quote\" too"}
	})
	add("posts", 100, 10, "userId", func(row map[string]any, id int) {
		say(row, "title", id)
		row["body"] = strings.Repeat("one two\nthree ", id)
	})
	add("comments", 500, 5, "postId", func(row map[string]any, id int) { say(row, "name email body", id) })
	add("todos", 200, 20, "userId", func(row map[string]any, id int) {
		say(row, "title", id)
		row["completed"] = id%3 == 0
	})
	add("albums", 100, 10, "userId", func(row map[string]any, id int) { say(row, "title", id) })
	add("photos", 5000, 50, "albumId", func(row map[string]any, id int) { say(row, "title url thumbnailUrl", id) })
	return r
}

// imitation is a server with the parts of json-server's shape that the blog's schema uses.
type imitation struct {
	mu   sync.Mutex // guards rows
	rows rows
}

func startImitation(t *testing.T) (address string, r rows) {
	t.Helper()
	s := &imitation{rows: made()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) { s.list(w, r, r.URL.Query()) })
	mux.HandleFunc("GET /{name}/{id}", s.one)
	mux.HandleFunc("GET /{parent}/{id}/{name}", func(w http.ResponseWriter, r *http.Request) { s.list(w, r, parentOf(r)) })
	mux.HandleFunc("POST /{name}", func(w http.ResponseWriter, r *http.Request) { s.create(w, r, nil) })
	mux.HandleFunc("POST /{parent}/{id}/{name}", func(w http.ResponseWriter, r *http.Request) { s.create(w, r, parentOf(r)) })
	mux.HandleFunc("PATCH /{name}/{id}", s.one)
	mux.HandleFunc("DELETE /{name}/{id}", s.one)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, made()
}

// parentOf is what a nested path filters by: /posts/1/comments is /comments?postId=1.
func parentOf(r *http.Request) url.Values {
	return url.Values{strings.TrimSuffix(r.PathValue("parent"), "s") + "Id": {r.PathValue("id")}}
}

func (s *imitation) list(w http.ResponseWriter, r *http.Request, query url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := slices.Clone(s.rows[r.PathValue("name")])
	limit, err := strconv.Atoi(query.Get("_limit"))
	if err != nil {
		limit = len(found)
	}
	query.Del("_limit")
	for property, values := range query {
		found = slices.DeleteFunc(found, func(row map[string]any) bool {
			return !slices.Contains(values, fmt.Sprint(row[property]))
		})
	}
	answer(w, http.StatusOK, append([]map[string]any{}, found[:min(limit, len(found))]...))
}

// one reads, changes or removes a row.
func (s *imitation) one(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.PathValue("name")
	row := s.rows.byID(name, r.PathValue("id"))
	switch {
	case row == nil:
		answer(w, http.StatusNotFound, struct{}{})
		return
	case r.Method == http.MethodPatch:
		var change map[string]any
		if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
			answer(w, http.StatusBadRequest, struct{}{})
			return
		}
		maps.Copy(row, change)
	case r.Method == http.MethodDelete:
		s.rows[name] = slices.DeleteFunc(s.rows[name], func(other map[string]any) bool { return fmt.Sprint(other["id"]) == r.PathValue("id") })
		answer(w, http.StatusOK, struct{}{})
		return
	}
	answer(w, http.StatusOK, row)
}

func (s *imitation) create(w http.ResponseWriter, r *http.Request, parent url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.PathValue("name")
	row := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&row); err != nil {
		answer(w, http.StatusBadRequest, struct{}{})
		return
	}
	for property := range parent {
		row[property] = parent.Get(property)
	}
	row["id"] = len(s.rows[name]) + 1
	s.rows[name] = append(s.rows[name], row)
	answer(w, http.StatusCreated, row)
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// wire stands between the gateway and the service. It keeps what the gateway asks for and can cut part of it off.
type wire struct {
	proxy http.Handler

	mu    sync.Mutex // guards the rest
	asked []string
	cut   string
}

// startWire gives the wire's address, which stands for the service's.
func startWire(t *testing.T, service string) (string, *wire) {
	t.Helper()
	to, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	w := &wire{proxy: &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: transport,
	}}
	server := httptest.NewServer(w)
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	return server.URL, w
}

// ServeHTTP notes a request as "POST /posts {…}" and passes it on.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.asked = append(w.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)))
	cut := w.cut != "" && strings.HasPrefix(r.URL.Path, w.cut)
	w.mu.Unlock()
	if cut {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.proxy.ServeHTTP(rw, r)
}

// take gives what was asked for since the last time.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// inOrder sorts requests, and the parameters of each: those of one level are made side by side, and so are their keys.
func inOrder(asked []string) []string {
	var sorted []string
	for _, request := range asked {
		line, query, found := strings.Cut(request, "?")
		if found {
			parameters := strings.Split(query, "&")
			slices.SortFunc(parameters, func(a, b string) int {
				return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
			})
			line += "?" + strings.Join(parameters, "&")
		}
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	return sorted
}

// cutOff makes every path that begins with prefix answer 503. Empty means none.
func (w *wire) cutOff(prefix string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = prefix
}
