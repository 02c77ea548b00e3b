package discovery

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/backoff"
	"github.com/tributary-gateway/tributary/upstreams/credential"
)

const (
	// consulWait is how long Consul may keep a question until something changes.
	consulWait = 5 * time.Minute
	// consulSlack is what an answer may take beyond that: Consul adds up to a sixteenth so that not all come at once.
	consulSlack = consulWait/16 + 15*time.Second
	// consulRate is the least time from one question to the next, for services that change all the time.
	consulRate = 100 * time.Millisecond
	// consulPoll is the same where answers have no index, so that nothing can be waited for.
	consulPoll = 10 * time.Second
)

// consulSource asks by blocking queries: an answer has an index, and the next question with it waits for a later one.
type consulSource struct {
	config  Consul
	options Options
	connect func() (http.RoundTripper, func())
}

func newConsul(c Consul, o Options) (Source, error) {
	carrier, err := connector("consul", c.CAFile, credential.Config{Bearer: bearer(c.Token, c.TokenFile)}, o)
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	return &consulSource{config: c, options: o, connect: carrier}, nil
}

func bearer(token secret.Text, file string) *credential.Bearer {
	if token == "" && file == "" {
		return nil
	}
	return &credential.Bearer{Token: token, TokenFile: file}
}

// connector makes what a Watch sends its requests through, and ends the connections with it.
func connector(kind, caFile string, c credential.Config, o Options) (func() (http.RoundTripper, func()), error) {
	about := credential.Options{Service: o.Service, Logger: o.Logger, Carrier: o.Carrier}
	secured, err := credential.TLS(credential.TLSConfig{CAFile: caFile}, about)
	if err != nil {
		return nil, err
	}
	about.Service = kind
	wrap, err := credential.New(c, about)
	if err != nil {
		return nil, err
	}
	return func() (http.RoundTripper, func()) {
		if o.Carrier != nil {
			return wrap(o.Carrier), func() {}
		}
		own := dialed(secured)
		return wrap(own), own.CloseIdleConnections
	}, nil
}

func (c *consulSource) Watch(ctx context.Context, update func([]Instance)) error {
	r := newReporter(c.options, "consul "+c.config.Service, update)
	carrier, end := c.connect()
	defer end()
	index := uint64(0)
	for {
		asked := time.Now()
		list, next, err := c.ask(ctx, carrier, index)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = r.list(ctx, list)
		}
		var pause time.Duration
		switch {
		case err != nil:
			// From the beginning: the next answer comes at once, whatever Consul remembers.
			index, pause = 0, r.trouble(ctx, err)
		case next == noIndex:
			index, pause = 0, consulPoll
		default:
			index, pause = nextIndex(index, uint64(next)), consulRate-time.Since(asked)
		}
		if !backoff.Wait(ctx, max(pause, 0)) {
			return nil
		}
	}
}

// noIndex is what an answer without one has.
const noIndex = int64(-1)

// nextIndex is what to wait beyond. An index that went backwards means that Consul's state was restored, and one of 0
// would not wait at all.
func nextIndex(before, now uint64) uint64 {
	if now < before {
		return 0
	}
	return max(now, 1)
}

// consulEntry is what we read of an entry of /v1/health/service.
type consulEntry struct {
	Node struct {
		Address string
		Meta    map[string]string
	}
	Service struct {
		Address string
		Port    int
		Meta    map[string]string
		Weights struct{ Passing int }
	}
}

// ask sends one question. Index 0 doesn't wait.
func (c *consulSource) ask(ctx context.Context, carrier http.RoundTripper, index uint64) ([]Instance, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, consulWait+consulSlack)
	defer cancel()
	query := url.Values{"passing": {"1"}}
	if c.config.Tag != "" {
		query.Set("tag", c.config.Tag)
	}
	if c.config.Datacenter != "" {
		query.Set("dc", c.config.Datacenter)
	}
	if index > 0 {
		query.Set("index", strconv.FormatUint(index, 10))
		query.Set("wait", strconv.Itoa(int(consulWait.Seconds()))+"s")
	}
	address := strings.TrimSuffix(c.config.Address, "/") + "/v1/health/service/" + url.PathEscape(c.config.Service) + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, bare(err)
	}
	res, err := carrier.RoundTrip(request)
	if err != nil {
		return nil, 0, bare(err)
	}
	defer func() { _ = res.Body.Close() }()
	var entries []consulEntry
	if err := readJSON(res, &entries); err != nil {
		return nil, 0, fmt.Errorf("consul: %w", err)
	}
	next, err := strconv.ParseInt(res.Header.Get("X-Consul-Index"), 10, 64)
	if err != nil || next < 0 {
		next = noIndex
	}
	return c.instances(entries), next, nil
}

func (c *consulSource) instances(entries []consulEntry) []Instance {
	list := make([]Instance, 0, len(entries))
	for _, e := range entries {
		host, zone := e.Service.Address, e.Service.Meta["zone"]
		if host == "" {
			host = e.Node.Address
		}
		if zone == "" {
			zone = e.Node.Meta["zone"]
		}
		list = append(list, Instance{URL: rawURL(c.config.Scheme, host, e.Service.Port), Weight: min(e.Service.Weights.Passing, maxWeight), Zone: zone})
	}
	return list
}
