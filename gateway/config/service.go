package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/credential"
	"github.com/tributary-gateway/tributary/upstreams/discovery"
	"github.com/tributary-gateway/tributary/upstreams/health"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// Service is one upstream service, under the name that directives call it by.
type Service struct {
	// URL is the base address that path templates are appended to: http or https, without query. Every service has url,
	// instances or discover.
	URL string `yaml:"url" json:"url,omitempty"`
	// Instances are the addresses of a service that has several. An entry is {url, weight, zone}, or a url alone.
	Instances []discovery.Instance `yaml:"instances" json:"instances,omitempty"`
	// Discover says who knows the instances: dns, file, consul or kubernetes.
	Discover *discovery.Config `yaml:"discover" json:"discover,omitempty"`
	// Path is put before path templates, for services with instances or discover: /v2. Default: none.
	Path string `yaml:"path" json:"path,omitempty"`
	// Timeout is how long a call may take, with all its attempts, to the last byte of the answer. Default: 10s.
	Timeout time.Duration `yaml:"timeout" json:"timeout,omitempty"`
	// MaxBody is how much of an answer is read before it's refused as too big. Default: 8MiB.
	MaxBody Size `yaml:"max_body" json:"max_body,omitempty"`
	// UserAgent is the User-Agent header the service sees. Default: tributary.
	UserAgent string `yaml:"user_agent" json:"user_agent,omitempty"`
	// Forward lists the headers of the client's request that are passed on, and that {header.Name} may use.
	Forward []string `yaml:"forward" json:"forward,omitempty"`
	// Headers are sent with every request. Their values are secrets: they are never printed.
	Headers map[string]secret.Text `yaml:"headers" json:"headers,omitempty"`
	// Errors says where the service's answers carry its own errors.
	Errors Errors `yaml:"errors" json:"errors,omitzero"`
	// Credentials are what the service wants to see of the gateway.
	Credentials credential.Config `yaml:"credentials" json:"credentials,omitzero"`
	// TLS is how connections to https addresses are secured.
	TLS credential.TLSConfig `yaml:"tls" json:"tls,omitzero"`
	// Balance says which instance gets a request.
	Balance balance.Config `yaml:"balance" json:"balance,omitzero"`
	// Health says what puts an instance out of service.
	Health health.Config `yaml:"health" json:"health,omitzero"`
	// Cache is which of the service's answers are kept: those that say for how long, unless it says otherwise.
	Cache reuse.Config `yaml:"cache" json:"cache,omitzero"`
	transport.Config
}

// Places is where the service's instances are found.
func (s Service) Places() discovery.Config {
	switch {
	case s.Discover != nil:
		return *s.Discover
	case len(s.Instances) > 0:
		return discovery.Config{Instances: s.Instances}
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return discovery.Config{} // Validate says so
	}
	return discovery.Config{Instances: []discovery.Instance{{URL: u.Scheme + "://" + u.Host}}}
}

// Base is the address that requests are made for. With several instances its host stands for any of them.
func (s Service) Base(name string) string {
	if s.URL != "" {
		return s.URL
	}
	return "http://" + name + s.Path
}

// Errors are JSON Pointers into a service's answer. An empty one is not used.
type Errors struct {
	// When points to what is there only in an error, for services that answer errors with 200. Null, false, 0 and what is
	// empty are no error.
	When string `yaml:"when" json:"when,omitempty"`
	// Message points to the text that clients may read. Without it they read the gateway's own.
	Message string `yaml:"message" json:"message,omitempty"`
	// Code points to the service's own error code, which is passed on beside the gateway's.
	Code string `yaml:"code" json:"code,omitempty"`
}

// DefaultService is what a service has before the file is read.
func DefaultService() Service {
	return Service{
		Timeout: rest.DefaultTimeout, MaxBody: rest.DefaultMaxBody, UserAgent: rest.DefaultUserAgent,
		Cache:  reuse.Default(),
		Config: transport.Default(), Balance: balance.Config{}.WithDefaults(), Health: health.Config{}.WithDefaults(),
	}
}

