package discovery

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxWeight is the most that an instance may weigh: what an SRV record can say.
const maxWeight = 65535

// maxInstances bounds a list: far more than one gateway can keep connections to.
const maxInstances = 10_000

func defaultPort(scheme string) int {
	if scheme == "https" {
		return 443
	}
	return 80
}

// parseOrigin reads http://host:port, and writes it in the one way that compares.
func parseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return "", fmt.Errorf("%s is no address; give one like http://10.0.0.7:8080", quote(text))
	case u.User != nil:
		return "", errors.New("the address holds credentials, which would be logged")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Errorf("%s has more than scheme, host and port; the path is the service's", quote(text))
	}
	port := defaultPort(u.Scheme)
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return "", fmt.Errorf("%s has no port", quote(text))
		}
	}
	return origin(u.Scheme, u.Hostname(), port)
}

// origin writes an address, or says why it can't be one.
func origin(scheme, host string, port int) (string, error) {
	if scheme != "http" && scheme != "https" {
		return "", fmt.Errorf("%s is neither http nor https", quote(scheme))
	}
	if port < 1 || port > 65535 {
		return "", fmt.Errorf("%d is no port", port)
	}
	if address, err := netip.ParseAddr(host); err == nil {
		if address.IsUnspecified() || address.IsMulticast() || address.Zone() != "" {
			return "", fmt.Errorf("%s is no address of one host", quote(host))
		}
		host = address.Unmap().String()
	} else if !isHost(host) {
		return "", fmt.Errorf("%s is no host", quote(host))
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port)), nil
}

// isHost says whether text can be a host's name: letters, digits, hyphens, underscores and dots, and not all digits at
// its end, which would be an address that went wrong.
func isHost(text string) bool {
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > 253 {
		return false
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return err != nil
}

// checked is the instance as lists have it.
func (i Instance) checked() (Instance, error) {
	if i.URL == "" {
		return i, errors.New("url: is missing")
	}
	origin, err := parseOrigin(i.URL)
	if err != nil {
		return i, fmt.Errorf("url: %w", err)
	}
	if i.Weight < 0 || i.Weight > maxWeight {
		return i, fmt.Errorf("weight: is %d; give 1 to %d", i.Weight, maxWeight)
	}
	return Instance{URL: origin, Weight: max(i.Weight, 1), Zone: i.Zone}, nil
}

// tidy checks, sorts and removes duplicates: of two with one address the heavier stays, and of those the one with a
// zone. Instances that can't be are left out and told as errors.
func tidy(list []Instance) (good []Instance, refused []error) {
	good = make([]Instance, 0, len(list))
	for _, instance := range list {
		if instance, err := instance.checked(); err != nil {
			refused = append(refused, err)
		} else {
			good = append(good, instance)
		}
	}
	slices.SortFunc(good, func(a, b Instance) int {
		return cmp.Or(strings.Compare(a.URL, b.URL), cmp.Compare(b.Weight, a.Weight), strings.Compare(b.Zone, a.Zone))
	})
	good = slices.CompactFunc(good, func(a, b Instance) bool { return a.URL == b.URL })
	return good, refused
}

// quote shows text that somebody else wrote, cut at 80 characters.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 80 {
		text = string(runes[:80]) + "…"
	}
	return strconv.Quote(text)
}
