package discovery

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what Consul and the Kubernetes API may send at once.
const maxAnswer = 16 << 20

// dialed makes connections of HTTP/1.1, where the end of a request that waits ends its connection too.
func dialed(secured *tls.Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:     secured,
		TLSHandshakeTimeout: 5 * time.Second, Protocols: protocols,
		IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
}

// statusError is an answer that is no list.
type statusError int

func (s statusError) Error() string {
	text := fmt.Sprintf("answered %d", int(s))
	switch s {
	case http.StatusUnauthorized:
		text += ": the token is missing or wrong"
	case http.StatusForbidden:
		text += ": the token may not read this"
	}
	return text
}

// readJSON reads an answer of status 200. Closing it is the caller's.
func readJSON(res *http.Response, into any) error {
	if res.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
		return statusError(res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return err
	}
	if len(text) > maxAnswer {
		return fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("an answer that can't be read: %w", err)
	}
	return nil
}

// bare takes the address off an error, which is long and the same each time.
func bare(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}
