package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config says where the instances of one service are found: exactly one of these.
type Config struct {
	// Instances is a fixed list; an entry that is a text is a url.
	Instances []Instance `yaml:"-" json:"-"` // gateway.yaml has them beside this section
	// DNS asks a name's addresses.
	DNS *DNS `yaml:"dns" json:"dns,omitempty"`
	// File reads a list that somebody else writes.
	File *File `yaml:"file" json:"file,omitempty"`
	// Consul asks a Consul agent for the instances that pass their checks.
	Consul *Consul `yaml:"consul" json:"consul,omitempty"`
	// Kubernetes asks the API server for the endpoints of a Kubernetes service.
	Kubernetes *Kubernetes `yaml:"kubernetes" json:"kubernetes,omitempty"`
}

// DNS is a name whose addresses are instances.
type DNS struct {
	// Name is asked for as it is, without search domains. Required.
	Name string `yaml:"name" json:"name"`
	// Type is a, for A and AAAA records together, or srv. Default: a.
	Type string `yaml:"type" json:"type,omitempty"`
	// Port is what instances found by a listen on; srv records have ports of their own. Default: 80, with https 443.
	Port int `yaml:"port" json:"port,omitempty"`
	// Scheme is http or https. Default: http.
	Scheme string `yaml:"scheme" json:"scheme,omitempty"`
	// Resolver is the host:port of a DNS server. Default: those of /etc/resolv.conf, read each time.
	Resolver string `yaml:"resolver" json:"resolver,omitempty"`
	// MinTTL is how long an answer is used at least, whatever its TTL. Default: 1s.
	MinTTL time.Duration `yaml:"min_ttl" json:"min_ttl,omitempty"`
	// MaxTTL is how long an answer is used at most. Default: 5m.
	MaxTTL time.Duration `yaml:"max_ttl" json:"max_ttl,omitempty"`
}

// File is a list in a file, in the format of Prometheus' file_sd: a list of {targets: ["host:port"], labels: {}}. The
// labels __scheme__, weight and zone mean something.
type File struct {
	// Path ends in .json, .yaml or .yml. Required.
	Path string `yaml:"path" json:"path"`
	// Refresh is how often the file is read even though nothing told of a change. Default: 30s.
	Refresh time.Duration `yaml:"refresh" json:"refresh,omitempty"`
}

// Consul is a service in Consul's catalog.
type Consul struct {
	// Address is the agent's. Default: http://127.0.0.1:8500.
	Address string `yaml:"address" json:"address,omitempty"`
	// Service is the name in Consul. Required.
	Service string `yaml:"service" json:"service"`
	// Tag is what instances must be tagged with. Default: none.
	Tag string `yaml:"tag" json:"tag,omitempty"`
	// Datacenter is another than the agent's own. Default: its own.
	Datacenter string `yaml:"datacenter" json:"datacenter,omitempty"`
	// Token is a secret: it needs service:read and node:read. Default: none.
	Token secret.Text `yaml:"token" json:"token,omitempty"`
	// TokenFile holds the token instead; it's read again when it changes.
	TokenFile string `yaml:"token_file" json:"token_file,omitempty"`
	// CAFile has authorities to trust for an https address, as PEM, besides the system's. Default: none.
	CAFile string `yaml:"ca_file" json:"ca_file,omitempty"`
	// Scheme is what instances are spoken to by, http or https. Default: http.
	Scheme string `yaml:"scheme" json:"scheme,omitempty"`
}

// Kubernetes is a Kubernetes service, whose EndpointSlices are watched. The account needs list and watch on
// endpointslices in the group discovery.k8s.io.
type Kubernetes struct {
	// Namespace is the service's. Default: the one that the gateway's own pod is in.
	Namespace string `yaml:"namespace" json:"namespace,omitempty"`
	// Service is the Kubernetes service's name. Required.
	Service string `yaml:"service" json:"service"`
	// Port is the name or the number of the pods' port. Default: the only one that there is.
	Port string `yaml:"port" json:"port,omitempty"`
	// Scheme is what instances are spoken to by, http or https. Default: http.
	Scheme string `yaml:"scheme" json:"scheme,omitempty"`
	// API is the API server's address. Default: what a pod's environment says.
	API string `yaml:"api" json:"api,omitempty"`
	// TokenFile is our token for the API server, read again when it changes. Default: the pod's service account's, when
	// api is the default too.
	TokenFile string `yaml:"token_file" json:"token_file,omitempty"`
	// CAFile has the authority to trust for the API server, as PEM. Default: the pod's service account's, when api is
	// the default too.
	CAFile string `yaml:"ca_file" json:"ca_file,omitempty"`
}

