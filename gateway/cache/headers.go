package cache

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// etag is a strong validator of bytes.
func etag(data []byte) string {
	sum := sha256.Sum256(data)
	var b [24]byte
	out := append(b[:0], '"')
	out = base64.RawURLEncoding.AppendEncode(out, sum[:16])
	return string(append(out, '"'))
}

// SetHeaders sets what HTTP says of an answer: Cache-Control, Age, Vary, Cache-Status and, where it may be kept, ETag. The
// ETag is of data alone: leave it out, by exact false, where the body holds more than data, such as extensions.
func (a *Answer) SetHeaders(h http.Header, exact bool) {
	values := make([]string, 5) // one slice for all
	set := func(name, value string) {
		h[name] = append(values[:0:1], value)
		values = values[1:]
	}
	set("Cache-Control", a.CacheControl())
	set("Cache-Status", a.CacheStatus())
	if a.hit() {
		set("Age", strconv.FormatInt(seconds(a.Age), 10))
	}
	if exact && a.ETag != "" {
		set("Etag", a.ETag)
	}
	for _, v := range a.Vary {
		if len(values) > 0 && len(h["Vary"]) == 0 {
			set("Vary", v.Name)
		} else {
			h["Vary"] = append(h["Vary"], v.Name)
		}
	}
}

// CacheControl is what the client may do with an answer. max-age is the time that's left. Caches on the way take Age off it
// once more, and so keep the answer more briefly than they might.
func (a *Answer) CacheControl() string {
	if a.Why != "" || a.Origin == Bypassed || a.ETag == "" {
		return "no-store"
	}
	var b [40]byte
	out := append(b[:0], "max-age="...)
	out = strconv.AppendInt(out, seconds(a.TTL), 10)
	if a.Private {
		return string(append(out, ", private"...))
	}
	return string(append(out, ", public"...))
}

// CacheStatus is the value of Cache-Status, RFC 9211.
func (a *Answer) CacheStatus() string {
	var b [64]byte
	out := append(b[:0], "tributary"...)
	switch a.Origin {
	case Hit, Stale:
		out = append(out, "; hit; ttl="...)
		ttl := seconds(a.TTL)
		if a.TTL < 0 {
			ttl = -seconds(-a.TTL)
		}
		out = strconv.AppendInt(out, ttl, 10)
	case Miss:
		out = append(out, "; fwd=uri-miss"...)
		if a.Stored {
			out = append(out, "; stored"...)
		}
	case Shared:
		out = append(out, "; fwd=uri-miss; collapsed"...)
	default:
		out = append(out, "; fwd=bypass"...)
	}
	return string(out)
}

// NotModified says whether a client that sent this If-None-Match has the answer already. Answer a GET with 304 then, with
// the same headers and no body.
func (a *Answer) NotModified(ifNoneMatch string) bool {
	if ifNoneMatch == "" || a.ETag == "" {
		return false
	}
	for {
		ifNoneMatch = strings.TrimLeft(ifNoneMatch, " \t,")
		if strings.HasPrefix(ifNoneMatch, "*") {
			return true
		}
		ifNoneMatch = strings.TrimPrefix(ifNoneMatch, "W/")
		if !strings.HasPrefix(ifNoneMatch, `"`) {
			return false
		}
		end := strings.IndexByte(ifNoneMatch[1:], '"')
		if end < 0 {
			return false
		}
		if ifNoneMatch[:end+2] == a.ETag {
			return true
		}
		ifNoneMatch = ifNoneMatch[end+2:]
	}
}

// Wishes reads what a client's Cache-Control asks for: no-store, and no-cache, which max-age=0 and, where there's no
// Cache-Control, Pragma: no-cache mean as well.
func Wishes(h http.Header) (noStore, noCache bool) {
	values := h["Cache-Control"]
	if len(values) == 0 {
		for _, v := range h["Pragma"] {
			noCache = noCache || strings.Contains(strings.ToLower(v), "no-cache")
		}
		return false, noCache
	}
	for _, v := range values {
		for directive := range strings.SplitSeq(v, ",") {
			switch strings.ToLower(strings.TrimSpace(directive)) {
			case "no-store":
				noStore = true
			case "no-cache", "max-age=0":
				noCache = true
			}
		}
	}
	return noStore, noCache
}
