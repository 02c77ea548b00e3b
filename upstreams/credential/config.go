package credential

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config is the credential of one service: none or one of these.
type Config struct {
	// Basic is a name and a password. Default: none.
	Basic *Basic `yaml:"basic" json:"basic,omitempty"`
	// Bearer is a token that somebody else renews. Default: none.
	Bearer *Bearer `yaml:"bearer" json:"bearer,omitempty"`
	// OAuth2 is a token from a token server, by client credentials (RFC 6749, 4.4). Default: none.
	OAuth2 *OAuth2 `yaml:"oauth2" json:"oauth2,omitempty"`
}

// Basic is HTTP basic authentication.
type Basic struct {
	// Username has no colon. Required.
	Username string `yaml:"username" json:"username"`
	// Password is a secret.
	Password secret.Text `yaml:"password" json:"password,omitempty"`
	// PasswordFile holds the password instead; it's read again when it changes.
	PasswordFile string `yaml:"password_file" json:"password_file,omitempty"`
}

// Bearer is a token.
type Bearer struct {
	// Token is a secret.
	Token secret.Text `yaml:"token" json:"token,omitempty"`
	// TokenFile holds the token instead; it's read again when it changes.
	TokenFile string `yaml:"token_file" json:"token_file,omitempty"`
}

// OAuth2 is how to get a token.
type OAuth2 struct {
	// TokenURL is the token server's address, https or http. Required.
	TokenURL string `yaml:"token_url" json:"token_url"`
	// ClientID is our name there. Required.
	ClientID string `yaml:"client_id" json:"client_id"`
	// ClientSecret is a secret.
	ClientSecret secret.Text `yaml:"client_secret" json:"client_secret,omitempty"`
	// ClientSecretFile holds it instead; it's read again when it changes.
	ClientSecretFile string `yaml:"client_secret_file" json:"client_secret_file,omitempty"`
	// Scopes are asked for. Default: none, and the server decides.
	Scopes []string `yaml:"scopes" json:"scopes,omitempty"`
	// Audience is sent as the parameter of that name, which some servers want. Default: none.
	Audience string `yaml:"audience" json:"audience,omitempty"`
	// Params are further parameters of the token request: resource, for example. Default: none.
	Params map[string]string `yaml:"params" json:"params,omitempty"`
	// AuthStyle says where the client's name and secret go: header, params, or auto, which tries the header first and
	// remembers what worked. Default: auto.
	AuthStyle string `yaml:"auth_style" json:"auth_style,omitempty"`
}

// Format writes the name only, under every verb: fmt doesn't ask the fields behind a pointer.
func (b Basic) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "basic "+b.Username+" "+secret.Mask)
}

// Format writes no token, under every verb.
func (b Bearer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "bearer "+secret.Mask) }

// Format writes the client's name only, under every verb.
func (o OAuth2) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "oauth2 "+o.ClientID+" "+secret.Mask)
}

// WithDefaults replaces what is left out.
func (c Config) WithDefaults() Config {
	if c.OAuth2 != nil && c.OAuth2.AuthStyle == "" {
		full := *c.OAuth2
		full.AuthStyle = "auto"
		c.OAuth2 = &full
	}
	return c
}

// Validate names every problem.
func (c Config) Validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	var kinds []string
	if b := c.Basic; b != nil {
		kinds = append(kinds, "basic")
		switch {
		case b.Username == "":
			add("basic.username: is missing")
		case strings.Contains(b.Username, ":") || hasControl(b.Username):
			add("basic.username: has a colon or a control character, which the header can't carry")
		}
		problems = append(problems, oneSecret("basic.", "password", b.Password, b.PasswordFile))
	}
	if b := c.Bearer; b != nil {
		kinds = append(kinds, "bearer")
		problems = append(problems, oneSecret("bearer.", "token", b.Token, b.TokenFile))
		if b.Token != "" && !isToken(b.Token.Reveal()) {
			add("bearer.token: has a space or another character that a header can't carry")
		}
	}
	if o := c.OAuth2; o != nil {
		kinds = append(kinds, "oauth2")
		problems = append(problems, o.validate()...)
	}
	if len(kinds) > 1 {
		add("%s: are there together; a request has one Authorization header", strings.Join(kinds, " and "))
	}
	return errors.Join(problems...)
}

func (o OAuth2) validate() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	u, err := url.Parse(o.TokenURL)
	switch {
	case o.TokenURL == "":
		add("oauth2.token_url: is missing")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		add("oauth2.token_url: is no address; give one like https://login.example.com/oauth/token")
	case u.User != nil || u.Fragment != "":
		add("oauth2.token_url: has credentials or a fragment; use client_id and client_secret")
	}
	if o.ClientID == "" {
		add("oauth2.client_id: is missing")
	}
	problems = append(problems, oneSecret("oauth2.", "client_secret", o.ClientSecret, o.ClientSecretFile))
	if !slices.Contains([]string{"", "auto", "header", "params"}, o.AuthStyle) {
		add("oauth2.auth_style: is %q; give auto, header or params", o.AuthStyle)
	}
	for i, scope := range o.Scopes {
		if scope == "" || !isToken(scope) {
			add("oauth2.scopes[%d]: is empty or has a space; give one scope per entry", i)
		}
	}
	for _, name := range []string{"grant_type", "scope", "client_id", "client_secret"} {
		if _, there := o.Params[name]; there {
			add("oauth2.params.%s: is set by the gateway", name)
		}
	}
	if _, there := o.Params["audience"]; there && o.Audience != "" {
		add("oauth2.audience: is also in params; keep one")
	}
	return problems
}

func oneSecret(section, key string, value secret.Text, file string) error {
	switch {
	case value == "" && file == "":
		return fmt.Errorf("%s%s: is missing; give it or %s_file", section, key, key)
	case value != "" && file != "":
		return fmt.Errorf("%s%s: is there together with %s_file; keep one", section, key, key)
	}
	return nil
}

// isToken says whether text is one visible ASCII word.
func isToken(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func basicValue(username, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}
