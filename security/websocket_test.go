package security_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// frame is a frame of a client's, masked with zeros. A first byte of 0x81 is a whole text, 0x88 a close.
func frame(first byte, payload string) []byte {
	head := []byte{first, 0x80 | byte(min(len(payload), 126))}
	switch {
	case len(payload) >= 1<<16:
		head[1] = 0x80 | 127
		head = binary.BigEndian.AppendUint64(head, uint64(len(payload)))
	case len(payload) > 125:
		head = binary.BigEndian.AppendUint16(head, uint16(len(payload)))
	}
	return append(append(head, 0, 0, 0, 0), payload...)
}

func message(text string) []byte { return frame(0x81, text) }

// goodbye is a client's close, 1000.
var goodbye = frame(0x88, "\x03\xe8")

const (
	initialise  = `{"type":"connection_init"}`
	transportWS = "graphql-transport-ws"
	legacy      = "graphql-ws"
)

// upgrade is the handshake of a WebSocket.
func upgrade(target string, headers ...string) []byte {
	all := []string{}
	for ours := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}; len(ours) > 0; ours = ours[2:] {
		if !given(headers, ours[0]) {
			all = append(all, ours[:2]...)
		}
	}
	return get(target, append(all, headers...)...)
}

// socket opens a WebSocket at /graphql and sends frames behind the handshake.
func socket(protocol string, frames ...[]byte) []byte {
	return append(upgrade("/graphql", "Sec-WebSocket-Protocol", protocol), bytes.Join(frames, nil)...)
}

// unframed reads the frames of a server: the texts, a line each, and the code of the close.
func unframed(raw []byte) (texts []byte, closed string, err error) {
	closed = "none"
	for len(raw) > 0 {
		if closed != "none" {
			return texts, closed, fmt.Errorf("%d bytes follow the close", len(raw))
		}
		if len(raw) < 2 {
			return texts, closed, io.ErrUnexpectedEOF
		}
		first, size, head := raw[0], int(raw[1]), 2
		if raw[1]&0x80 != 0 || first&0x70 != 0 {
			return texts, closed, fmt.Errorf("a frame begins with %x", raw[:2])
		}
		switch {
		case size == 126 && len(raw) >= 4:
			size, head = int(binary.BigEndian.Uint16(raw[2:])), 4
		case size == 127 && len(raw) >= 10:
			size, head = int(binary.BigEndian.Uint64(raw[2:])), 10 //nolint:gosec // it's held against what there is
		}
		if size < 0 || len(raw) < head+size {
			return texts, closed, io.ErrUnexpectedEOF
		}
		payload := raw[head : head+size]
		switch raw = raw[head+size:]; first {
		case 0x81:
			if !utf8.Valid(payload) || bytes.ContainsRune(payload, '\n') {
				return texts, closed, fmt.Errorf("a message of %q", payload)
			}
			texts = append(append(texts, payload...), '\n')
		case 0x88:
			closed = "1005"
			if size >= 2 {
				closed = strconv.Itoa(int(binary.BigEndian.Uint16(payload)))
				texts = append(append(texts, payload[2:]...), '\n')
			}
		case 0x89, 0x8a:
		default:
			return texts, closed, fmt.Errorf("a frame begins with %#x", first)
		}
	}
	return texts, closed, nil
}