// Validate names everything wrong with the service.
func (s Service) Validate() error {
	errs := []error{s.Config.Validate(), s.validPlaces()}
	if s.Timeout <= 0 {
		errs = append(errs, errors.New("timeout: a request needs some time; give 1ms or more"))
	}
	if s.MaxBody <= 0 {
		errs = append(errs, errors.New("max_body: an answer needs some room; give 1KiB or more"))
	}
	if i := badHeaderByte(s.UserAgent); i >= 0 {
		errs = append(errs, errors.New("user_agent: has a control character"))
	}
	for i, name := range s.Forward {
		if err := validHeader(name); err != nil {
			errs = append(errs, fmt.Errorf("forward[%d]: %w", i, err))
		}
	}
	for _, name := range sortedKeys(s.Headers) {
		errs = append(errs, s.validHeaders(name))
	}
	for _, p := range []struct{ name, pointer string }{{"when", s.Errors.When}, {"message", s.Errors.Message}, {"code", s.Errors.Code}} {
		if err := validPointer(p.pointer); err != nil {
			errs = append(errs, fmt.Errorf("errors.%s: %w", p.name, err))
		}
	}
	return errors.Join(errs...)
}

func (s Service) validHeaders(name string) error {
	if err := validHeader(name); err != nil {
		return fmt.Errorf("headers.%s: %w", name, err)
	}
	if badHeaderByte(s.Headers[name].Reveal()) >= 0 {
		return fmt.Errorf("headers.%s: the value has a control character", name)
	}
	if i := slices.IndexFunc(s.Forward, func(f string) bool { return strings.EqualFold(f, name) }); i >= 0 {
		return fmt.Errorf("headers.%s: is also in forward; keep one, or the client could replace the configured value", name)
	}
	if strings.EqualFold(name, "User-Agent") {
		return fmt.Errorf("headers.%s: has a setting of its own; use user_agent", name)
	}
	return nil
}

// validPlaces checks that there is exactly one way to find the service.
func (s Service) validPlaces() error {
	var given []string
	for _, way := range []struct {
		name  string
		given bool
	}{{"url", s.URL != ""}, {"instances", len(s.Instances) > 0}, {"discover", s.Discover != nil}} {
		if way.given {
			given = append(given, way.name)
		}
	}
	switch {
	case len(given) == 0:
		return errors.New("url: is missing; give the service's base address, http://users:8080, or instances, or discover")
	case len(given) > 1:
		return fmt.Errorf("%s: stands beside %s; keep one", given[1], given[0])
	case s.URL != "" && s.Path != "":
		return errors.New("path: is for instances and discover; write it at the end of url")
	case s.URL != "":
		return validURL(s.URL)
	case s.Discover == nil:
		if err := s.Places().Validate(); err != nil {
			return err
		}
	}
	return validPath(s.Path)
}

func validPath(path string) error {
	if path == "" {
		return nil
	}
	if u, err := url.Parse(path); err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fmt.Errorf("path: %s is not a path; write one like /v2", short(path))
	}
	return nil
}

func validURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("url: is not a URL; give one like http://users:8080/api")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url: begins with neither http:// nor https://")
	case u.Hostname() == "":
		return errors.New("url: has no host; give one like http://users:8080")
	case u.User != nil:
		return errors.New("url: holds credentials, which would be logged; put them under headers: Authorization")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("url: has a query or fragment; a base address ends with its path")
	}
	return nil
}

func validHeader(name string) error {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) {
		return fmt.Errorf("%s is not the name of a header", short(name))
	}
	if template.Reserved(name) || strings.EqualFold(name, "Content-Type") {
		return fmt.Errorf("%s belongs to one connection or body and is set by the gateway", name)
	}
	return nil
}

func badHeaderByte(value string) int {
	return strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// validPointer checks a JSON Pointer (RFC 6901).
func validPointer(p string) error {
	if p == "" {
		return nil
	}
	if p[0] != '/' {
		return fmt.Errorf("%s is not a JSON Pointer; it begins with a slash: /%s", short(p), strings.ReplaceAll(p, ".", "/"))
	}
	for i := range len(p) {
		if p[i] == '~' && (i+1 == len(p) || p[i+1] != '0' && p[i+1] != '1') {
			return fmt.Errorf("%s is not a JSON Pointer; write ~0 for ~ and ~1 for a slash in a name", short(p))
		}
	}
	return nil
}
