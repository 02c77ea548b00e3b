package edge

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// CSRF refuses requests that a page may have made its visitor's browser send. A zero field means its default.
type CSRF struct {
	// Disabled lets such requests pass. Default: false.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// Headers show, whatever their value, that a browser has asked for leave first. Default: X-Apollo-Operation-Name,
	// Apollo-Require-Preflight, GraphQL-Require-Preflight.
	Headers []string `yaml:"headers" json:"headers,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c CSRF) WithDefaults() CSRF {
	if c.Headers == nil {
		c.Headers = []string{"X-Apollo-Operation-Name", "Apollo-Require-Preflight", "GraphQL-Require-Preflight"}
	}
	return c
}

// simpleHeaders are those that a page may send anywhere without asking, or that browsers send by themselves: they show
// nothing.
var simpleHeaders = map[string]bool{
	"Accept": true, "Accept-Language": true, "Accept-Encoding": true, "Content-Language": true, "Content-Type": true, "Content-Length": true,
	"Range": true, "Cookie": true, "Origin": true, "Referer": true, "Host": true, "User-Agent": true, "Connection": true, "Cache-Control": true,
	"Pragma": true, "Upgrade-Insecure-Requests": true, "Dnt": true, "Te": true, "Save-Data": true, "Priority": true,
	"Downlink": true, "Rtt": true, "Dpr": true, "Width": true, "Viewport-Width": true,
}

// Validate names everything wrong, by its keys.
func (c CSRF) Validate() error {
	var problems []error
	for i, name := range c.Headers {
		full := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			problems = append(problems, fmt.Errorf("headers[%d]: %.80q is no name of a header", i, name))
		case simpleHeaders[full], strings.HasPrefix(full, "Sec-"), strings.HasPrefix(full, "Proxy-"):
			problems = append(problems, fmt.Errorf("headers[%d]: %s is sent by browsers without asking, and shows nothing", i, full))
		}
	}
	if !c.Disabled && c.Headers != nil && len(c.Headers) == 0 {
		problems = append(problems, errors.New("headers: is empty; name at least one"))
	}
	return errors.Join(problems...)
}

// Guard refuses, by headers alone, what a page of another origin may have made its visitor's browser send without having
// asked for leave (a "simple" request). origins are those of CORS: their pages may.
func Guard(c CSRF, origins Origins) (Middleware, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("csrf: %w", err)
	}
	if c.Disabled {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	g := guard{origins: origins}
	for _, name := range c.WithDefaults().Headers {
		g.headers = append(g.headers, http.CanonicalHeaderKey(name))
	}
	message := "This may have been sent by a page without its visitor's knowledge. Send one of the headers " +
		strings.Join(c.WithDefaults().Headers, ", ") + ", or POST application/json."
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch g.judge(r) {
			case pass:
				next.ServeHTTP(w, r)
			case badType:
				refuse(w, http.StatusUnsupportedMediaType, fail.BadRequest, "The body must be application/json, and Content-Type must say so.")
			case forged:
				refuse(w, http.StatusBadRequest, fail.BadRequest, message)
			}
		})
	}, nil
}

type verdict uint8

const (
	// pass: no page sent it unasked.
	pass verdict = iota
	// badType: nothing that is spoken here has this content type.
	badType
	// forged: a page may have.
	forged
)

type guard struct {
	headers []string
	origins Origins
}

func (g *guard) judge(r *http.Request) verdict {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return pass // no simple method: OPTIONS is the asking itself, others were asked for
	}
	if isUpgrade(r) {
		return pass // pages can't set these headers; whoever opens WebSockets looks at Origin
	}
	for _, name := range g.headers {
		if values := r.Header[name]; len(values) > 0 && values[0] != "" {
			return pass // browsers have asked
		}
	}
	kind := contentTypeOf(r.Header["Content-Type"])
	if r.Method == http.MethodPost {
		switch {
		case kind == "multipart/form-data":
			return forged
		case isSimpleType(kind):
			return badType
		case r.Header["Sec-Fetch-Site"] != nil && g.crossSite(r):
			return forged // its browser should have asked and been refused; some have had bugs
		default:
			return pass
		}
	}
	if kind != "" && kind != "application/json" || len(r.Header["Content-Type"]) > 1 {
		return badType // a browser of 2025 sent a page's GET with an odd type without asking (GHSA-9q82-xgwf-vj6h)
	}
	if g.crossSite(r) {
		return forged
	}
	if kind == "" && r.Header["Sec-Fetch-Site"] == nil && r.Header["Origin"] == nil && strings.HasPrefix(r.Header.Get("User-Agent"), "Mozilla/") {
		// A browser that doesn't say where the request is from: one from before 2023, or any over plain http.
		return forged
	}
	return pass
}

// crossSite says whether a browser tells that a page of another origin sent it, and one that CORS doesn't allow.
func (g *guard) crossSite(r *http.Request) bool {
	sites, origin := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	if len(origin) > 1 || len(sites) > 1 {
		return true
	}
	if len(origin) == 1 && g.origins.Allows(origin[0]) {
		return false
	}
	if len(sites) == 1 {
		return sites[0] != "same-origin" && sites[0] != "none"
	}
	if len(origin) == 0 {
		return false
	}
	u, err := url.Parse(origin[0])
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// isSimpleType says whether a page may send this type without asking: the three of forms, and none at all.
func isSimpleType(kind string) bool {
	switch kind {
	case "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data":
		return true
	}
	return false
}

// contentTypeOf is the type without parameters, "" for none and for what can't be read: browsers take the simple way then.
func contentTypeOf(values []string) string {
	if len(values) == 1 && values[0] == "application/json" {
		return values[0]
	}
	if len(values) != 1 {
		return ""
	}
	kind, _, err := mime.ParseMediaType(values[0])
	if err != nil || !strings.Contains(kind, "/") {
		return ""
	}
	return kind
}

// isUpgrade says whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return false
	}
	for _, line := range r.Header["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(option), "upgrade") {
				return true
			}
		}
	}
	return false
}