// hungUp says whether a server has closed the WebSocket whose beginning was read, and waits for the client's close.
func hungUp(got []byte) bool {
	_, frames, ok := bytes.Cut(got, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(got, []byte("HTTP/1.1 101 ")) {
		return false
	}
	_, closed, _ := unframed(frames)
	return closed != "none"
}

// inner are the GraphQL responses in an answer: of events, of parts, of a WebSocket's messages, or the body itself.
func (x *answer) inner() ([][]byte, error) {
	kind, params, _ := mime.ParseMediaType(x.Header.Get("Content-Type"))
	switch {
	case x.StatusCode == http.StatusSwitchingProtocols:
		return ofMessages(x.body)
	case kind == "text/event-stream":
		return ofEvents(x.body)
	case kind == "multipart/mixed":
		return ofParts(x.body, params["boundary"])
	case strings.Contains(kind, "json") && bytes.HasPrefix(x.body, []byte("[")):
		var batch []json.RawMessage
		if err := json.Unmarshal(x.body, &batch); err != nil {
			return nil, err
		}
		var all [][]byte
		for _, one := range batch {
			all = append(all, one)
		}
		return all, nil
	case strings.Contains(kind, "json") && len(x.body) > 0:
		return [][]byte{x.body}, nil
	}
	return nil, nil
}

// ofMessage is the GraphQL response in a message: of one with several errors, of one that is told of one error, or none.
func ofMessage(text []byte) (response []byte, err error) {
	var m struct {
		Type    string
		ID      json.RawMessage
		Payload json.RawMessage
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("a message isn't JSON: %w", err)
	}
	switch m.Type {
	case "next", "data":
		return m.Payload, nil
	case "error", "connection_error":
		if bytes.HasPrefix(m.Payload, []byte(`[`)) {
			return []byte(`{"errors":` + string(m.Payload) + `}`), nil
		}
		var several struct{ Errors json.RawMessage }
		if json.Unmarshal(m.Payload, &several) == nil && several.Errors != nil {
			return []byte(`{"errors":` + string(several.Errors) + `}`), nil
		}
		return []byte(`{"errors":[` + string(m.Payload) + `]}`), nil
	case "connection_ack", "pong", "ping", "complete", "ka":
		return nil, nil
	}
	return nil, fmt.Errorf("a message of the type %q", m.Type)
}

func ofMessages(texts []byte) (all [][]byte, err error) {
	for line := range bytes.Lines(texts) {
		if !bytes.HasPrefix(line, []byte("{")) {
			continue // a close's reason
		}
		response, err := ofMessage(line)
		if err != nil {
			return all, err
		}
		all = append(all, parted(response)...)
	}
	return all, nil
}

func ofEvents(body []byte) (all [][]byte, err error) {
	for event := range strings.SplitSeq(string(body), "\n\n") {
		name, data := "", ""
		for line := range strings.SplitSeq(event, "\n") {
			if value, ok := strings.CutPrefix(line, "event: "); ok {
				name = value
			}
			if value, ok := strings.CutPrefix(line, "data: "); ok {
				data += value
			}
		}
		if name != "next" {
			continue
		}
		if single := (struct{ Payload json.RawMessage }{}); json.Unmarshal([]byte(data), &single) == nil && single.Payload != nil {
			data = string(single.Payload)
		}
		all = append(all, parted([]byte(data))...)
	}
	return all, nil
}

// parted are the responses in one of several: what comes later has some of its own, and perhaps none.
func parted(text []byte) (all [][]byte) {
	if text == nil {
		return nil
	}
	var later struct {
		Data, Errors json.RawMessage
		Incremental  []json.RawMessage
		HasNext      *bool
	}
	if json.Unmarshal(text, &later) != nil || later.HasNext == nil || later.Data != nil || later.Errors != nil {
		return [][]byte{text}
	}
	for _, one := range later.Incremental {
		all = append(all, one)
	}
	return all
}

// ofParts reads an answer in parts.
func ofParts(body []byte, boundary string) (all [][]byte, err error) {
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return all, err
		}
		all = append(all, parted(text)...)
	}
}

