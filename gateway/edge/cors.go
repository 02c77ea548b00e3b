package edge

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CORS says which pages of other origins may call. A zero field means its default.
type CORS struct {
	// Origins are "https://app.example.com", "https://*.example.com" for every host below, or "*" for any. Default: none.
	Origins []string `yaml:"origins" json:"origins,omitempty"`
	// Credentials lets these pages send cookies and client certificates. It can't go with "*". Default: false.
	Credentials bool `yaml:"credentials" json:"credentials,omitempty"`
	// Methods are those that they may use. Default: GET, POST, PUT, DELETE; the last two are for event streams.
	Methods []string `yaml:"methods" json:"methods,omitempty"`
	// Headers are the request headers that they may send. Default: those of GraphQL clients, of tracing and of credentials.
	Headers []string `yaml:"headers" json:"headers,omitempty"`
	// Expose are the headers of answers that they may read. Default: those that the gateway itself sends.
	Expose []string `yaml:"expose" json:"expose,omitempty"`
	// MaxAge is how long a browser may remember the answer; browsers cut it to two hours or less. Default: 2h.
	MaxAge time.Duration `yaml:"max_age" json:"max_age,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c CORS) WithDefaults() CORS {
	if c.Methods == nil {
		c.Methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}
	}
	if c.Headers == nil {
		c.Headers = []string{
			"Accept", "Authorization", "Content-Type", "Last-Event-Id", "Traceparent", "Tracestate", "X-Api-Key", "X-Request-Id",
			"X-Graphql-Event-Stream-Token", "X-Apollo-Operation-Name", "X-Apollo-Operation-Id", "Apollo-Require-Preflight", "Graphql-Require-Preflight",
		}
	}
	if c.Expose == nil {
		c.Expose = []string{"RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "Age", "Cache-Status", "ETag"}
	}
	if c.MaxAge == 0 {
		c.MaxAge = 2 * time.Hour
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c CORS) Validate() error {
	var problems []error
	if _, err := ParseOrigins(c.Origins); err != nil {
		problems = append(problems, err)
	}
	if c.Credentials && slices.Contains(c.Origins, "*") {
		problems = append(problems, errors.New(`credentials: with "*" among origins any page could act as its visitor; name the origins`))
	}
	for _, list := range []struct {
		key   string
		names []string
	}{{"methods", c.Methods}, {"headers", c.Headers}, {"expose", c.Expose}} {
		for i, name := range list.names {
			if !isToken(name) || name == "*" {
				problems = append(problems, fmt.Errorf("%s[%d]: %.80q is no name", list.key, i, name))
			}
		}
	}
	if c.MaxAge < 0 || c.MaxAge > 24*time.Hour {
		problems = append(problems, fmt.Errorf("max_age: is %v; give 0s to 24h", c.MaxAge))
	}
	return errors.Join(problems...)
}

// CrossOrigin answers preflights itself, and marks answers that pages of other origins may read. An origin that isn't
// allowed gets no mark, so that its browser keeps the answer from it. Without origins it does nothing.
func CrossOrigin(c CORS) (Middleware, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("cors: %w", err)
	}
	c = c.WithDefaults()
	origins, _ := ParseOrigins(c.Origins) // Validate has
	if len(c.Origins) == 0 {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	rules := &crossOrigin{
		origins:     origins,
		credentials: c.Credentials,
		methods:     []string{strings.Join(c.Methods, ", ")},
		headers:     []string{strings.Join(c.Headers, ", ")},
		expose:      []string{strings.Join(c.Expose, ", ")},
		maxAge:      []string{strconv.Itoa(int(c.MaxAge.Seconds()))},
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions && r.Header["Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil {
				rules.preflight(w, r)
				return
			}
			if rules.mark(w.Header(), r.Header["Origin"]) && len(c.Expose) > 0 {
				w.Header()["Access-Control-Expose-Headers"] = rules.expose
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

type crossOrigin struct {
	origins                          Origins
	credentials                      bool
	methods, headers, expose, maxAge []string
}

// mark says in an answer who may read it, and whether that is the one who asks.
func (c *crossOrigin) mark(answer http.Header, origin []string) bool {
	anyone := c.origins.any && !c.credentials
	if !anyone {
		answer.Add("Vary", "Origin") // also where there is none: caches must not give that answer to a page
	}
	if len(origin) != 1 || !c.origins.Allows(origin[0]) {
		return false
	}
	if anyone {
		answer["Access-Control-Allow-Origin"] = anyOrigin
	} else {
		answer["Access-Control-Allow-Origin"] = origin[:1:1]
	}
	if c.credentials {
		answer["Access-Control-Allow-Credentials"] = yes
	}
	return true
}

// preflight says what a page may do. A browser compares it with what the page wants, so that nothing of the request but
// its origin is looked at.
func (c *crossOrigin) preflight(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	allowed := c.mark(header, r.Header["Origin"])
	header.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	if !allowed {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	header["Access-Control-Allow-Methods"] = c.methods
	header["Access-Control-Allow-Headers"] = c.headers
	header["Access-Control-Max-Age"] = c.maxAge
	w.WriteHeader(http.StatusNoContent)
}

// Values of headers that many answers have. They have no room for another value, so that who adds one gets a copy.
var (
	anyOrigin = []string{"*"}
	yes       = []string{"true"}
	nosniff   = []string{"nosniff"}
)

// isToken says whether a text is a name as HTTP has it.
func isToken(text string) bool {
	if text == "" {
		return false
	}
	for i := range len(text) {
		c := text[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}
