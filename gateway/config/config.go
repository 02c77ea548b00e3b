// Package config turns gateway.yaml into one struct.
//
// It gathers the sections that other packages own, loads them, validates them and prints them; what a setting means is
// known by the section's package alone. A value comes from the default, the file, the environment or a flag, and the
// later one wins. Loading is strict: a key nobody knows, a key given twice or a value of the wrong kind is a Problem
// with file, line, column, the line itself and what would be right, and all problems are reported together. ${NAME}
// takes a value from the environment. Secrets never leave by printing. There's nothing to depend on at run time: a
// configuration that loaded is complete.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"

	"github.com/tributary-gateway/tributary/gateway/admin"
	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/gateway/edge/batch"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/memory"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/server"
	"github.com/tributary-gateway/tributary/gateway/subscription"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
	"github.com/tributary-gateway/tributary/gateway/upload"
	"github.com/tributary-gateway/tributary/upstreams/event"
)

// Config is everything gateway.yaml says.
type Config struct {
	// Listen is the address to serve on, host:port. Default: :8080, every address of the machine.
	Listen string `yaml:"listen" json:"listen"`
	// Server is how HTTP is served: timeouts, limits and the checks that documents pass.
	Server server.Config `yaml:"server" json:"server"`
	// Edge is what stands between the network and GraphQL: connections, TLS, browsers, codings.
	Edge edge.Config `yaml:"edge" json:"edge,omitzero"`
	// Documents are those that clients name instead of sending them.
	Documents documents.Config `yaml:"documents" json:"documents,omitzero"`
	// Uploads are requests with files.
	Uploads upload.Config `yaml:"uploads" json:"uploads,omitzero"`
	// Batching is about several operations in one request.
	Batching batch.Config `yaml:"batching" json:"batching,omitzero"`
	// Identity says how clients are recognised.
	Identity identity.Config `yaml:"identity" json:"identity,omitzero"`
	// Cost says how operations are priced.
	Cost cost.Config `yaml:"cost" json:"cost,omitzero"`
	// Limits are what clients may spend.
	Limits admission.Config `yaml:"limits" json:"limits,omitzero"`
	// Cache is which answers are kept.
	Cache cache.Config `yaml:"cache" json:"cache,omitzero"`
	// Redis is where points and keys are kept when several gateways share them.
	Redis redisconn.Config `yaml:"redis" json:"redis,omitzero"`
	// Admin is the listener for operators.
	Admin admin.Config `yaml:"admin" json:"admin,omitzero"`
	// Subscriptions are connections that last: WebSockets and event streams.
	Subscriptions subscription.Config `yaml:"subscriptions" json:"subscriptions,omitzero"`
	// Events are where subscriptions have their events from.
	Events event.Config `yaml:"events" json:"events,omitzero"`
	// Services are the upstream services by the name that directives use.
	Services map[string]Service `yaml:"services" json:"services"`
	// Playground is the GraphiQL page at /.
	Playground Playground `yaml:"playground" json:"playground"`
	// Log is how the gateway writes its log.
	Log telemetry.Config `yaml:"log" json:"log"`
	// Memory is what Go's garbage collector may use.
	Memory memory.Config `yaml:"memory" json:"memory"`
}

// Default is the configuration of an empty file.
func Default() *Config { return base().withDefaults() }

// base is what a file is read over. Sections that say what their zeros mean keep them until the file was read: some of
// their defaults follow from other settings.
func base() *Config {
	return &Config{Listen: ":8080", Playground: Playground{Enabled: true}, Log: telemetry.DefaultConfig()}
}

// withDefaults replaces the zeros that stand for something else.
func (c *Config) withDefaults() *Config {
	c.Server = c.Server.WithDefaults()
	c.Memory = c.Memory.WithDefaults()
	c.Edge = c.Edge.WithDefaults()
	c.Documents = c.Documents.WithDefaults()
	c.Uploads = c.Uploads.WithDefaults()
	c.Batching = c.Batching.WithDefaults()
	c.Identity = c.Identity.WithDefaults()
	c.Cost = c.Cost.WithDefaults()
	c.Limits = c.Limits.WithDefaults()
	c.Subscriptions = c.Subscriptions.WithDefaults()
	c.Events = c.Events.WithDefaults()
	c.Cache = c.Cache.WithDefaults()
	if c.Redis.Enabled() {
		c.Redis = c.Redis.WithDefaults()
	}
	return c
}

// Inputs are the sources beside the file. The zero value has none.
type Inputs struct {
	// Environ is the environment in the form of os.Environ: for ${NAME} and for the overrides that Variables lists.
	Environ []string
	// Flags are settings from the command line; they win over everything else.
	Flags []Override
}

// MaxFile is how big a configuration file may be: 256 KiB. The YAML parser takes time by the square of the keys of a
// mapping, which is seconds at that size.
const MaxFile = 256 << 10

// maxProblems is how many mistakes are told at once.
const maxProblems = 50

// Load reads the file at path. The error is Problems, or what reading the file answered: errors.Is(err, fs.ErrNotExist).
func Load(path string, in Inputs) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, text, in)
}

// Parse is Load for a text that was read already; name stands for the file in messages. The error is Problems.
func Parse(name string, text []byte, in Inputs) (*Config, error) {
	if len(text) > MaxFile {
		return nil, Problems{{Source: name, Message: fmt.Sprintf("the file is over %s", Size(MaxFile))}}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	environ := environment(in.Environ)
	lookup := func(key string) (string, bool) {
		value, ok := environ[key]
		return value, ok
	}
	c := base()
	d := newDecoder(newSource(name, text), lookup)
	d.document(text, reflect.ValueOf(c).Elem())

	overrides, problems := fromEnvironment(environ, c)
	given := map[string]string{} // which override a setting comes from
	for _, o := range slices.Concat(overrides, in.Flags) {
		if err := o.apply(c); err != nil {
			problems = append(problems, o.problem(err))
			continue
		}
		given[o.Path] = o.Source
	}
	problems = slices.Concat(d.problems, problems)
	problems = append(problems, d.locate(c.problems(), given, problems)...)
	if len(problems) == 0 {
		return c.withDefaults(), nil
	}
	slices.SortStableFunc(problems, byPlace)
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems], &Problem{Source: name, Message: fmt.Sprintf("and %d more", more)})
	}
	return nil, problems
}

// ServiceNames lists the services in the order of their names. It's empty, never nil, when there are none.
func (c *Config) ServiceNames() []string {
	names := make([]string, 0, len(c.Services))
	for name := range c.Services {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// IsProblem says whether err is about what the configuration says, as opposed to a file that can't be read.
func IsProblem(err error) bool {
	var problems Problems
	return errors.As(err, &problems)
}
