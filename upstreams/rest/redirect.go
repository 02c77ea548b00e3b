package rest

import (
	"io"
	"net/http"
	"strings"
)

// exchange makes an exchange. A redirect of a GET is followed once, and only when it adds or takes a slash at the path's
// end; any other is the answer.
//
// Values of clients stand in paths, and many services redirect a path with an encoded slash or dots in it to what they
// think it means. Following that would let a client choose what is asked for with the gateway's credentials.
func (c *Client) exchange(req *http.Request) (*http.Response, error) {
	res, err := c.service.Transport.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet {
		return res, err
	}
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return res, nil
	}
	next := slashed(req, res.Header.Get("Location"))
	if next == nil {
		return res, nil
	}
	_, _ = io.CopyN(io.Discard, res.Body, maxRedirectBody) // so that the connection can be used again
	_ = res.Body.Close()
	return c.service.Transport.RoundTrip(next)
}

// maxRedirectBody is how much of a redirect's body is read, in bytes.
const maxRedirectBody = 2 << 10

// slashed is the request that a redirect asks for, nil unless it differs from req by a slash at the path's end alone.
func slashed(req *http.Request, location string) *http.Request {
	if location == "" {
		return nil
	}
	to, err := req.URL.Parse(location)
	if err != nil || to.Scheme != req.URL.Scheme || to.Host != req.URL.Host || to.User != nil || to.RawQuery != req.URL.RawQuery {
		return nil
	}
	was, is := req.URL.EscapedPath(), to.EscapedPath()
	if is != was+"/" && was != is+"/" || strings.Trim(is, "/") == "" {
		return nil
	}
	next := req.Clone(req.Context())
	to.Fragment, to.RawFragment = "", ""
	next.URL = to
	return next
}
