package address_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/address"
)

func TestAddress(t *testing.T) {
	trusted := []string{"10.0.0.0/8", "2001:db8:1::/48", "192.0.2.1"}
	for _, c := range []struct {
		name   string
		peer   string
		header address.Header
		lines  []string
		want   string
	}{
		{"no proxy", "198.51.100.1:80", "", []string{"203.0.113.9"}, "198.51.100.1"},
		{"one proxy", "10.0.0.1:80", "", []string{"203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:80", "", []string{"203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"written by the client", "10.0.0.1:80", "", []string{"1.1.1.1, 203.0.113.9, 192.0.2.1"}, "203.0.113.9"},
		{"two lines", "10.0.0.1:80", "", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		{"nonsense", "10.0.0.1:80", "", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"empty", "10.0.0.1:80", "", []string{""}, "10.0.0.1"},
		{"none", "10.0.0.1:80", "", nil, "10.0.0.1"},
		{"with a port", "10.0.0.1:80", "", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"IPv6 with a port", "[2001:db8:1::5]:80", "", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", "", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"too many", "10.0.0.1:80", "", []string{"203.0.113.9" + strings.Repeat(", 10.0.0.2", 40)}, "10.0.0.2"},
		{"RFC 7239", "10.0.0.1:80", address.Forwarded, []string{`for=1.1.1.1, For="[2001:db8::7]:4711";proto=https;by=10.0.0.9`}, "2001:db8::7"},
		{"RFC 7239, hidden", "10.0.0.1:80", address.Forwarded, []string{`for=_hidden`}, "10.0.0.1"},
		{"RFC 7239, twice", "10.0.0.1:80", address.Forwarded, []string{`for=1.1.1.1;for=2.2.2.2`}, "10.0.0.1"},
		{"RFC 7239, a quoted comma", "10.0.0.1:80", address.Forwarded, []string{`for="1.1.1.1, for=2.2.2.2"`}, "10.0.0.1"},
		{"no address", "@", "", nil, "invalid IP"},
	} {
		p, err := address.New(trusted, c.header)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		name := "X-Forwarded-For"
		other := "Forwarded"
		if c.header == address.Forwarded {
			name, other = other, name
		}
		r.Header[name] = c.lines
		r.Header[other] = []string{"for=6.6.6.6"} // what the proxies don't know, they pass on
		if got := p.Of(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if _, err := address.New([]string{"10.0.0.0/8", "ten", "1.2.3.4/40"}, ""); err == nil || !strings.Contains(err.Error(), "trusted_proxies[1]") || !strings.Contains(err.Error(), "trusted_proxies[2]") {
		t.Errorf("%v", err)
	}
}

func TestAccount(t *testing.T) {
	for text, want := range map[string]string{"203.0.113.9": "203.0.113.9/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64"} {
		if got := address.Account(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
	if address.Account(netip.Addr{}).IsValid() {
		t.Error("no address has an account")
	}
}

func FuzzOf(f *testing.F) {
	f.Add("1.1.1.1, 10.0.0.1", false)
	f.Add("[::1]:80,,x", false)
	f.Add(`for="[2001:db8::7]:4711";proto=https, for=10.0.0.2`, true)
	f.Fuzz(func(t *testing.T, text string, standard bool) {
		header := address.XForwardedFor
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if standard {
			header = address.Forwarded
		}
		r.Header.Set(string(header), text)
		p, err := address.New([]string{"10.0.0.0/8"}, header)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "10.0.0.1:1"
		if a := p.Of(r); !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			t.Errorf("%q: %v", text, a)
		}
		r.RemoteAddr = "203.0.113.9:1"
		if a := p.Of(r); a.String() != "203.0.113.9" {
			t.Errorf("%q is believed: %v", text, a)
		}
	})
}
