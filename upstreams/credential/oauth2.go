package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/upstreams/backoff"
)

// fetchTimeout is how long the token server may take.
const fetchTimeout = 10 * time.Second

// token is a grant with an end.
type token struct {
	grant
	life life
}

// tokens has the token of the moment.
type tokens struct {
	fetch  func(ctx context.Context) (*oauth2.Token, error)
	logger *slog.Logger
	held   atomic.Pointer[token]

	mu       sync.Mutex // guards what follows and every change of held
	flight   *flight    // the fetch under way
	failures int        // in a row
	failed   error      // the last one
	paused   time.Time  // until when the token server is left alone
	dropped  time.Time  // when the service last refused a token
}

// flight is one fetch that calls wait for. What it brought is there once done is closed.
type flight struct {
	done  chan struct{}
	token *token
	err   error
}

func newTokens(c *OAuth2, o Options) (source, error) {
	ours := func() string { return c.ClientSecret.Reveal() }
	if c.ClientSecretFile != "" {
		file, err := OpenFile(c.ClientSecretFile, o.logger())
		if err != nil {
			return nil, fmt.Errorf("oauth2.client_secret_file: %w", err)
		}
		ours = file.Value
	}
	params := url.Values{}
	for name, value := range c.Params {
		params.Set(name, value)
	}
	if c.Audience != "" {
		params.Set("audience", c.Audience)
	}
	asked := &clientcredentials.Config{
		ClientID: c.ClientID, TokenURL: c.TokenURL, Scopes: c.Scopes, EndpointParams: params,
		AuthStyle: map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams}[c.AuthStyle],
	}
	client := &http.Client{
		Transport: o.Carrier,
		// A redirect would take the client's secret to wherever it leads.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if client.Transport == nil {
		client.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 3 * time.Second, ForceAttemptHTTP2: true,
			DialContext:            (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			DisableKeepAlives:      true, // tokens are asked for seldom
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	t := &tokens{logger: o.logger()}
	// Only one fetch runs at a time, so that asked may be changed here.
	t.fetch = func(ctx context.Context) (*oauth2.Token, error) {
		asked.ClientSecret = ours()
		got, err := asked.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
		if err != nil {
			return nil, clean(ctx, err, asked.ClientSecret)
		}
		return got, nil
	}
	return t, nil
}

func (t *tokens) current(ctx context.Context) (*grant, error) {
	now := time.Now()
	if held := t.held.Load(); held != nil && held.life.fresh(now) {
		return &held.grant, nil
	}
	held, flying, err := t.prepare(now)
	switch {
	case err != nil:
		return nil, err
	case held != nil:
		return &held.grant, nil
	}
	select {
	case <-flying.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a token: %w", context.Cause(ctx))
	}
	if flying.err != nil {
		return nil, flying.err
	}
	return &flying.token.grant, nil
}

// prepare returns a token to use, or a fetch to wait for, or why there's neither.
func (t *tokens) prepare(now time.Time) (*token, *flight, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	held := t.held.Load()
	var l life
	if held != nil {
		l = held.life
	}
	switch nextStep(now, held != nil, l, t.flight != nil, t.paused) {
	case use:
		return held, nil, nil
	case useRenew:
		t.start()
		return held, nil, nil
	case fetchWait:
		return nil, t.start(), nil
	case giveUp:
		return nil, nil, t.failed
	default:
		return nil, t.flight, nil
	}
}

// start begins a fetch that belongs to no call. The mutex is held.
func (t *tokens) start() *flight {
	f := &flight{done: make(chan struct{})}
	t.flight = f
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		began := time.Now()
		got, err := t.fetch(ctx)
		if err == nil {
			f.token, err = newToken(began, got)
		}
		f.err = err
		t.land(ctx, f)
		close(f.done)
	}()
	return f
}

// land keeps what a fetch brought.
func (t *tokens) land(ctx context.Context, f *flight) {
	t.mu.Lock()
	t.flight = nil
	before := t.failures
	if f.err != nil {
		t.failures++
		t.failed = f.err
		t.paused = time.Now().Add(backoff.After(firstPause, lastPause, t.failures, rand.Float64())) //nolint:gosec // spreads requests, keeps nothing secret
	} else {
		t.failures, t.failed = 0, nil
		t.held.Store(f.token)
	}
	t.mu.Unlock()
	switch {
	case f.err != nil && before == 0:
		t.logger.WarnContext(ctx, "no token", "reason", f.err)
	case f.err == nil && before > 0:
		t.logger.InfoContext(ctx, "tokens can be had again", "failures", before)
	}
}

// refused drops the token that the service didn't take, unless it replaced another such one just now.
func (t *tokens) refused(g *grant) bool {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	held := t.held.Load()
	if held == nil || &held.grant != g {
		return true // another call was here first
	}
	if !t.dropped.IsZero() && now.Sub(t.dropped) < dropPause {
		return false
	}
	t.dropped = now
	t.held.Store(nil)
	return true
}

// newToken makes a header's value of what the token server gave.
func newToken(now time.Time, got *oauth2.Token) (*token, error) {
	switch {
	case !strings.EqualFold(got.Type(), "bearer"):
		return nil, errors.New("the token server gave a token of another type than bearer")
	case !isToken(got.AccessToken):
		return nil, errors.New("the token server gave a token that a header can't carry")
	case !got.Expiry.IsZero() && !got.Expiry.After(now):
		return nil, errors.New("the token server gave a token that is over already")
	}
	return &token{grant: *newGrant("Bearer " + got.AccessToken), life: lifeOf(now, got.Expiry)}, nil
}

// clean says what went wrong without what the token server wrote, which may repeat what it was sent, and without the
// address, whose query may hold secrets.
func clean(ctx context.Context, err error, hidden string) error {
	var retrieve *oauth2.RetrieveError
	if errors.As(err, &retrieve) {
		text := fmt.Sprintf("the token server answered %d", retrieve.Response.StatusCode)
		if isErrorCode(retrieve.ErrorCode) && !strings.Contains(retrieve.ErrorCode, hidden) {
			text += " " + retrieve.ErrorCode
		}
		return errors.New(text)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the token server didn't answer within %v", fetchTimeout)
	}
	var address *url.Error
	var operation *net.OpError
	if errors.As(err, &operation) {
		return fmt.Errorf("the token server can't be reached: %w", operation)
	}
	if errors.As(err, &address) {
		err = address.Err
	}
	text := strings.TrimPrefix(err.Error(), "oauth2: ")
	for _, form := range []string{hidden, url.QueryEscape(hidden), url.PathEscape(hidden)} {
		text = strings.ReplaceAll(text, form, secret.Mask)
	}
	return fmt.Errorf("the token server's answer: %s", text)
}

// isErrorCode says whether text looks like invalid_client does.
func isErrorCode(text string) bool {
	return text != "" && len(text) <= 40 && !strings.ContainsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' })
}
