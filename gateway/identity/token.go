package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// verifier checks the tokens of one issuer.
type verifier struct {
	issuer Issuer
	parser *jwt.Parser
	keys   keySource
}

func newVerifier(issuer Issuer, o Options, changed func()) (*verifier, error) {
	v := &verifier{issuer: issuer}
	for _, path := range issuer.KeyFiles {
		keys, err := readPEM(path)
		if err != nil {
			return nil, err
		}
		v.keys.static = append(v.keys.static, keys...)
	}
	if issuer.Secret != "" {
		v.keys.static = append(v.keys.static, []byte(issuer.Secret.Reveal()))
	}
	rules := []jwt.ParserOption{
		jwt.WithValidMethods(issuer.Algorithms),
		jwt.WithLeeway(max(issuer.Leeway, 0)),
		jwt.WithTimeFunc(o.Now),
		jwt.WithJSONNumber(),
		jwt.WithStrictDecoding(),
	}
	if issuer.Issuer != "" {
		rules = append(rules, jwt.WithIssuer(issuer.Issuer))
	}
	if len(issuer.Audience) > 0 {
		rules = append(rules, jwt.WithAudience(issuer.Audience...))
	}
	if !issuer.AllowNoExpiry {
		rules = append(rules, jwt.WithExpirationRequired())
	}
	v.parser = jwt.NewParser(rules...)
	if !issuer.remote() {
		return v, nil
	}
	v.keys.set = newJWKS(issuer, o, changed)
	var err error
	if v.keys.keys, err = keyfunc.New(keyfunc.Options{Storage: v.keys.set}); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *verifier) close() {
	if v.keys.set != nil {
		v.keys.set.close()
	}
}

// verify makes a client of a token. until is when it has to be verified again.
func (v *verifier) verify(ctx context.Context, text string, now time.Time) (c Client, until time.Time, err error) {
	if int64(len(text)) > v.issuer.MaxBytes {
		return c, until, refuseToken(textToken, "the token is too long")
	}
	claims := jwt.MapClaims{}
	keys := v.keys.of(ctx)
	_, err = v.parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical {
			return nil, errCritical
		}
		return keys(t)
	})
	if err != nil {
		return c, until, tokenError(err)
	}
	if c, err = v.client(Claims{claims}); err != nil {
		return c, until, err
	}
	until = now.Add(v.issuer.CacheFor)
	if exp, _ := claims.GetExpirationTime(); exp != nil {
		if exp.Year() > 9999 {
			return Client{}, until, refuseToken(textToken, "the token's exp is no time")
		}
		c.Expires = exp.Add(max(v.issuer.Leeway, 0))
		if c.Expires.Before(until) {
			until = c.Expires
		}
	}
	return c, until, nil
}

// errCritical: a token with extensions that must be understood (RFC 7515, section 4.1.11), and we know none.
var errCritical = errors.New("critical extensions")

// tokenErrors are the reasons that the log gets. The library's own texts may repeat parts of the token.
var tokenErrors = []struct {
	is             error
	public, reason string
}{
	{errCritical, textToken, "the token has critical extensions"},
	{jwt.ErrTokenMalformed, textToken, "the token is malformed"},
	{errNoKey, textToken, "there is no key of the algorithm's kind for the token"},
	{jwt.ErrTokenUnverifiable, textToken, "there is no key for the token"},
	{jwt.ErrTokenExpired, textExpired, "the token has expired"},
	{jwt.ErrTokenNotValidYet, textToken, "the token is not valid yet"},
	{jwt.ErrTokenInvalidAudience, textToken, "the token is for another audience"},
	{jwt.ErrTokenInvalidIssuer, textToken, "the token is of another issuer"},
	{jwt.ErrTokenRequiredClaimMissing, textToken, "the token lacks exp, iss or aud"},
	{jwt.ErrTokenSignatureInvalid, textToken, "the token's signature or algorithm is wrong"},
}

func tokenError(err error) error {
	if errors.Is(err, errKeysUnknown) {
		return unable(errKeysUnknown)
	}
	for _, known := range tokenErrors {
		if errors.Is(err, known.is) {
			return refuseToken(known.public, known.reason)
		}
	}
	return refuseToken(textToken, "the token's claims are wrong")
}

// client reads the claims that we know.
func (v *verifier) client(claims Claims) (Client, error) {
	c := Client{Method: JWT, Authenticated: true, Claims: claims}
	c.Subject, _ = claims.Text("sub")
	names := []string{"sub", "client_id", "azp"}
	if v.issuer.ClientClaim != "" {
		names = []string{v.issuer.ClientClaim}
	}
	for _, name := range names {
		if c.ID, _ = claims.Text(name); c.ID != "" {
			break
		}
	}
	if c.ID == "" || !isName(c.ID) {
		return Client{}, refuseToken(textToken, "the token names no client")
	}
	c.ID = v.issuer.ClientPrefix + c.ID
	if v.issuer.PlanClaim != "" {
		c.Plan, _ = claims.Text(v.issuer.PlanClaim)
	}
	var scopes []string
	for _, name := range v.issuer.ScopesClaims {
		words, _ := claims.words(name)
		scopes = append(scopes, words...)
	}
	c.Scopes = NewScopes(scopes...)
	return c, nil
}

// isName says whether a text can name a client: something to read, and not too long for a log line.
func isName(s string) bool {
	return len(s) <= 256 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// issuerOf reads iss of a token that isn't verified yet, to choose who verifies it.
func issuerOf(text string) string {
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Issuer
}
