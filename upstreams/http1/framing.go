package http1

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// ending is how the end of a body is known.
type ending uint8

const (
	none ending = iota // there is no body
	byLength
	byChunks
	byClose
)

// framing says where an answer ends (RFC 9112, section 6.3).
type framing struct {
	ending ending
	keep   bool // the connection can be used again after the end
}

// frameOf takes what is of the connection out of the header, as net/http does, and sets the fields that say the same.
func frameOf(res *http.Response) (framing, error) {
	header, old := res.Header, res.ProtoMinor == 0
	doubtful := false
	encoding, encoded := header["Transfer-Encoding"]
	delete(header, "Transfer-Encoding")
	switch {
	case !encoded:
	case old: // it didn't exist then (section 6.1): who says so may mean something else by the length, too
		encoded, doubtful = false, true
	case len(encoding) != 1 || !strings.EqualFold(encoding[0], "chunked"):
		return framing{}, invalid("unknown transfer encoding")
	default:
		res.TransferEncoding = []string{"chunked"}
	}
	length, err := contentLength(header)
	if err != nil {
		return framing{}, err
	}
	if encoded && length >= 0 {
		doubtful = true // somebody between us and the service may have believed the length (section 11.2)
	}
	res.Close = closes(header, old)
	if p := header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && header["Cache-Control"] == nil {
		header["Cache-Control"] = []string{"no-cache"} // as net/http
	}
	if err := announced(res, encoded); err != nil {
		return framing{}, err
	}
	frame := framing{keep: !res.Close && !doubtful}
	switch {
	case res.Request.Method == http.MethodHead:
		res.ContentLength = length
	case res.StatusCode == http.StatusNoContent, res.StatusCode == http.StatusNotModified:
	case encoded:
		delete(header, "Content-Length")
		res.ContentLength, frame.ending = -1, byChunks
	case length > 0:
		res.ContentLength, frame.ending = length, byLength
	case length < 0:
		res.ContentLength, res.Close, frame = -1, true, framing{ending: byClose}
	}
	return frame, nil
}

// contentLength gives -1 for none. Several must agree (section 6.3, rule 5) and become one.
func contentLength(header http.Header) (int64, error) {
	values := header["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	for _, other := range values[1:] {
		if other != values[0] {
			return 0, invalid("several lengths")
		}
	}
	length, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return 0, invalid("malformed length")
	}
	header["Content-Length"] = values[:1]
	return int64(length), nil
}

// closes tells whether the service closes the connection after the answer.
func closes(header http.Header, old bool) bool {
	options := header["Connection"]
	if old {
		return hasToken(options, "close") || !hasToken(options, "keep-alive")
	}
	if options != nil && hasToken(options, "close") {
		delete(header, "Connection")
		return true
	}
	return false
}

// announced moves the names of a trailer from the header to where its values will be.
func announced(res *http.Response, chunked bool) error {
	lists := res.Header["Trailer"]
	if !chunked || lists == nil {
		return nil
	}
	delete(res.Header, "Trailer")
	for _, names := range lists {
		for name := range strings.SplitSeq(names, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			switch name {
			case "":
				continue
			case "Transfer-Encoding", "Trailer", "Content-Length":
				return invalid("a trailer can't say how long the body was")
			}
			if res.Trailer == nil {
				res.Trailer = http.Header{}
			}
			res.Trailer[name] = nil
		}
	}
	return nil
}
