package identity

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many entries of X-Forwarded-For are looked at, from the right.
const maxHops = 32

// proxies are the networks whose X-Forwarded-For is believed.
type proxies []netip.Prefix

func (p proxies) trusts(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// Address is whom a request comes from: the peer, or the last address in X-Forwarded-For that is none of the trusted
// proxies, which each add the one they saw at the end. What stands further to the left anyone can write. It's invalid
// when the peer has no address.
func (p proxies) address(r *http.Request) netip.Addr {
	at, ok := parseAddr(r.RemoteAddr)
	if !ok || !p.trusts(at) {
		return at
	}
	hops := 0
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; ; hops++ {
			comma := strings.LastIndexByte(rest, ',')
			before, ok := parseAddr(strings.TrimSpace(rest[comma+1:]))
			if !ok || hops == maxHops {
				return at // who added what can't be read is the one we know
			}
			at = before
			if !p.trusts(at) {
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

// parseAddr reads an address with or without a port.
func parseAddr(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil
}

// account is what of an address is one caller: an IPv6 network of 64 bits belongs to one subscriber, who can use all of
// its addresses.
func account(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "unknown"
	case a.Is6():
		network, _ := a.Prefix(64) // 64 is never too many bits for IPv6
		return network.String()
	default:
		return a.String()
	}
}
