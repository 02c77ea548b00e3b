package subscription_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

const (
	transportWS = "graphql-transport-ws"
	legacyWS    = "graphql-ws"
)

func TestTransportWS(t *testing.T) {
	init := []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`}
	for name, lines := range map[string][]string{
		"query": append(init[:2:2],
			`> {"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`,
			`< {"id":"1","type":"complete"}`),
		"subscription": append(init[:2:2],
			`> {"id":"1","type":"subscribe","payload":{"query":"subscription { count(to: 3) }","variables":{},"operationName":null,"extensions":{}}}`,
			`< {"id":"1","type":"next","payload":{"data":{"count":1}}}`,
			`< {"id":"1","type":"next","payload":{"data":{"count":2}}}`,
			`< {"id":"1","type":"next","payload":{"data":{"count":3}}}`,
			`< {"id":"1","type":"complete"}`),
		"execution errors are next": append(init[:2:2],
			`> {"id":"1","type":"subscribe","payload":{"query":"{ null }"}}`,
			`< {"id":"1","type":"next","payload":{"data":null,"errors":[{"message":"No."}],"extensions":{"cost":1}}}`,
			`< {"id":"1","type":"complete"}`),
		"request errors are error, and the end": append(init[:2:2],
			`> {"id":"1","type":"subscribe","payload":{"query":"{ wrong }"}}`,
			`< {"id":"1","type":"error","payload":[{"message":"Cannot query field.","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
			`> {"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`,
			`< {"id":"1","type":"complete"}`),
		"a panic costs one operation": append(init[:2:2],
			`> {"id":"1","type":"subscribe","payload":{"query":"{ panic }"}}`,
			`< {"id":"1","type":"error","payload":[{"message":"Something went wrong on our side.","extensions":{"code":"INTERNAL"}}]}`,
			`> {"type":"ping"}`,
			`< {"type":"pong"}`),
		"a panic of who identifies costs one connection": {
			`> {"type":"connection_init","payload":{"token":"panic"}}`,
			`< close 1013 Something went wrong on our side.`},
		"deferred parts": append(init[:2:2],
			`> {"id":"1","type":"subscribe","payload":{"query":"{ deferred }"}}`,
			`< {"id":"1","type":"next","payload":{"data":{"a":1},"hasNext":true}}`,
			`< {"id":"1","type":"next","payload":{"incremental":[{"data":{"b":2},"label":"late","path":["x",1]}],"hasNext":false}}`,
			`< {"id":"1","type":"complete"}`),
		"ping before init, with payload": {
			`> {"type":"ping","payload":{"a":[1]}}`,
			`< {"type":"pong","payload":{"a":[1]}}`},
		"white space": {"> \n{ \"type\" :\t\"connection_init\" , \"payload\" : { } } ", `< {"type":"connection_ack"}`,
			`> { "id" : "1" , "type" : "subscribe" , "payload" : { "query" : "{ hello }" , "variables" : { } , "operationName" : null } }`,
			`< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`},
		"pong isn't answered":   {`> {"type":"pong"}`, `> {"type":"ping","payload":null}`, `< {"type":"pong","payload":null}`},
		"payload identifies":    {`> {"type":"connection_init","payload":{"token":"alice"}}`, `< {"type":"connection_ack"}`, `> {"id":"1","type":"subscribe","payload":{"query":"{ who }"}}`, `< {"id":"1","type":"next","payload":{"data":{"who":"alice"}}}`, `< {"id":"1","type":"complete"}`},
		"payload null":          {`> {"type":"connection_init","payload":null}`, `< {"type":"connection_ack"}`},
		"refused":               {`> {"type":"connection_init","payload":{"token":"x"}}`, `< close 4403 Forbidden: The token is not valid.`},
		"can't be checked":      {`> {"type":"connection_init","payload":{"token":"unsure"}}`, `< close 1013 Credentials can't be checked now.`},
		"two inits":             append(init[:2:2], `> {"type":"connection_init"}`, `< close 4429 Too many initialisation requests`),
		"subscribe before init": {`> {"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`, `< close 4401 Unauthorized`},
		"complete what isn't":   append(init[:2:2], `> {"id":"1","type":"complete"}`, `> {"type":"ping"}`, `< {"type":"pong"}`),
		"complete before init":  {`> {"id":"1","type":"complete"}`, `> {"type":"ping"}`, `< {"type":"pong"}`},
		"two subscribers":       append(init[:2:2], `> {"id":"x","type":"subscribe","payload":{"query":"subscription { events }"}}`, `> {"id":"x","type":"subscribe","payload":{"query":"{ hello }"}}`, `< close 4409 Subscriber for x already exists`),
		"an id that is free again": append(init[:2:2],
			`> {"id":"x","type":"subscribe","payload":{"query":"subscription { events }"}}`, `> {"id":"x","type":"complete"}`,
			`> {"id":"x","type":"subscribe","payload":{"query":"{ hello }"}}`,
			`< {"id":"x","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"x","type":"complete"}`),
		"no JSON":                    {`> {`, `< close 4400 Invalid message: it is not valid JSON`},
		"no object":                  {`> []`, `< close 4400 Invalid message: it must be a JSON object`},
		"something follows":          {`> {"type":"ping"} {}`, `< close 4400 Invalid message: something follows the JSON object`},
		"twice":                      {`> {"type":"ping","type":"pong"}`, `< close 4400 Invalid message: a member stands twice in it`},
		"no type":                    {`> {"id":"1"}`, `< close 4400 Invalid message: there is no "type"`},
		"type null":                  {`> {"type":null}`, `< close 4400 Invalid message: there is no "type"`},
		"type number":                {`> {"type":1}`, `< close 4400 Invalid message: "type" must be a string`},
		"wrong case":                 {`> {"Type":"ping"}`, `< close 4400 Invalid message: there is no "type"`},
		"a server's type":            append(init[:2:2], `> {"id":"1","type":"next","payload":{}}`, `< close 4400 Invalid message: its "type" is none that a client sends`),
		"the other protocol":         {`> {"type":"start","id":"1","payload":{"query":"{ hello }"}}`, `< close 4400 Invalid message: its "type" is none that a client sends`},
		"init payload":               {`> {"type":"connection_init","payload":"x"}`, `< close 4400 Invalid message: "payload" must be an object`},
		"ping payload":               {`> {"type":"ping","payload":1}`, `< close 4400 Invalid message: "payload" must be an object`},
		"no id":                      append(init[:2:2], `> {"type":"subscribe","payload":{"query":"{ hello }"}}`, `< close 4400 Invalid message: there is no "id"`),
		"empty id":                   append(init[:2:2], `> {"type":"subscribe","id":"","payload":{"query":"{ hello }"}}`, `< close 4400 Invalid message: there is no "id"`),
		"id number":                  append(init[:2:2], `> {"type":"subscribe","id":1,"payload":{"query":"{ hello }"}}`, `< close 4400 Invalid message: "id" must be a string`),
		"id too long":                append(init[:2:2], `> {"type":"complete","id":"`+strings.Repeat("x", 257)+`"}`, `< close 4400 Invalid message: its "id" has more than 256 bytes`),
		"no payload":                 append(init[:2:2], `> {"type":"subscribe","id":"1"}`, `< close 4400 Invalid message: "payload" must be an object`),
		"no query":                   append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{}}`, `< close 4400 Invalid message: payload: there is no "query"`),
		"query null":                 append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{"query":null}}`, `< close 4400 Invalid message: payload: "query" must be a string that isn't empty`),
		"query number":               append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{"query":1}}`, `< close 4400 Invalid message: payload: "query" must be a string`),
		"variables list":             append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","variables":[]}}`, `< close 4400 Invalid message: payload: "variables" must be an object`),
		"extensions text":            append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","extensions":"x"}}`, `< close 4400 Invalid message: payload: "extensions" must be an object`),
		"operation name":             append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","operationName":{}}}`, `< close 4400 Invalid message: payload: "operationName" must be a string`),
		"a query twice":              append(init[:2:2], `> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","query":"{ slow }"}}`, `< close 4400 Invalid message: payload: a member stands twice in it`),
		"a long id in the reason":    append(init[:2:2], `> {"id":"`+strings.Repeat("é", 128)+`","type":"subscribe","payload":{"query":"subscription { events }"}}`, `> {"id":"`+strings.Repeat("é", 128)+`","type":"subscribe","payload":{"query":"{ hello }"}}`, `< close 4409 Subscriber for `+strings.Repeat("é", 54)),
		"members that we don't know": {`> {"type":"ping","more":{"x":[]}}`, `< {"type":"pong"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			talk(t, newPlace(t, subscription.Config{}).dial(t, transportWS), lines)
		})
	}
}

func TestLegacyWS(t *testing.T) {
	init := []string{`> {"type":"connection_init","payload":{}}`, `< {"type":"connection_ack"}`, `< {"type":"ka"}`}
	for name, lines := range map[string][]string{
		"query": append(init[:3:3],
			`> {"id":"1","type":"start","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"data","payload":{"data":{"hello":"world"}}}`,
			`< {"id":"1","type":"complete"}`),
		"stop completes": append(init[:3:3],
			`> {"id":"1","type":"start","payload":{"query":"subscription { events }"}}`,
			`> {"id":"1","type":"stop"}`,
			`< {"id":"1","type":"complete"}`),
		"a second start takes the place": append(init[:3:3],
			`> {"id":"1","type":"start","payload":{"query":"subscription { events }"}}`,
			`> {"id":"1","type":"start","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"data","payload":{"data":{"hello":"world"}}}`,
			`< {"id":"1","type":"complete"}`),
		"one request error is an object": append(init[:3:3],
			`> {"id":"1","type":"start","payload":{"query":"{ wrong }"}}`,
			`< {"id":"1","type":"error","payload":{"message":"Cannot query field.","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}}`),
		"several are in one": append(init[:3:3],
			`> {"id":"1","type":"start","payload":{"query":"{ wrong wronger }"}}`,
			`< {"id":"1","type":"error","payload":{"errors":[{"message":"One."},{"message":"Two."}],"message":"One."}}`),
		"a bad payload is an error of one operation": append(init[:3:3],
			`> {"id":"1","type":"start","payload":{"query":1}}`,
			`< {"id":"1","type":"error","payload":{"message":"Invalid payload: \"query\" must be a string.","extensions":{"code":"BAD_REQUEST"}}}`),
		"terminate": append(init[:3:3], `> {"type":"connection_terminate"}`, `< close 1000 Terminated`),
		"refused": {`> {"type":"connection_init","payload":{"token":"x"}}`,
			`< {"type":"connection_error","payload":{"message":"The token is not valid.","extensions":{"code":"UNAUTHENTICATED"}}}`,
			`< close 4403 Forbidden: The token is not valid.`},
		"start before init": {`> {"id":"1","type":"start","payload":{"query":"{ hello }"}}`,
			`< {"type":"connection_error","payload":{"message":"connection_init comes first.","extensions":{"code":"UNAUTHENTICATED"}}}`,
			`< close 4401 Unauthorized`},
		"the other protocol": append(init[:3:3], `> {"type":"ping"}`,
			`< {"type":"connection_error","payload":{"message":"Invalid message: its \"type\" is none that a client sends","extensions":{"code":"BAD_REQUEST"}}}`,
			`> {"id":"1","type":"start","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"data","payload":{"data":{"hello":"world"}}}`,
			`< {"id":"1","type":"complete"}`),
		"no JSON is ignored": {`> {`,
			`< {"type":"connection_error","payload":{"message":"Invalid message: it is not valid JSON","extensions":{"code":"BAD_REQUEST"}}}`,
			`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`, `< {"type":"ka"}`},
		"stop what isn't": append(init[:3:3], `> {"id":"1","type":"stop"}`, `> {"id":"1","type":"start","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"data","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`),
		"two inits": append(init[:3:3], `> {"type":"connection_init"}`, `< close 4429 Too many initialisation requests`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			talk(t, newPlace(t, subscription.Config{}).dial(t, legacyWS), lines)
		})
	}
}

