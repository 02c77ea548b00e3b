package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// refusal is why credentials are not taken. It is the cause of a *fail.Error.
type refusal struct {
	// token: it's the bearer token that is wrong.
	token bool
	// reason is for the log. It has nothing of the credentials.
	reason string
}

func (r *refusal) Error() string { return r.reason }

// Texts for clients. What exactly is wrong with a key is not told: it would help who guesses.
const (
	textMissing     = "Credentials are required."
	textKey         = "The API key is not valid."
	textToken       = "The token is not valid."
	textExpired     = "The token has expired."
	textCertificate = "The client certificate names no client."
	textTwice       = "There is more than one credential of a kind."
	textUnable      = "Credentials can't be checked now."
)

func refuse(public, format string, args ...any) error {
	return &fail.Error{Kind: fail.Unauthenticated, Op: "identify", Public: public, Err: &refusal{reason: fmt.Sprintf(format, args...)}}
}

func refuseToken(public, reason string) error {
	return &fail.Error{Kind: fail.Unauthenticated, Op: "identify", Public: public, Err: &refusal{token: true, reason: reason}}
}

// unable is when nobody can be asked: no verdict over the credentials.
func unable(err error) error {
	return &fail.Error{Kind: fail.UpstreamUnavailable, Op: "identify", Public: textUnable, Err: err}
}

// Challenge is the value of WWW-Authenticate for an error of Identify: RFC 9110 wants one with every 401, and RFC 6750
// says what it is for tokens. It's empty for errors that are no 401.
func (a *Authenticator) Challenge(err error) string {
	var r *refusal
	if fail.KindOf(err) != fail.Unauthenticated || !errors.As(err, &r) {
		return ""
	}
	var schemes []string
	if len(a.tokens) > 0 {
		bearer := `Bearer realm="graphql"`
		if r.token {
			var failure *fail.Error
			errors.As(err, &failure)
			bearer += `, error="invalid_token", error_description="` + strings.TrimSuffix(failure.Public, ".") + `"`
		}
		schemes = append(schemes, bearer)
	}
	if a.keys != nil || len(schemes) == 0 {
		schemes = append(schemes, `ApiKey realm="graphql"`)
	}
	return strings.Join(schemes, ", ")
}
