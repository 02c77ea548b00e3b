package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
)

// jwks is an issuer's key set, fetched in the background and when a token names a key that isn't there. The last one
// that could be fetched stays in use. As a Storage it's where keyfunc looks for keys.
type jwks struct {
	jwkset.Storage // empty; only what reads is used

	issuer  Issuer
	client  *http.Client
	logger  *slog.Logger
	now     func() time.Time
	changed func() // called after the set has changed
	keys    atomic.Pointer[[]jwkset.JWK]
	ctx     context.Context // of the fetches, which belong to nobody's request
	stop    context.CancelFunc
	workers sync.WaitGroup

	mu     sync.Mutex    // guards what follows
	flight chan struct{} // closed when the fetch under way ends; nil when there is none
	next   time.Time     // when a token may cause the next fetch
	failed bool
	text   string // the set that is in use
}

const (
	fetchTimeout = 5 * time.Second
	fetchMost    = 1 << 20 // bytes
	fetchRetry   = 5 * time.Second
)

// errKeysUnknown is when no set could be fetched yet.
var errKeysUnknown = errors.New("the issuer's keys couldn't be fetched yet")

func newJWKS(issuer Issuer, o Options, changed func()) *jwks {
	ctx, stop := context.WithCancel(context.Background())
	j := &jwks{Storage: jwkset.NewMemoryStorage(), issuer: issuer, client: o.HTTPClient, logger: o.Logger, now: o.Now, changed: changed, ctx: ctx, stop: stop}
	j.workers.Go(j.run)
	return j
}

func (j *jwks) close() {
	j.mu.Lock() // no fetch begins in between
	j.stop()
	j.mu.Unlock()
	j.workers.Wait()
}

// run fetches the set again and again.
func (j *jwks) run() {
	for {
		wait := j.issuer.RefreshEvery
		<-j.fetch()
		j.mu.Lock()
		if j.failed {
			wait = min(wait, fetchRetry)
		}
		j.mu.Unlock()
		select {
		case <-j.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// KeyRead is the key with this id. An unknown one may be new: the set is fetched again, once for all who wait for it,
// and not again for a while, so that invented ids don't become requests.
func (j *jwks) KeyRead(ctx context.Context, id string) (jwkset.JWK, error) {
	if k, ok := j.find(id); ok {
		return k, nil
	}
	if err := j.refresh(ctx); err != nil {
		return jwkset.JWK{}, err
	}
	if k, ok := j.find(id); ok {
		return k, nil
	}
	if j.keys.Load() == nil {
		return jwkset.JWK{}, errKeysUnknown
	}
	return jwkset.JWK{}, jwkset.ErrKeyNotFound
}

// KeyReadAll is the set.
func (j *jwks) KeyReadAll(ctx context.Context) ([]jwkset.JWK, error) {
	if j.keys.Load() == nil {
		if err := j.refresh(ctx); err != nil {
			return nil, err
		}
	}
	if keys := j.keys.Load(); keys != nil {
		return *keys, nil
	}
	return nil, errKeysUnknown
}

func (j *jwks) find(id string) (jwkset.JWK, bool) {
	keys := j.keys.Load()
	if keys == nil {
		return jwkset.JWK{}, false
	}
	i := slices.IndexFunc(*keys, func(k jwkset.JWK) bool { return k.Marshal().KID == id })
	if i < 0 {
		return jwkset.JWK{}, false
	}
	return (*keys)[i], true
}

// refresh waits for the fetch under way, or for one that it starts when it's time.
func (j *jwks) refresh(ctx context.Context) error {
	j.mu.Lock()
	flight := j.flight
	early := flight == nil && j.now().Before(j.next)
	j.mu.Unlock()
	if early {
		return nil
	}
	if flight == nil {
		flight = j.fetch()
	}
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errKeysUnknown, ctx.Err())
	}
}

// fetch starts a fetch unless one is under way, and gives the channel that is closed at its end.
func (j *jwks) fetch() chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.flight != nil {
		return j.flight
	}
	flight := make(chan struct{})
	if j.ctx.Err() != nil {
		close(flight)
		return flight
	}
	j.flight = flight
	j.workers.Go(func() {
		ctx, cancel := context.WithTimeout(j.ctx, fetchTimeout)
		defer cancel()
		keys, text, err := j.load(ctx)
		j.done(keys, text, err)
		close(flight)
	})
	return flight
}

// done puts a fetched set to use.
func (j *jwks) done(keys []jwkset.JWK, text string, err error) {
	j.mu.Lock()
	before := j.failed
	fresh := err == nil && text != j.text
	j.flight, j.failed = nil, err != nil
	pause := j.issuer.RefreshPause
	if err != nil {
		pause = min(pause, fetchRetry)
	}
	j.next = j.now().Add(pause)
	if fresh {
		j.text = text
		j.keys.Store(&keys)
	}
	j.mu.Unlock()
	switch {
	case j.ctx.Err() != nil:
	case err != nil && !before:
		j.logger.Warn("the keys of an issuer can't be fetched; those known stay in use", "issuer", j.issuer.Issuer, "cause", err)
	case err == nil && before:
		j.logger.Info("the keys of an issuer are fetched again", "issuer", j.issuer.Issuer)
	}
	if fresh {
		j.changed()
	}
}

// load fetches the set, and before it the document that says where it is.
func (j *jwks) load(ctx context.Context) ([]jwkset.JWK, string, error) {
	at := j.issuer.JWKS
	if j.issuer.Discovery {
		var err error
		if at, err = j.discover(ctx); err != nil {
			return nil, "", fmt.Errorf("discovery: %w", err)
		}
	}
	text, err := j.get(ctx, at)
	if err != nil {
		return nil, "", err
	}
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, "", errors.New("the key set is no JSON of the right form")
	}
	var keys []jwkset.JWK
	for _, m := range set.Keys {
		if k, ok := usable(m); ok {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, "", fmt.Errorf("none of the %d keys in the set is a public key for signatures", len(set.Keys))
	}
	return keys, string(text), nil
}

// usable reads a key, if it's a public one for signatures. A symmetric key that a server hands out is no secret.
func usable(m jwkset.JWKMarshal) (jwkset.JWK, bool) {
	if m.KTY == jwkset.KtyOct || m.USE != "" && m.USE != jwkset.UseSig ||
		len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return jwkset.JWK{}, false
	}
	k, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return jwkset.JWK{}, false
	}
	for name := range algorithms {
		if fits(k.Key(), name) {
			return k, true
		}
	}
	return jwkset.JWK{}, false
}

// discover reads where the keys are (OpenID Connect Discovery 1.0, section 4). The document must be the issuer's own.
func (j *jwks) discover(ctx context.Context) (string, error) {
	text, err := j.get(ctx, strings.TrimSuffix(j.issuer.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return "", errors.New("the document is no JSON of the right form")
	}
	if document.Issuer != j.issuer.Issuer {
		return "", fmt.Errorf("the document is that of another issuer: %q", document.Issuer)
	}
	if err := checkURL(document.JWKS); err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	return document.JWKS, nil
}

func (j *jwks) get(ctx context.Context, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := j.client.Do(req)
	if err != nil {
		var known *url.Error
		if errors.As(err, &known) {
			err = known.Err // the URL may have a secret in its query
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, fetchMost+1))
	if err != nil {
		return nil, err
	}
	if len(text) > fetchMost {
		return nil, fmt.Errorf("the answer is over %d bytes", fetchMost)
	}
	return text, nil
}
