package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// askTimeout is how long one DNS server has for one question.
	askTimeout = 2 * time.Second
	// maxChain is how many CNAMEs may follow one another.
	maxChain = 16
)

type question struct {
	name string
	kind uint16
}

// lookup asks DNS servers. It remembers addresses, so that a name of which one half (A or AAAA) can't be had now keeps
// that half.
type lookup struct {
	resolver string

	mu    sync.Mutex // guards what follows
	known map[question][]netip.Addr
}

// host asks for A and AAAA records at once. It fails when neither can be had, with the addresses of before, or what can
// be had is nothing and the other half is unknown.
func (l *lookup) host(ctx context.Context, name string) ([]netip.Addr, time.Duration, error) {
	kinds := []uint16{dns.TypeA, dns.TypeAAAA}
	found, ttls, errs := make([][]netip.Addr, 2), make([]time.Duration, 2), make([]error, 2)
	var wait sync.WaitGroup
	for i, kind := range kinds {
		wait.Go(func() { found[i], ttls[i], errs[i] = l.addresses(ctx, question{name, kind}) })
	}
	wait.Wait()
	all := slices.Concat(found...)
	if errs[0] != nil && errs[1] != nil {
		return all, 0, errs[0]
	}
	if err := cmp.Or(errs[0], errs[1]); len(all) == 0 && err != nil {
		return nil, 0, err
	}
	if len(all) == 0 {
		return nil, 0, fmt.Errorf("%w for %s", errNothing, name)
	}
	return all, least(ttls, found), nil
}

// least is the shortest time of those that found something; a half that failed has none, and is asked again soon.
func least(ttls []time.Duration, found [][]netip.Addr) time.Duration {
	shortest := time.Duration(1<<63 - 1)
	for i, ttl := range ttls {
		if len(found[i]) > 0 {
			shortest = min(shortest, ttl)
		}
	}
	return shortest
}

// addresses asks one question. On an error it returns what it knew, if anything.
func (l *lookup) addresses(ctx context.Context, q question) ([]netip.Addr, time.Duration, error) {
	answer, err := l.ask(ctx, q)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return l.known[q], 0, err
	}
	var found []netip.Addr
	owner, ttl := follow(answer)
	for _, record := range answer.Answer {
		if lower(record.Header().Name) != owner {
			continue
		}
		var ip net.IP
		switch r := record.(type) {
		case *dns.A:
			ip = r.A
		case *dns.AAAA:
			ip = r.AAAA
		}
		if address, ok := netip.AddrFromSlice(ip); ok && record.Header().Rrtype == q.kind {
			found = append(found, address.Unmap())
			ttl = min(ttl, seconds(record))
		}
	}
	l.known[q] = found
	return found, ttl, nil
}

// services asks for SRV records, in the order of their priority. A single one whose target is the root says that the
// service is not there (RFC 2782).
func (l *lookup) services(ctx context.Context, name string) ([]*dns.SRV, time.Duration, error) {
	answer, err := l.ask(ctx, question{name, dns.TypeSRV})
	if err != nil {
		return nil, 0, err
	}
	var found []*dns.SRV
	owner, ttl := follow(answer)
	for _, record := range answer.Answer {
		if r, ok := record.(*dns.SRV); ok && lower(r.Hdr.Name) == owner {
			ttl = min(ttl, seconds(record))
			if r.Target != "." {
				found = append(found, r)
			}
		}
	}
	if len(found) == 0 {
		return nil, 0, fmt.Errorf("%w for %s", errNothing, name)
	}
	l.forget(func(name string) bool {
		return slices.ContainsFunc(found, func(r *dns.SRV) bool { return dns.Fqdn(r.Target) == name })
	})
	slices.SortStableFunc(found, func(a, b *dns.SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	return found, ttl, nil
}

// forget drops the addresses of names that are not needed any more.
func (l *lookup) forget(needed func(name string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.known, func(q question, _ []netip.Addr) bool { return !needed(q.name) })
}

func seconds(record dns.RR) time.Duration { return time.Duration(record.Header().Ttl) * time.Second }

// follow goes along the answer's CNAMEs, and returns the last name and the shortest TTL on the way.
func follow(answer *dns.Msg) (owner string, ttl time.Duration) {
	owner, ttl = lower(answer.Question[0].Name), 1<<63-1
	for range maxChain {
		i := slices.IndexFunc(answer.Answer, func(record dns.RR) bool {
			_, alias := record.(*dns.CNAME)
			return alias && lower(record.Header().Name) == owner
		})
		if i < 0 {
			break
		}
		owner, ttl = lower(answer.Answer[i].(*dns.CNAME).Target), min(ttl, seconds(answer.Answer[i]))
	}
	return owner, ttl
}

// ask goes from server to server until one gives an answer, which may be that there is nothing.
func (l *lookup) ask(ctx context.Context, q question) (*dns.Msg, error) {
	servers := []string{l.resolver}
	if l.resolver == "" {
		servers = systemServers()
	}
	var failed error
	for _, server := range servers {
		answer, err := exchange(ctx, q, server, "udp")
		if err == nil && answer.Truncated {
			answer, err = exchange(ctx, q, server, "tcp")
		}
		if err == nil {
			err = useful(answer)
		}
		if err == nil {
			return answer, nil
		}
		failed = errors.Join(failed, fmt.Errorf("%s %s at %s: %w", q.name, dns.TypeToString[q.kind], server, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// systemServers are those of /etc/resolv.conf, or one on this host where there is no such file.
func systemServers() []string {
	system, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil || len(system.Servers) == 0 {
		return []string{"127.0.0.1:53"}
	}
	servers := make([]string, len(system.Servers))
	for i, server := range system.Servers {
		servers[i] = net.JoinHostPort(server, system.Port)
	}
	return servers
}

// exchange asks one server once. The library doesn't look at ctx while it reads, so its end closes the connection.
func exchange(ctx context.Context, q question, server, network string) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	asked := new(dns.Msg).SetQuestion(q.name, q.kind)
	asked.SetEdns0(1232, false) // what fits into one packet everywhere
	client := &dns.Client{Net: network, Timeout: askTimeout}
	conn, err := client.DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	answer, _, err := client.ExchangeWithConnContext(ctx, asked, conn)
	if err != nil {
		return nil, err
	}
	if !answer.Response || len(answer.Question) != 1 || lower(answer.Question[0].Name) != lower(q.name) || answer.Question[0].Qtype != q.kind {
		return nil, errors.New("an answer to another question")
	}
	return answer, nil
}

// useful says why an answer says nothing about the name.
func useful(answer *dns.Msg) error {
	switch {
	case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		return errors.New(dns.RcodeToString[answer.Rcode])
	case len(answer.Answer) == 0 && !answer.Authoritative && !answer.RecursionAvailable:
		return errors.New("the server neither knows nor asks others")
	case answer.Truncated:
		return errors.New("the answer is cut")
	}
	return nil
}
