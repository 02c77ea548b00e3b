package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tributary-gateway/tributary/gateway/files"
)

// family is the kind of key that an algorithm takes. A key is only ever used with its own family: an RSA key is no
// HMAC secret, whatever a token says.
type family int

const (
	familyHMAC family = iota
	familyRSA
	familyECDSA
	familyEdDSA
)

// algorithms are those that can be allowed. None of them is "none".
var algorithms = map[string]struct {
	family family
	bits   int // of the hash, for HMAC; of the curve, for ECDSA
}{
	"HS256": {familyHMAC, 256}, "HS384": {familyHMAC, 384}, "HS512": {familyHMAC, 512},
	"RS256": {familyRSA, 0}, "RS384": {familyRSA, 0}, "RS512": {familyRSA, 0},
	"PS256": {familyRSA, 0}, "PS384": {familyRSA, 0}, "PS512": {familyRSA, 0},
	"ES256": {familyECDSA, 256}, "ES384": {familyECDSA, 384}, "ES512": {familyECDSA, 521},
	"EdDSA": {familyEdDSA, 0},
}

func algorithmNames() []string {
	names := make([]string, 0, len(algorithms))
	for name := range algorithms {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// leastRSA is how many bits a key must have.
const leastRSA = 2048

// fits says whether a key is one for the algorithm.
func fits(key any, algorithm string) bool {
	a, ok := algorithms[algorithm]
	if !ok {
		return false
	}
	switch key := key.(type) {
	case []byte:
		return a.family == familyHMAC && len(key) >= a.bits/8
	case *rsa.PublicKey:
		return a.family == familyRSA && key.N.BitLen() >= leastRSA
	case *ecdsa.PublicKey:
		return a.family == familyECDSA && key.Params().BitSize == a.bits
	case ed25519.PublicKey:
		return a.family == familyEdDSA
	default:
		return false
	}
}

// keySource has the keys of one issuer.
type keySource struct {
	static []any
	set    *jwks // nil when none are fetched
	keys   keyfunc.Keyfunc
}

// maxTries is how many keys are tried on a token that doesn't say which one signed it.
const maxTries = 16

var errNoKey = errors.New("no key for this token")

// of gives the keys that may have signed a token.
func (s *keySource) of(ctx context.Context) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		var candidates []jwt.VerificationKey
		for _, key := range s.static {
			if fits(key, t.Method.Alg()) {
				candidates = append(candidates, key)
			}
		}
		if s.set != nil && t.Method.Alg()[0] != 'H' {
			found, err := s.keys.KeyfuncCtx(ctx)(t)
			if err != nil && len(candidates) == 0 {
				return nil, err
			}
			fetched, many := found.(jwt.VerificationKeySet)
			if !many && err == nil {
				fetched.Keys = []jwt.VerificationKey{found}
			}
			for _, key := range fetched.Keys {
				if fits(key, t.Method.Alg()) {
					candidates = append(candidates, key)
				}
			}
		}
		if len(candidates) == 0 {
			return nil, errNoKey
		}
		return jwt.VerificationKeySet{Keys: candidates[:min(len(candidates), maxTries)]}, nil
	}
}

// readPEM reads public keys, and those of certificates.
func readPEM(path string) ([]any, error) {
	text, err := files.Read(path, 1<<20)
	if err != nil {
		return nil, err
	}
	var keys []any
	for n := 1; ; n++ {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		key, err := publicKey(block)
		if err != nil {
			return nil, fmt.Errorf("%s: block %d: %w", path, n, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no PEM block", path)
	}
	return keys, nil
}

func publicKey(block *pem.Block) (key any, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = c.PublicKey
		}
	default:
		return nil, fmt.Errorf("%q is no public key or certificate", block.Type)
	}
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < leastRSA {
			return nil, fmt.Errorf("an RSA key of %d bits; it must have %d", key.N.BitLen(), leastRSA)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521() {
			return nil, errors.New("the curve is none of P-256, P-384 and P-521")
		}
	case ed25519.PublicKey:
	default:
		return nil, fmt.Errorf("no algorithm takes this kind of key: %T", key)
	}
	return key, nil
}
