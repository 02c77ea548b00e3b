// Package discovery knows where the instances of a service are.
//
// A Source watches one place that tells: a list in the configuration, DNS, a file, Consul, the Kubernetes API. It hands
// on the whole list, first as soon as it is known and then whenever it changed, without duplicates and sorted. What the
// instances are worth, and which of them gets a request, is package balance's.
//
// While its place is down or says what can't be right, a source keeps the last list and asks again after pauses that
// grow to 30 s, and logs the change to that state and back once. A place that says that there are no instances is
// believed; DNS only when it says so three times in a row, because that is how a DNS server looks that lost its zone.
package discovery

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Instance is one address of a service.
type Instance struct {
	// URL is an origin, without a path: http://10.0.0.7:8080. Required.
	URL string `yaml:"url" json:"url"`
	// Weight is its share of requests against the others', 1 to 65535. Default: 1.
	Weight int `yaml:"weight" json:"weight,omitempty"`
	// Zone is where it stands. Default: nowhere in particular.
	Zone string `yaml:"zone" json:"zone,omitempty"`
}

// FromText reads the short form of an instance, its URL alone.
func (i *Instance) FromText(text string) error {
	url, err := parseOrigin(text)
	if err != nil {
		return err
	}
	*i = Instance{URL: url}
	return nil
}

// Source finds instances.
type Source interface {
	// Watch calls update with the whole list, first as soon as it's known and then at each change, never twice at once,
	// until ctx ends; then it returns nil. The list is update's to keep. Trouble on the way is not returned: it is
	// logged, and the last list stays. One Source may be watched once at a time.
	Watch(ctx context.Context, update func([]Instance)) error
}

// Options are what a source works with besides its configuration.
type Options struct {
	// Service is the name of the service, for the log.
	Service string
	// Logger is told of trouble and of changes. Nil means silence.
	Logger *slog.Logger
	// Carrier takes the requests to Consul and to the Kubernetes API. Nil means connections of its own.
	Carrier http.RoundTripper
	// Pause is the first wait after an error; each further one is twice as long, up to 30 s. Default: 500ms.
	Pause time.Duration
}

func (o Options) logger(kind string) *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger.With("service", o.Service, "discovery", kind)
}

// New makes the source that the configuration names. It reads secrets and certificates, and asks nobody yet.
func New(c Config, o Options) (Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	if o.Pause <= 0 {
		o.Pause = 500 * time.Millisecond
	}
	switch {
	case c.DNS != nil:
		return &dnsSource{config: *c.DNS, options: o}, nil
	case c.File != nil:
		return &fileSource{config: *c.File, options: o}, nil
	case c.Consul != nil:
		return newConsul(*c.Consul, o)
	case c.Kubernetes != nil:
		return newKubernetes(*c.Kubernetes, o)
	}
	return fixed{list: c.Instances, options: o}, nil
}

// fixed is a list that stands in the configuration.
type fixed struct {
	list    []Instance
	options Options
}

func (f fixed) Watch(ctx context.Context, update func([]Instance)) error {
	r := newReporter(f.options, "instances", update)
	if err := r.list(ctx, f.list); err != nil {
		return err // Validate let it pass, so that it can't be
	}
	<-ctx.Done()
	return nil
}
