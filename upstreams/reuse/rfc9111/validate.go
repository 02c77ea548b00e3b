package rfc9111

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// HasValidator says whether an answer can be revalidated.
func HasValidator(h http.Header) bool { return etagOf(h) != "" || lastModified(h) != "" }

// Condition is the header of a request that asks whether an answer with the header kept still holds (section 4.3.1).
func Condition(request, kept http.Header) http.Header {
	h := maps.Clone(request)
	if h == nil {
		h = http.Header{}
	}
	if tag := etagOf(kept); tag != "" {
		h["If-None-Match"] = []string{tag}
	}
	if date := lastModified(kept); date != "" {
		h["If-Modified-Since"] = []string{date}
	}
	return h
}

// Special says whether a request asks for something that isn't simply the whole answer: it has conditions or ranges of its
// own, and nothing that is kept is for it.
func Special(h http.Header) bool {
	for _, name := range [...]string{"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// Confirms says whether a 304 speaks of the answer that is kept (section 4.3.4). One without a validator does: the request
// named no other answer.
func Confirms(kept, notModified http.Header) bool {
	now := etagOf(notModified)
	switch had := etagOf(kept); {
	case now != "" && !isWeak(now):
		return now == had
	case now != "":
		return had != "" && opaque(now) == opaque(had)
	}
	if date := lastModified(notModified); date != "" && lastModified(kept) != "" {
		return date == lastModified(kept)
	}
	return true
}

// Update is the header of a kept answer after a 304 confirmed it (section 3.2). An Age or Date that the 304 doesn't have
// is gone: it was the other answer's.
func Update(kept, notModified http.Header) http.Header {
	h := maps.Clone(kept)
	delete(h, "Age")
	delete(h, "Date")
	for name, values := range Stored(notModified) {
		switch name {
		case "Content-Encoding", "Content-Type", "Content-Range":
			if len(kept[name]) > 0 { // the body is still the one that came with it
				continue
			}
		case "Etag":
			if etagOf(notModified) == "" {
				continue
			}
		}
		h[name] = values
	}
	return h
}

// etagOf is the entity tag, empty when there's none, or nothing that could be sent back (RFC 9110, section 8.8.3).
func etagOf(h http.Header) string {
	values := h["Etag"]
	if len(values) != 1 {
		return ""
	}
	tag := strings.Trim(values[0], " \t")
	quoted := opaque(tag)
	if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return ""
	}
	for _, c := range []byte(quoted[1 : len(quoted)-1]) {
		if c <= ' ' || c == '"' || c == 0x7f {
			return ""
		}
	}
	return tag
}

func isWeak(tag string) bool   { return strings.HasPrefix(tag, "W/") }
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }

// lastModified is the field of that name as it was sent, empty when it's no date.
func lastModified(h http.Header) string {
	if _, ok := dateOf(h, "Last-Modified"); !ok {
		return ""
	}
	return h["Last-Modified"][0]
}

// Dated is a header with a Date: that of the receipt when it has none (RFC 9110, section 6.6.1).
func Dated(h http.Header, received time.Time) http.Header {
	if _, ok := dateOf(h, "Date"); ok {
		return h
	}
	h = maps.Clone(h)
	h["Date"] = []string{received.UTC().Format(http.TimeFormat)}
	return h
}
