package identity

import (
	"net/http"
	"slices"
	"strings"
)

// credentials are what a caller shows, unchecked. They come from headers alone: a URL gets into logs, histories and
// Referer headers, so its query is never looked at.
type credentials struct {
	keys   []string // API keys, each once
	bearer []string // what Authorization says
}

// fromHeaders collects what is in the headers that we look at.
func (a *Authenticator) fromHeaders(h http.Header) credentials {
	var c credentials
	if a.keys != nil {
		for _, name := range a.config.Keys.Headers {
			c.keys = append(c.keys, h.Values(name)...)
		}
	}
	if len(a.tokens) > 0 {
		c.bearer = h.Values("Authorization")
	}
	return c
}

// fromPayload collects from the payload of connection_init what would be headers: its members, in any case, and those
// of its member "headers".
func (a *Authenticator) fromPayload(payload map[string]any) credentials {
	h := http.Header{}
	for _, members := range []any{payload, payload["headers"]} {
		members, _ := members.(map[string]any)
		for name, value := range members {
			if text, ok := value.(string); ok && isHeader(name) {
				h.Add(name, text)
			}
		}
	}
	return a.fromHeaders(h)
}

// key is the API key, "" when there is none. Two different ones are no question of which comes first.
func (c credentials) key() (string, error) {
	values := trimmed(c.keys)
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", refuse(textTwice, "%d different API keys", len(values))
	}
}

// token is the bearer token, "" when there is none. Another scheme is a credential that we can't check.
func (c credentials) token() (string, error) {
	values := trimmed(c.bearer)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", refuseToken(textTwice, "more than one Authorization")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", refuseToken(textToken, "Authorization is not a bearer token")
	}
	return token, nil
}

// trimmed are the values that say something, each once.
func trimmed(values []string) []string {
	var all []string
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