func TestSubprotocols(t *testing.T) {
	for name, c := range map[string]struct {
		offered []string
		chosen  string
		first   string
	}{
		"none":               {nil, "", "close 4406 Subprotocol not acceptable"},
		"unknown":            {[]string{"soap"}, "", "close 4406 Subprotocol not acceptable"},
		"the client's first": {[]string{"soap", legacyWS, transportWS}, legacyWS, ""},
		"both":               {[]string{transportWS, legacyWS}, transportWS, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ws := newPlace(t, subscription.Config{}).dial(t, c.offered...)
			if got := ws.Subprotocol(); got != c.chosen {
				t.Errorf("got %q", got)
			}
			if c.first != "" {
				if got := hear(t, ws); got != c.first {
					t.Errorf("got %s", got)
				}
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	p := newPlace(t, subscription.Config{Origins: []string{"https://app.example.com", "https://*.example.org", "http://localhost:5173"}})
	host := strings.TrimPrefix(p.server.URL, "http://")
	for origin, ok := range map[string]bool{
		"": true, "http://" + host: true, "https://" + host: true,
		"https://app.example.com": true, "http://app.example.com": false, "https://app.example.com:444": false, "https://app.example.com.evil.org": false,
		"https://a.example.org": true, "https://a.b.example.org": true, "https://example.org": false, "https://xexample.org": false,
		"http://localhost:5173": true, "http://localhost": false,
		"null": false, "https://": false, "evil": false, "file://": false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": transportWS, "Origin": origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.StatusCode == http.StatusSwitchingProtocols; got != ok {
			t.Errorf("origin %q: status %d", origin, res.StatusCode)
		}
	}
}

func TestFramesThatAreNoMessages(t *testing.T) {
	p := newPlace(t, subscription.Config{MaxMessageBytes: 1000})
	for name, c := range map[string]struct {
		kind websocket.MessageType
		data []byte
		want string
	}{
		"binary":    {websocket.MessageBinary, []byte(`{"type":"ping"}`), "close 1003 Messages are text"},
		"not UTF-8": {websocket.MessageText, []byte("{\"type\":\"ping\",\"x\":\"\xff\"}"), "close 1007 Messages are UTF-8"},
		"too long":  {websocket.MessageText, fmt.Appendf(nil, `{"type":"ping","payload":{"x":"%s"}}`, strings.Repeat("x", 1000)), "close 1009"},
	} {
		t.Run(name, func(t *testing.T) {
			ws := p.dial(t, transportWS)
			if err := ws.Write(t.Context(), c.kind, c.data); err != nil {
				t.Fatal(err)
			}
			if got := hear(t, ws); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// What a client sends right behind its handshake, before it has an answer, isn't lost with net/http's buffer.
func TestMessagesBehindTheHandshake(t *testing.T) {
	p := newPlace(t, subscription.Config{})
	conn := rawDial(t, p)
	first := frame(`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 2000) + `"}}`)
	if _, err := conn.Write(append([]byte(rawHandshake(transportWS)), append(first, frame(`{"type":"connection_init"}`)...)...)); err != nil {
		t.Fatal(err)
	}
	readUntil(t, conn, `{"type":"connection_ack"}`)
}

func TestLimits(t *testing.T) {
	t.Run("operations of a connection", func(t *testing.T) {
		p := newPlace(t, subscription.Config{MaxOperations: 2})
		talk(t, p.dial(t, transportWS), []string{
			`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`,
			`> {"id":"1","type":"subscribe","payload":{"query":"subscription { events }"}}`,
			`> {"id":"2","type":"subscribe","payload":{"query":"subscription { events }"}}`,
			`> {"id":"3","type":"subscribe","payload":{"query":"{ hello }"}}`,
			`< {"id":"3","type":"error","payload":[{"message":"The connection has too many operations under way.","extensions":{"code":"CONCURRENCY_LIMITED"}}]}`,
		})
	})
	t.Run("operations of a client", func(t *testing.T) {
		p := newPlace(t, subscription.Config{MaxClientOperations: 1})
		one, two, other := p.dial(t, transportWS), p.dial(t, transportWS), p.dial(t, transportWS)
		talk(t, one, []string{`> {"type":"connection_init","payload":{"token":"alice"}}`, `< {"type":"connection_ack"}`,
			`> {"id":"1","type":"subscribe","payload":{"query":"subscription { events }"}}`, `> {"type":"ping"}`, `< {"type":"pong"}`})
		talk(t, two, []string{`> {"type":"connection_init","payload":{"token":"alice"}}`, `< {"type":"connection_ack"}`,
			`> {"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`,
			`< {"id":"1","type":"error","payload":[{"message":"The client has too many operations under way.","extensions":{"code":"CONCURRENCY_LIMITED"}}]}`})
		talk(t, other, []string{`> {"type":"connection_init","payload":{"token":"bob"}}`, `< {"type":"connection_ack"}`,
			`> {"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`})
		say(t, one, `{"id":"1","type":"complete"}`)
		p.script.idle(t)
		eventually(t, "the place is free again", func() bool {
			say(t, two, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`)
			if strings.Contains(hear(t, two), "CONCURRENCY_LIMITED") {
				return false
			}
			return hear(t, two) == `{"id":"1","type":"complete"}`
		})
	})
	t.Run("connections of a client", func(t *testing.T) {
		p := newPlace(t, subscription.Config{MaxClientConnections: 1})
		one := p.dial(t, transportWS)
		talk(t, one, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`})
		talk(t, p.dial(t, transportWS), []string{`> {"type":"connection_init"}`, `< close 1013 The client has too many connections`})
		_ = one.Close(websocket.StatusNormalClosure, "")
		eventually(t, "the place is free again", func() bool {
			ws := p.dial(t, transportWS)
			say(t, ws, `{"type":"connection_init"}`)
			return hear(t, ws) == `{"type":"connection_ack"}`
		})
	})
	t.Run("connections in all", func(t *testing.T) {
		p := newPlace(t, subscription.Config{MaxConnections: 1})
		p.dial(t, transportWS)
		_, res, err := websocket.Dial(t.Context(), p.server.URL, nil)
		if err == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("got %v", res)
		}
	})
}

// A client that doesn't read is told and cut off; the operation that flooded it ends.
func TestSlowConsumer(t *testing.T) {
	p := newPlace(t, subscription.Config{MaxQueue: 16})
	ws := p.dial(t, transportWS)
	ws.SetReadLimit(-1)
	talk(t, ws, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`, `> {"id":"1","type":"subscribe","payload":{"query":"subscription { flood }"}}`})
	p.script.idle(t) // it ended although nobody has read
	for {
		got := hear(t, ws)
		if strings.HasPrefix(got, `{"id":"1","type":"next"`) {
			continue
		}
		if got != "close 1013 Messages are read too slowly" {
			t.Errorf("got %s", got)
		}
		return
	}
}

// Operations end with their connection, however it ends.
func TestOperationsEndWithTheConnection(t *testing.T) {
	for name, end := range map[string]func(*websocket.Conn){
		"closed": func(ws *websocket.Conn) { _ = ws.Close(websocket.StatusNormalClosure, "") },
		"broken": func(ws *websocket.Conn) { _ = ws.CloseNow() },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, subscription.Config{})
			ws := p.dial(t, transportWS)
			talk(t, ws, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`,
				`> {"id":"1","type":"subscribe","payload":{"query":"subscription { events }"}}`,
				`> {"id":"2","type":"subscribe","payload":{"query":"{ slow }"}}`})
			p.script.events <- `{"x":1}`
			if got := hear(t, ws); got != `{"id":"1","type":"next","payload":{"data":{"x":1}}}` {
				t.Fatalf("got %s", got)
			}
			end(ws)
			p.script.idle(t)
		})
	}
}

// After the client's complete nothing more comes for that id.
func TestNothingComesAfterComplete(t *testing.T) {
	p := newPlace(t, subscription.Config{})
	ws := p.dial(t, transportWS)
	talk(t, ws, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`,
		`> {"id":"1","type":"subscribe","payload":{"query":"subscription { events }"}}`})
	p.script.events <- `{"x":1}`
	talk(t, ws, []string{`< {"id":"1","type":"next","payload":{"data":{"x":1}}}`, `> {"id":"1","type":"complete"}`, `> {"type":"ping"}`, `< {"type":"pong"}`})
	p.script.idle(t)
	talk(t, ws, []string{`> {"type":"ping"}`, `< {"type":"pong"}`})
}
