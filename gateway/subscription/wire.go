package subscription

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The WebSocket subprotocols. The older one has the name of the library that speaks the newer one.
const (
	transportWS = "graphql-transport-ws"
	legacyWS    = "graphql-ws"
)

// Close codes, of RFC 6455 and of graphql-transport-ws. The older protocol has none of its own and gets the same.
const (
	closeNormal       = 1000
	closeGoingAway    = 1001
	closeUnsupported  = 1003
	closeNotUTF8      = 1007
	closeTryAgain     = 1013 // clients connect again, after a while
	closeBadMessage   = 4400
	closeUnauthorized = 4401 // an operation before the acknowledgement
	closeForbidden    = 4403 // credentials that are refused, or have ended
	closeSubprotocol  = 4406
	closeInitTimeout  = 4408
	closeSubscriber   = 4409 // the operation's id is taken
	closeTwoInits     = 4429
)

// verb is what a client's message means in both protocols.
type verb int

const (
	unknown verb = iota
	initialise
	begin
	finish
	ping
	pong
	terminate
)

// wire is how a protocol spells what both mean.
type wire struct {
	name   string
	verbs  map[string]verb
	next   string
	legacy bool // has keep-alive messages, connection errors, and completes what is stopped
}

var wires = map[string]*wire{
	transportWS: {
		name: transportWS, next: "next",
		verbs: map[string]verb{"connection_init": initialise, "subscribe": begin, "complete": finish, "ping": ping, "pong": pong},
	},
	legacyWS: {
		name: legacyWS, next: "data", legacy: true,
		verbs: map[string]verb{"connection_init": initialise, "start": begin, "stop": finish, "connection_terminate": terminate},
	},
}

// message is one of a client's.
type message struct {
	verb    verb
	id      string
	payload json.RawMessage // nil when absent; of ping and pong, null or an object
	init    map[string]any  // payload of initialise
}

// mostID is how long an operation's id may be. A UUID has 36.
const mostID = 256

// read checks a message to the letter of its protocol. Errors are for the client, as what is wrong with the message.
func (w *wire) read(data []byte) (m message, err error) {
	all, err := members(data)
	if err != nil {
		return m, err
	}
	kind, given, err := text(all, "type")
	switch {
	case err != nil:
		return m, err
	case !given:
		return m, errors.New(`there is no "type"`)
	}
	if m.verb = w.verbs[kind]; m.verb == unknown {
		return m, errors.New(`its "type" is none that a client sends`)
	}
	m.payload = all["payload"]
	switch m.verb {
	case initialise:
		m.init, err = object(all, "payload")
	case ping, pong:
		_, err = object(all, "payload")
	case begin, finish:
		m.id, given, err = text(all, "id")
		switch {
		case err != nil:
		case !given || m.id == "":
			err = errors.New(`there is no "id"`)
		case len(m.id) > mostID:
			err = fmt.Errorf(`its "id" has more than %d bytes`, mostID)
		case m.verb == begin && (m.payload == nil || m.payload[0] != '{'):
			err = errors.New(`"payload" must be an object`)
		}
	}
	return m, err
}

// envelope appends a message of ours. Both id and payload may be left out.
func envelope(kind, id string, payload []byte) []byte {
	dst := make([]byte, 0, len(kind)+len(id)+len(payload)+40)
	dst = append(dst, '{')
	if id != "" {
		dst = append(appendJSON(append(dst, `"id":`...), id), ',')
	}
	dst = append(append(append(dst, `"type":"`...), kind...), '"')
	if payload != nil {
		dst = append(append(dst, `,"payload":`...), payload...)
	}
	return append(dst, '}')
}

// errors is the message that ends an operation which wasn't executed.
func (w *wire) errors(id string, errs gqlerror.List) []byte {
	if !w.legacy {
		return envelope("error", id, appendJSON(nil, errs))
	}
	if len(errs) == 1 {
		return envelope("error", id, appendJSON(nil, errs[0]))
	}
	first := ""
	if len(errs) > 0 {
		first = errs[0].Message
	}
	return envelope("error", id, appendJSON(nil, map[string]any{"message": first, "errors": errs}))
}

// chosen is the subprotocol of a handshake: the first of the client's that is known.
func chosen(r *http.Request) *wire {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, name := range splitComma(line) {
			if w := wires[name]; w != nil {
				return w
			}
		}
	}
	return nil
}
