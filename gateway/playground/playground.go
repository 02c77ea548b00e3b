// Package playground serves GraphiQL, the editor in the browser for trying queries, from this binary alone.
//
// It knows one page and the files that belong to it. The page carries its configuration as data, has nothing inline
// and is under a Content-Security-Policy that lets it talk to the gateway that served it and to nobody else. The files
// are gzipped in the binary, have a hash of their content in their name and may be kept for ever; README.md says where
// they come from. The schema is asked of the gateway by introspection: when the gateway is down or introspection is
// off the page still opens and says so, without documentation and completion.
package playground

import (
	"bytes"
	"crypto/rand"
	_ "embed" // for the page
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Prefix is the path that the page's files are under. A mux that serves the page elsewhere serves this too.
const Prefix = "/graphiql/"

// Config says what the page shows. The zero value is a page named GraphiQL for /graphql.
type Config struct {
	// Title is the page's title and the name in its corner. Empty means GraphiQL.
	Title string
	// Endpoint is the path that queries are posted to, on the host that served the page. Empty means /graphql.
	Endpoint string
	// Query is the document in the editor at a first visit; later the browser remembers the visitor's own tabs.
	// Empty means GraphiQL's own welcome text.
	Query string
	// Headers is a JSON object of strings: what the headers tab starts with, and every request carries. Anyone who
	// can open the page reads it.
	Headers string
}

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// New makes the handler. It answers GET and HEAD: a path under Prefix is one of the page's files or 404, every other
// path is the page, so that the mux decides where the page is. The error names everything wrong with the
// configuration.
func New(config Config) (http.Handler, error) {
	if config.Title == "" {
		config.Title = "GraphiQL"
	}
	if config.Endpoint == "" {
		config.Endpoint = "/graphql"
	}
	if err := config.validate(); err != nil {
		return nil, err
	}
	files, err := load()
	if err != nil {
		return nil, err
	}
	page, err := render(config, files.manifest)
	if err != nil {
		return nil, err
	}
	before, after, _ := bytes.Cut(page, []byte(noncePlace))
	return &handler{files: files, before: before, after: after}, nil
}

// noncePlace stands in the rendered page where each visitor's nonce does.
const noncePlace = "NONCE-OF-THIS-PAGE"

func (c Config) validate() error {
	var wrong []error
	// A second slash or a backslash would make browsers read a host.
	if !strings.HasPrefix(c.Endpoint, "/") || strings.HasPrefix(c.Endpoint, "//") || strings.Contains(c.Endpoint, `\`) {
		wrong = append(wrong, fmt.Errorf("playground: endpoint %q is not a path like /graphql", c.Endpoint))
	}
	if c.Headers != "" {
		var headers map[string]string
		if err := json.Unmarshal([]byte(c.Headers), &headers); err != nil || headers == nil {
			wrong = append(wrong, errors.New("playground: headers is not a JSON object of strings"))
		}
	}
	return errors.Join(wrong...)
}

func render(config Config, m manifest) ([]byte, error) {
	type client struct {
		Title    string `json:"title"`
		Endpoint string `json:"endpoint"`
		Query    string `json:"query,omitempty"`
		Headers  string `json:"headers,omitempty"`
	}
	type data struct {
		Nonce string `json:"nonce"`
		client
	}
	var page bytes.Buffer
	err := pageTemplate.Execute(&page, map[string]any{
		"Title":  config.Title,
		"Client": data{noncePlace, client(config)},
		"Script": Prefix + m.Script,
		"Style":  Prefix + m.Style,
		"Icon":   Prefix + m.Icon,
	})
	if err != nil {
		return nil, fmt.Errorf("playground: render the page: %w", err)
	}
	return page.Bytes(), nil
}

type handler struct {
	files         *files
	before, after []byte // of the nonce in the page
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nonce := ""
	name, isFile := strings.CutPrefix(r.URL.Path, Prefix)
	if isFile = isFile && name != ""; !isFile {
		nonce = rand.Text()
	}
	protect(w.Header(), nonce)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if isFile {
		h.files.serve(w, r, name)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store") // the nonce is for once
	page := slices.Concat(h.before, []byte(nonce), h.after)
	head.Set("Content-Length", strconv.Itoa(len(page)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(page) // an error: the visitor hung up
	}
}
