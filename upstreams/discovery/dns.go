package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/tributary-gateway/tributary/upstreams/backoff"
)

// believedAfter is how often in a row DNS must say that there's nothing until it is believed.
const believedAfter = 3

// errNothing is an answer without addresses: no such name, or no such records.
var errNothing = errors.New("DNS has no addresses")

// dnsSource resolves a name again whenever its answer has ended.
type dnsSource struct {
	config  DNS
	options Options
}

func (d *dnsSource) Watch(ctx context.Context, update func([]Instance)) error {
	r := newReporter(d.options, "dns "+d.config.Name, update)
	lookup := &lookup{resolver: d.config.Resolver, known: map[question][]netip.Addr{}}
	nothing := 0 // in a row
	for {
		list, ttl, err := d.resolve(ctx, lookup)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of the watch, and whatever it interrupted
		}
		if !errors.Is(err, errNothing) {
			nothing = 0
		} else if nothing++; nothing >= believedAfter {
			r.failing = false // it's no trouble any more
			list, ttl, err = nil, backoff.After(d.options.Pause, lastPause, nothing, rand.Float64()), nil
		}
		if err == nil {
			err = r.list(ctx, list)
		}
		if err != nil {
			ttl = r.trouble(ctx, err)
		}
		if !backoff.Wait(ctx, clamp(ttl, d.config)) {
			return nil
		}
	}
}

func clamp(ttl time.Duration, c DNS) time.Duration { return min(max(ttl, c.MinTTL), c.MaxTTL) }

// resolve asks once. The TTL is that of the answer's shortest-lived part.
func (d *dnsSource) resolve(ctx context.Context, l *lookup) ([]Instance, time.Duration, error) {
	name := dns.Fqdn(d.config.Name)
	if d.config.Type == "srv" {
		return d.services(ctx, l, name)
	}
	addresses, ttl, err := l.host(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	return d.instances(addresses, d.config.Port, 1), ttl, nil
}

func (d *dnsSource) instances(addresses []netip.Addr, port, weight int) []Instance {
	list := make([]Instance, 0, len(addresses))
	for _, a := range addresses {
		list = append(list, Instance{URL: d.config.Scheme + "://" + netip.AddrPortFrom(a, uint16(port)).String(), Weight: weight})
	}
	return list
}

// services resolves SRV records: those of the lowest priority of which any has an address. A target's weight counts for
// each of its addresses. A target that can't be resolved now keeps the addresses that it had.
func (d *dnsSource) services(ctx context.Context, l *lookup, name string) ([]Instance, time.Duration, error) {
	records, ttl, err := l.services(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	var failed error
	for len(records) > 0 {
		next := slices.IndexFunc(records, func(r *dns.SRV) bool { return r.Priority != records[0].Priority })
		if next < 0 {
			next = len(records)
		}
		list, groupTTL, err := d.group(ctx, l, records[:next])
		if len(list) > 0 {
			return list, min(ttl, groupTTL), nil
		}
		if err != nil && !errors.Is(err, errNothing) {
			failed = err
		}
		records = records[next:]
	}
	if failed != nil {
		return nil, 0, failed
	}
	return nil, 0, fmt.Errorf("%w for any target of %s", errNothing, name)
}

// group resolves the targets of records, eight at a time. The error is the last one, and there may be instances too.
func (d *dnsSource) group(ctx context.Context, l *lookup, records []*dns.SRV) ([]Instance, time.Duration, error) {
	var (
		mu     sync.Mutex // guards what follows
		list   []Instance
		least  = d.config.MaxTTL
		failed error
		wait   sync.WaitGroup
	)
	places := make(chan struct{}, 8)
	for _, record := range records {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			addresses, ttl, err := l.host(ctx, dns.Fqdn(record.Target))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed, ttl = err, 0 // soon again
			}
			least = min(least, ttl)
			list = append(list, d.instances(addresses, int(record.Port), max(int(record.Weight), 1))...)
		})
	}
	wait.Wait()
	return list, least, failed
}

// lower compares names.
func lower(name string) string { return strings.ToLower(dns.Fqdn(name)) }
