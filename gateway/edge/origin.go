package edge

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Origins are the origins of pages that may call the gateway from elsewhere.
type Origins struct {
	any      bool
	exact    map[string]bool
	families []family
}

// family is the hosts below one: https://*.example.com is scheme "https://" and suffix ".example.com".
type family struct{ scheme, suffix string }

// ParseOrigins reads origins as they are written in configurations: "https://app.example.com" for one,
// "https://*.example.com" for those of every host below example.com, "*" for any. The error names each that is none.
func ParseOrigins(texts []string) (Origins, error) {
	o := Origins{exact: map[string]bool{}}
	var problems []error
	for i, text := range texts {
		if text == "*" {
			o.any = true
			continue
		}
		scheme, host, err := splitOrigin(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("origins[%d]: %w", i, err))
			continue
		}
		if suffix, ok := strings.CutPrefix(host, "*"); ok {
			o.families = append(o.families, family{scheme + "://", suffix})
		} else {
			o.exact[scheme+"://"+host] = true
		}
	}
	return o, errors.Join(problems...)
}

// splitOrigin checks one and brings it into the form in which browsers send it.
func splitOrigin(text string) (scheme, host string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(text, "#") || strings.HasSuffix(text, "?") {
		return "", "", fmt.Errorf(`%.80q is no origin; write "https://app.example.com", "https://*.example.com" or "*"`, text)
	}
	scheme, host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	rest, wild := strings.CutPrefix(host, "*.")
	if strings.Contains(rest, "*") {
		return "", "", fmt.Errorf(`%.80q has a * that isn't the whole first part of the host`, text)
	}
	if wild {
		name, _, _ := strings.Cut(rest, ":")
		if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(strings.Trim(name, "."), ".") {
			return "", "", fmt.Errorf(`%.80q is too wide: name a domain of yours after the *, like "https://*.example.com"`, text)
		}
		if scheme != "https" {
			return "", "", fmt.Errorf(`%.80q: with a * it has to be https, or who is between could be any of these hosts`, text)
		}
	}
	return scheme, host, nil
}

// Allows says whether a page of this origin, as its browser writes it, may call. The opaque origin "null" never may:
// every sandboxed frame has it.
func (o Origins) Allows(origin string) bool {
	if origin == "" || origin == "null" || len(origin) > 512 {
		return false
	}
	if o.any || o.exact[origin] {
		return true
	}
	for _, b := range o.families {
		host, ok := strings.CutPrefix(origin, b.scheme)
		if !ok {
			continue
		}
		name, ok := strings.CutSuffix(host, b.suffix)
		if ok && isHostName(name) {
			return true
		}
	}
	return false
}

// isHostName says whether a name is made of labels: nothing else may stand before the suffix of an origin.
func isHostName(name string) bool {
	if name == "" || name[0] == '.' || name[len(name)-1] == '.' {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.' && name[i-1] != '.':
		default:
			return false
		}
	}
	return true
}