// WithDefaults replaces what is left out. What depends on the pod is found out by New.
func (c Config) WithDefaults() Config {
	if c.DNS != nil {
		full := *c.DNS
		orDefault(&full.Type, "a")
		orDefault(&full.Scheme, "http")
		orDefault(&full.MinTTL, time.Second)
		orDefault(&full.MaxTTL, max(5*time.Minute, full.MinTTL))
		if full.Type == "a" {
			orDefault(&full.Port, defaultPort(full.Scheme))
		}
		c.DNS = &full
	}
	if c.File != nil {
		full := *c.File
		orDefault(&full.Refresh, 30*time.Second)
		c.File = &full
	}
	if c.Consul != nil {
		full := *c.Consul
		orDefault(&full.Address, "http://127.0.0.1:8500")
		orDefault(&full.Scheme, "http")
		c.Consul = &full
	}
	if c.Kubernetes != nil {
		full := *c.Kubernetes
		orDefault(&full.Scheme, "http")
		c.Kubernetes = &full
	}
	return c
}

func orDefault[T comparable](value *T, other T) {
	var zero T
	if *value == zero {
		*value = other
	}
}

// problems collects what is wrong.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p *problems) scheme(key, value string) {
	if value != "" && value != "http" && value != "https" {
		p.add("%s: is %q; give http or https", key, value)
	}
}

func (p *problems) address(key, value string) {
	if value == "" {
		return
	}
	if u, err := url.Parse(value); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		p.add("%s: is no address; give one like https://consul.internal:8501, without credentials or query", key)
	}
}

// Validate names every problem.
func (c Config) Validate() error {
	var p problems
	var kinds []string
	if len(c.Instances) > 0 {
		kinds = append(kinds, "instances")
	}
	for i, instance := range c.Instances {
		if _, err := instance.checked(); err != nil {
			p.add("instances[%d]: %w", i, err)
		}
	}
	if c.DNS != nil {
		kinds = append(kinds, "dns")
		c.DNS.validate(&p)
	}
	if c.File != nil {
		kinds = append(kinds, "file")
		if kindOf(c.File.Path) == "" {
			p.add("file.path: is %q; give a file that ends in .json, .yaml or .yml", c.File.Path)
		}
		if c.File.Refresh < 0 {
			p.add("file.refresh: is negative")
		}
	}
	if c.Consul != nil {
		kinds = append(kinds, "consul")
		c.Consul.validate(&p)
	}
	if c.Kubernetes != nil {
		kinds = append(kinds, "kubernetes")
		c.Kubernetes.validate(&p)
	}
	switch len(kinds) {
	case 0:
		p.add("instances: is missing; give it, or dns, file, consul or kubernetes")
	case 1:
	default:
		p.add("%s: are there together; keep one", strings.Join(kinds, " and "))
	}
	return errors.Join(p...)
}

func (d DNS) validate(p *problems) {
	if d.Name == "" {
		p.add("dns.name: is missing")
	} else if _, ok := dns.IsDomainName(d.Name); !ok {
		p.add("dns.name: %q is no name", d.Name)
	}
	switch d.Type {
	case "", "a":
		if d.Port < 0 || d.Port > 65535 {
			p.add("dns.port: is %d; give 1 to 65535", d.Port)
		}
	case "srv":
		if d.Port != 0 {
			p.add("dns.port: is there with type srv, whose records have ports; remove one")
		}
	default:
		p.add("dns.type: is %q; give a or srv", d.Type)
	}
	p.scheme("dns.scheme", d.Scheme)
	if d.Resolver != "" {
		if host, port, err := net.SplitHostPort(d.Resolver); err != nil || host == "" || !isPort(port) {
			p.add("dns.resolver: is %q; give host:port, like 10.0.0.2:53", d.Resolver)
		}
	}
	if d.MinTTL < 0 || d.MaxTTL < 0 {
		p.add("dns.min_ttl and dns.max_ttl: can't be negative")
	} else if d.MaxTTL > 0 && d.MaxTTL < max(d.MinTTL, 1) {
		p.add("dns.max_ttl: is %v, under min_ttl (%v)", d.MaxTTL, d.MinTTL)
	}
}

func (c Consul) validate(p *problems) {
	p.address("consul.address", c.Address)
	if c.Service == "" {
		p.add("consul.service: is missing")
	}
	if c.Token != "" && c.TokenFile != "" {
		p.add("consul.token: is there together with token_file; keep one")
	}
	if strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		p.add("consul.token: has a character that a header can't carry")
	}
	p.scheme("consul.scheme", c.Scheme)
}

func (k Kubernetes) validate(p *problems) {
	for _, name := range []struct{ key, value string }{{"namespace", k.Namespace}, {"service", k.Service}} {
		if name.value != "" && !isLabel(name.value) {
			p.add("kubernetes.%s: %q is no name in Kubernetes, which has small letters, digits and hyphens", name.key, name.value)
		}
	}
	if k.Service == "" {
		p.add("kubernetes.service: is missing")
	}
	if _, err := strconv.Atoi(k.Port); err == nil && !isPort(k.Port) {
		p.add("kubernetes.port: is %s; give a name or 1 to 65535", k.Port)
	}
	p.scheme("kubernetes.scheme", k.Scheme)
	p.address("kubernetes.api", k.API)
}

// isLabel says whether text is a DNS label in small letters.
func isLabel(text string) bool {
	return len(text) <= 63 && !strings.HasPrefix(text, "-") && !strings.HasSuffix(text, "-") &&
		!strings.ContainsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n < 1<<16
}