// handshakes are attacks by how a WebSocket is opened.
func handshakes() []attack {
	none := verdict{status: list("400 403 404 405 426"), refused: true}
	closed := func(codes string) verdict {
		return verdict{status: list("101"), refused: true, asked: []string{}, closed: list(codes)}
	}
	open := func(headers ...string) []byte { return upgrade("/graphql", headers...) }
	ask := func(headers ...string) []byte { return append(open(headers...), goodbye...) }
	return []attack{
		{name: "without a protocol", send: open(), want: closed("4406")},
		{name: "with an unknown protocol", send: open("Sec-WebSocket-Protocol", "chat"), want: closed("4406")},
		{name: "with 3,000 protocols", send: open("Sec-WebSocket-Protocol", times("chat, ", 3000)+"x"), want: closed("4406")},
		{name: "with the protocol in capitals", send: open("Sec-WebSocket-Protocol", "GRAPHQL-TRANSPORT-WS"), want: closed("4406")},
		{name: "of version 8", send: ask("Sec-WebSocket-Version", "8", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "without a version", send: ask("Sec-WebSocket-Version", "", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "without a key", send: ask("Sec-WebSocket-Key", "", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with two keys", send: ask("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-key", "dGhlIHNhbXBsZSBub25jZR==", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "without Connection", send: ask("Connection", "close", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with a page's origin that is null", send: ask("Origin", "null", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with two origins", send: ask("Origin", "https://gateway.test", "origin", "https://evil.test", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with an origin that begins as ours", send: ask("Origin", "https://gateway.test.evil.test", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with an origin that ends as ours", send: ask("Origin", "https://evilgateway.test", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with our name before an @", send: ask("Origin", "https://gateway.test@evil.test", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with an origin that is no URL", send: ask("Origin", "%zz", "Sec-WebSocket-Protocol", transportWS), want: none},
		{name: "with a mutation in the URL", send: append(upgrade("/graphql?query="+cancel, "Sec-WebSocket-Protocol", transportWS), goodbye...), want: closed("1000")},
		{name: "with extensions", send: ask("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, permessage-deflate; server_no_context_takeover", "Sec-WebSocket-Protocol", transportWS), want: closed("1000").without("permessage")},
		{name: "in HTTP/1.0", send: []byte("GET /graphql HTTP/1.0\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), want: none},
		{name: "with a body", send: append(upgrade("/graphql", "Sec-WebSocket-Protocol", transportWS, "Content-Length", "10"), "0123456789"...), want: verdict{status: list("101 400"), refused: true, silence: true}},
		{name: "with a body in chunks", send: append(upgrade("/graphql", "Sec-WebSocket-Protocol", transportWS, "Transfer-Encoding", "chunked"), "5\r\n01234\r\n0\r\n\r\n"...), want: verdict{status: list("101 400"), refused: true, silence: true}},
	}
}

// frames are attacks by the bytes of a WebSocket that is open.
func frames() []attack {
	broken := func(codes string) verdict {
		return verdict{status: list("101"), refused: true, asked: []string{}, closed: list(codes)}
	}
	ask := func(frames ...[]byte) []byte { return socket(transportWS, frames...) }
	return []attack{
		{name: "a text that isn't masked", send: ask([]byte("\x81\x02{}")), want: broken("1002 none")},
		{name: "reserved bits", send: ask(frame(0xf1, initialise)), want: broken("1002 none")},
		{name: "compressed, though nobody agreed", send: ask(frame(0xc1, "\xaa\x56\x00\x00")), want: broken("1002 none")},
		{name: "an unknown kind of frame", send: ask(frame(0x83, "x")), want: broken("1002 none")},
		{name: "a control frame of 126 bytes", send: ask(frame(0x89, times("x", 126))), want: broken("1002 none")},
		{name: "a control frame in pieces", send: ask(frame(0x09, "x")), want: broken("1002 none")},
		{name: "a continuation of nothing", send: ask(frame(0x80, "x")), want: broken("1002 none")},
		{name: "a text within a text", send: ask(frame(0x01, "{"), frame(0x81, "}")), want: broken("1002 none")},
		{name: "a length of 2⁶³", send: ask([]byte("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")), want: broken("1002 1009 none")},
		{name: "a length of 2⁶²", send: ask([]byte("\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), []byte(times("x", 200_000))), want: broken("1009 none")},
		{name: "a length of 1 GB and nothing", send: ask([]byte("\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00")), want: broken("1009 4408 none")},
		{name: "1 MB in one frame", send: ask(frame(0x81, times("x", 1<<20))), want: broken("1009 none")},
		{name: "1 MB in 1,000 pieces", send: ask(frame(0x01, times("x", 1024)), bytes.Repeat(frame(0x00, times("x", 1024)), 1000)), want: broken("1009 none")},
		{name: "100,000 empty pieces", send: ask(frame(0x01, ""), bytes.Repeat(frame(0x00, ""), 100_000), frame(0x80, initialise), goodbye), want: broken("1000 1009 none")},
		{name: "10,000 pings", send: ask(bytes.Repeat(frame(0x89, "x"), 10_000), goodbye), want: broken("1000 none")},
		{name: "10,000 pongs", send: ask(bytes.Repeat(frame(0x8a, "x"), 10_000), goodbye), want: broken("1000 none")},
		{name: "bytes", send: ask(frame(0x82, initialise)), want: broken("1003")},
		{name: "bytes that aren't UTF-8", send: ask(message("{\"type\":\"\xff\"}")), want: broken("1007")},
		{name: "a close with a code that isn't", send: ask(frame(0x88, "\x00\x01")), want: broken("1002 none")},
		{name: "a close of one byte", send: ask(frame(0x88, "x")), want: broken("1002 none")},
		{name: "a close whose reason isn't UTF-8", send: ask(frame(0x88, "\x03\xe8\xff\xff")), want: broken("1000 1002 1007 none")},
		{name: "a request behind the handshake", send: ask([]byte(hidden)), want: broken("1002 none")},
	}
}

// conversations are attacks by the messages of a WebSocket.
func conversations() []attack {
	told := func(codes string) verdict {
		return verdict{status: list("101"), refused: true, asked: []string{}, closed: list(codes)}
	}
	say := func(texts ...string) []byte {
		all := upgrade("/graphql", "Sec-WebSocket-Protocol", transportWS)
		for _, text := range texts {
			all = append(all, message(text)...)
		}
		return all
	}
	old := func(texts ...string) []byte {
		all := upgrade("/graphql", "Sec-WebSocket-Protocol", legacy)
		for _, text := range texts {
			all = append(all, message(text)...)
		}
		return all
	}
	subscribe := func(payload string) string { return `{"id":"1","type":"subscribe","payload":` + payload + `}` }
	none := verdict{status: list("101"), refused: true, asked: []string{}}
	return []attack{
		{name: "an operation before the greeting", send: say(subscribe(plainBody)), want: told("4401")},
		{name: "an operation before the greeting, old", send: old(`{"id":"1","type":"start","payload":` + plainBody + `}`), want: told("4401")},
		{name: "two greetings", send: say(initialise, initialise), want: told("4429")},
		{name: "no JSON", send: say(initialise, `{`), want: told("4400")},
		{name: "a list", send: say(initialise, `[`+subscribe(plainBody)+`]`), want: told("4400")},
		{name: "nothing", send: say(""), want: told("4400")},
		{name: "a type twice", send: say(`{"type":"connection_init","type":"subscribe"}`), want: told("4400")},
		{name: "a query twice", send: say(initialise, subscribe(`{"query":"{__typename}","query":"mutation{cancelOrder(id:1)}"}`)), until: `"type":"error"`, then: goodbye, want: none},
		{name: "Query in capitals", send: say(initialise, subscribe(`{"Query":"mutation{cancelOrder(id:1)}"}`)), until: `"type":"error"`, then: goodbye, want: none},
		{name: "an id of 1 KB", send: say(initialise, `{"id":"`+times("x", 1000)+`","type":"subscribe","payload":`+plainBody+`}`), want: told("4400")},
		{name: "an id that is a number", send: say(initialise, `{"id":1,"type":"subscribe","payload":`+plainBody+`}`), want: told("4400")},
		{name: "an id that is empty", send: say(initialise, `{"id":"","type":"subscribe","payload":`+plainBody+`}`), want: told("4400")},
		{name: "a payload that is a text", send: say(initialise, subscribe(`"{__typename}"`)), want: told("4400")},
		{name: "an unknown type of 100 KB", send: say(`{"type":"` + times("x", 100_000) + `"}`), want: told("4400").without("xxxxxxxx")},
		{name: "100,000 brackets", send: say(`{"type":"connection_init","payload":` + times("[", 100_000)), want: told("4400")},
		{name: "100,000 brackets in a payload", send: say(initialise, `{"id":"1","type":"subscribe","payload":`+times("[", 100_000)), want: told("4400")},
		{name: "10,000 members in a greeting", send: say(`{"type":"connection_init","payload":{`+counted(9000, func(i int) string { return fmt.Sprintf(`"m%d":0,`, i) })+`"z":0}}`, `{"type":"end"}`), want: told("4400")},
		{name: "a ping whose payload is 100 KB", send: say(`{"type":"ping","payload":{"a":"`+times("x", 100_000)+`"}}`, `{"type":"end"}`), want: verdict{status: list("101"), closed: list("4400"), asked: []string{}}},
		{name: "2,000 pings", send: append(upgrade("/graphql", "Sec-WebSocket-Protocol", transportWS), append(bytes.Repeat(message(`{"type":"ping"}`), 2000), message(`{"type":"end"}`)...)...), want: verdict{status: list("101"), asked: []string{}, memory: 16 << 20}},
		{name: "a greeting with prototypes", send: say(`{"type":"connection_init","payload":{"__proto__":{"admin":true}}}`, `{"type":"end"}`), want: told("4400")},
		{name: "a message of the server's", send: say(initialise, `{"id":"1","type":"next","payload":{"data":{}}}`), want: told("4400")},
		{name: "an end of what isn't", send: append(say(initialise, `{"id":"1","type":"complete"}`, `{"type":"ping"}`), goodbye...), want: verdict{status: list("101"), asked: []string{}}},
		{name: "introspection that is off", on: "closed", send: say(initialise, subscribe(`{"query":"{__schema{queryType{name}}}"}`)), until: `"type":"error"`, then: goodbye, want: none.without(`"queryType"`)},
		{name: "a suggestion", on: "closed", send: say(initialise, subscribe(`{"query":"{usr(id:1){id}}"}`)), until: `"type":"error"`, then: goodbye, want: none.without("did you mean")},
		{name: "no credentials", on: "guarded", send: say(initialise), want: told("4403")},
		{name: "no credentials, old", on: "guarded", send: old(initialise), want: told("4403")},
		{name: "no credentials, and an operation at once", on: "guarded", send: say(initialise, subscribe(plainBody)), want: told("4403 4401")},
		{name: "credentials that are none", on: "guarded", send: say(`{"type":"connection_init","payload":{"Authorization":"Bearer x"}}`), want: told("4403")},
		{name: "credentials that aren't signed", on: "guarded", send: say(`{"type":"connection_init","payload":{"authorization":"Bearer ` + token(`{"alg":"none"}`, `{"iss":"https://issuer.test","sub":"a","exp":99999999999}`, "", nil) + `"}}`), want: told("4403")},
		{name: "credentials that are an object", on: "guarded", send: say(`{"type":"connection_init","payload":{"Authorization":{"a":1}}}`), want: told("4403 4400")},
		{name: "a client's name in the greeting", on: "guarded", send: say(`{"type":"connection_init","payload":{"client":"a","X-Forwarded-User":"a","account":"a"}}`), want: told("4403")},
		{name: "200 operations at once", send: append(say(initialise), append([]byte(counted(200, func(i int) string {
			return string(message(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"{nothing%d}"}}`, i, i)))
		})), message(`{"type":"end"}`)...)...), want: verdict{status: list("101"), refused: true, cpu: 1e9}},
		{name: "one id over and over", send: say(initialise, subscribe(`{"query":"subscription{nothing}"}`), subscribe(`{"query":"{nothing}"}`), `{"type":"end"}`), want: none},
	}
}
