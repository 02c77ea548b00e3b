package balance

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
	"github.com/tributary-gateway/tributary/upstreams/health"
)

// recall is how long an instance that discovery dropped is remembered, if it has no request under way.
const recall = time.Minute

// Update replaces the list of instances. Those that are missing in it finish what they have and get nothing new; those
// that come back keep their history. An instance without a valid URL is left out and logged; of two with one URL the
// first counts.
func (p *Pool) Update(instances []discovery.Instance) {
	now := time.Now()
	p.mu.Lock()
	p.forget(now)
	first := p.round == 0
	p.round++
	var bad []error
	before := p.list
	p.list = make([]*Instance, 0, len(instances))
	for _, wanted := range instances {
		one, err := p.find(wanted.URL)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		if one.round == p.round {
			continue
		}
		if one.round != p.round-1 || first {
			p.join(now, one, first)
		}
		one.round, one.weight, one.zone = p.round, max(1, wanted.Weight), wanted.Zone
		p.list = append(p.list, one)
	}
	for _, one := range before {
		if one.round != p.round {
			one.gone = now
			one.endChecks()
			p.gone = append(p.gone, one)
		}
	}
	p.gone = slices.DeleteFunc(p.gone, func(one *Instance) bool { return one.gone.IsZero() })
	p.release(now)
	p.refresh(now)
	events := p.take()
	p.mu.Unlock()
	p.tell(events)
	for _, err := range bad {
		p.logger.Warn("instance left out", "reason", err)
	}
}

// find returns the instance with that URL, known or new.
func (p *Pool) find(address string) (*Instance, error) {
	origin, err := parse(address)
	if err != nil {
		return nil, err
	}
	key := origin.String()
	one := p.known[key]
	if one == nil {
		one = &Instance{url: origin, name: name(origin), id: hashOf(key), record: health.NewRecord(&p.rules)}
		p.known[key] = one
	}
	return one, nil
}

// join lets an instance serve that wasn't in the last list.
func (p *Pool) join(now time.Time, one *Instance, first bool) {
	if !first && one.record.Open() == 0 { // the first ones have nobody to be slower than; who drains has never left
		one.joined = now
	}
	one.gone = time.Time{}
	p.startChecks(one)
}

// release puts instances back into service when others have gone and more are out than may be.
func (p *Pool) release(now time.Time) {
	for p.out() > p.rules.Ejection.MostOut(len(p.list)) {
		var next *Instance
		for _, one := range p.list {
			if one.record.State() != health.Healthy && (next == nil || one.record.Until().Before(next.record.Until())) {
				next = one
			}
		}
		next.record.Return(now)
		p.returned(now, next, "can't be spared since others are gone; was out for: "+next.record.Reason())
	}
}

// forget drops instances that have been gone for long enough.
func (p *Pool) forget(now time.Time) {
	p.gone = slices.DeleteFunc(p.gone, func(one *Instance) bool {
		over := one.record.Open() == 0 && now.Sub(one.gone) > recall
		if over {
			delete(p.known, one.url.String())
		}
		return over
	})
}

// parse reads an origin.
func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%q is no URL", address)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%q is not of the form http://host:port", u.Redacted())
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// name is host and port.
func name(origin *url.URL) string {
	port := origin.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[origin.Scheme]
	}
	return net.JoinHostPort(origin.Hostname(), port)
}
