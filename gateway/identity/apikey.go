package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
	"time"
)

// An API key is "trb_", an id of 10 characters, "_", 256 random bits and a checksum. The id names the key in lists and
// logs. The checksum tells a mistyped key from an unknown one without asking any store, and lets scanners for leaked
// secrets recognise a key for sure.
//
// Only the SHA-256 of a key is kept. A slow hash is for passwords, which can be guessed; 256 random bits can't, however
// fast one guesses, and the gateway checks a key with every request.
const (
	keyPrefix   = "trb_"
	idLength    = 10
	secretSize  = 43 // of 256 bits in base 62
	checkSize   = 6  // of 32 bits in base 62
	keySize     = len(keyPrefix) + idLength + 1 + secretSize + checkSize
	maxKeyBytes = 256 // of keys that others have made
)

// Hash is the SHA-256 of a key.
type Hash [sha256.Size]byte

// HashOf hashes a key.
func HashOf(key string) Hash {
	var room [2 << 10]byte // on the stack, for tokens too
	return sha256.Sum256(append(room[:0], key...))
}

// MarshalText is "sha256:" and the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// String is the same text.
func (h Hash) String() string { return "sha256:" + hex.EncodeToString(h[:]) }

// UnmarshalText reads it.
func (h *Hash) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "sha256:")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != len(h) {
		return errors.New(`a hash is "sha256:" and 64 hexadecimal digits`)
	}
	copy(h[:], raw)
	return nil
}

// Key is what is kept of an API key.
type Key struct {
	// ID names it. It's a part of the key.
	ID string `yaml:"id" json:"id"`
	// Client is whose key it is. A client can have several.
	Client string `yaml:"client" json:"client"`
	// Hash is all that is kept of the key itself.
	Hash Hash `yaml:"hash" json:"hash"`
	// Plan, when not empty, is the client's plan when it uses this key.
	Plan string `yaml:"plan,omitempty" json:"plan,omitempty"`
	// Scopes are what the key allows.
	Scopes []string `yaml:"scopes,omitempty" json:"scopes,omitempty"`
	// Created is when it was made.
	Created time.Time `yaml:"created,omitempty" json:"created,omitzero"`
	// Expires is when it ends. The zero time is never.
	Expires time.Time `yaml:"expires,omitempty" json:"expires,omitzero"`
	// Revoked is when it was revoked. The zero time is never.
	Revoked time.Time `yaml:"revoked,omitempty" json:"revoked,omitzero"`
}

// NewKey makes a key for a client. The text is the key itself, which is nowhere else.
func NewKey(client string, now time.Time) (text string, k Key, err error) {
	id := strings.ToLower(rand.Text()[:idLength])
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails
	text = keyPrefix + id + "_" + base62(new(big.Int).SetBytes(secret[:]), secretSize)
	text += checksum(text)
	k = Key{ID: id, Client: client, Hash: HashOf(text), Created: now.UTC().Truncate(time.Second)}
	return text, k, k.check()
}

// check says what is wrong with a record.
func (k Key) check() error {
	switch {
	case k.ID == "":
		return errors.New("id is missing")
	case !isWord(k.ID):
		return fmt.Errorf("id %q: letters, digits and -_.:@/ only", k.ID)
	case k.Client == "":
		return errors.New("client is missing")
	case len(k.Client) > 256 || strings.ContainsFunc(k.Client, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("client has control characters or is over 256 bytes")
	case k.Hash == Hash{}:
		return errors.New("hash is missing")
	}
	for _, s := range k.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n") {
			return fmt.Errorf("scope %q: scopes are words without white space", s)
		}
	}
	return nil
}

func isWord(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:@/", r)
	})
}

// State is whether a key can be used.
func (k Key) State(now time.Time) KeyState {
	switch {
	case !k.Revoked.IsZero() && !now.Before(k.Revoked):
		return KeyRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return KeyExpired
	default:
		return KeyActive
	}
}

// KeyState is what has become of a key.
type KeyState string

// The states.
const (
	KeyActive  KeyState = "active"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
)

// wellFormed says whether a text can be a key. Keys that others have made have no checksum.
func wellFormed(text string) bool {
	if text == "" || len(text) > maxKeyBytes {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	if !strings.HasPrefix(text, keyPrefix) {
		return true
	}
	body := len(text) - checkSize
	return len(text) == keySize && checksum(text[:body]) == text[body:]
}

// publicID is the id in a key of ours, for the log; empty for others.
func publicID(text string) string {
	if strings.HasPrefix(text, keyPrefix) && wellFormed(text) {
		return text[len(keyPrefix) : len(keyPrefix)+idLength]
	}
	return ""
}

func checksum(text string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(text)))), checkSize)
}

func base62(n *big.Int, size int) string {
	text := n.Text(62)
	return strings.Repeat("0", size-len(text)) + text
}
