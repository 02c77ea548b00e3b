// Package address tells from whom a request is: its peer, or whoever a proxy that is trusted says.
//
// Proxies add the address that they saw at the end of one header, so that it is read from the right for as long as the
// addresses are trusted; what stands further to the left anyone can write. Only the one header that is configured is looked
// at: a proxy passes on the one that it doesn't know. What can't be read ends the search at the last address that is known
// for certain. Who is counted by address is counted by Account, for one subscriber has a whole network of IPv6. Nothing
// here depends on anything.
package address

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Header is a header in which proxies say whom a request is from.
type Header string

// The headers.
const (
	XForwardedFor Header = "x-forwarded-for"
	// Forwarded is RFC 7239's.
	Forwarded Header = "forwarded"
)

// Values lists what a Header can be.
func (Header) Values() []string { return []string{string(XForwardedFor), string(Forwarded)} }

// Known says whether there is such a header.
func (h Header) Known() bool { return h == XForwardedFor || h == Forwarded }

// maxHops is how many entries of the header are looked at, from the right.
const maxHops = 32

// Proxies are the networks that are believed when they say whom a request is from.
type Proxies struct {
	networks []netip.Prefix
	header   Header
}

// New reads networks (10.0.0.0/8) and addresses. The empty header is X-Forwarded-For. The error names each network that is
// none.
func New(networks []string, header Header) (Proxies, error) {
	if header == "" {
		header = XForwardedFor
	}
	p := Proxies{header: header}
	var problems []error
	if !header.Known() {
		problems = append(problems, fmt.Errorf("forwarded: is %q; it can be x-forwarded-for or forwarded", header))
	}
	for i, text := range networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err == nil {
				a = a.Unmap()
				network = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("trusted_proxies[%d]: %.80q is no network like 10.0.0.0/8", i, text))
			continue
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, errors.Join(problems...)
}

// Trusts says whether an address is a proxy's.
func (p Proxies) Trusts(a netip.Addr) bool {
	for _, network := range p.networks {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// Of is whom a request comes from: the peer, or the last address in the header that is none of the proxies, which each add
// the one they saw at the end. It's invalid when the peer has no address.
func (p Proxies) Of(r *http.Request) netip.Addr {
	at, ok := Parse(r.RemoteAddr)
	if !ok || !p.Trusts(at) {
		return at
	}
	name := "X-Forwarded-For"
	if p.header == Forwarded {
		name = "Forwarded"
	}
	hops := 0
	lines := r.Header[name]
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; ; hops++ {
			comma := strings.LastIndexByte(rest, ',')
			element := strings.TrimSpace(rest[comma+1:])
			if p.header == Forwarded {
				element = forElement(element)
			}
			before, ok := Parse(element)
			if !ok || hops == maxHops {
				return at // who added what can't be read is the one we know
			}
			at = before
			if !p.Trusts(at) {
				return at
			}
			if comma < 0 {
				break
			}
			rest = rest[:comma]
		}
	}
	return at
}

// forElement is the for of one element of Forwarded: for="[2001:db8::1]:80";proto=https. A quoted comma would have cut the
// element in two, of which neither is an address.
func forElement(element string) string {
	found := ""
	for pair := range strings.SplitSeq(element, ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !strings.EqualFold(key, "for") {
			continue
		}
		if found != "" {
			return ""
		}
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		found = value
	}
	return found
}

// Parse reads an address with or without a port.
func Parse(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if text, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil
}

// Account is what of an address is one client: an IPv6 network of 64 bits belongs to one subscriber, who can use all of its
// addresses.
func Account(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	network, _ := a.Prefix(bits) // never too many; the invalid address gives the invalid network
	return network
}
