package security_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// attack is one thing that a client may send.
type attack struct {
	name string
	// on is the profile of the gateway that is attacked, "open" when empty.
	on string
	// send is what goes over the connection.
	send []byte
	// slow, if it isn't zero, is waited between pieces of what is sent.
	slow time.Duration
	// until, if it isn't empty, is waited for before then is sent, or one of several between bars: a conversation that the
	// gateway wouldn't end itself.
	until string
	then  []byte
	// service, if it isn't nil, answers instead of the shop's services.
	service http.HandlerFunc
	want    verdict
}

func (a attack) against() string {
	if a.on == "" {
		return "open"
	}
	return a.on
}

// verdict is what must become of an attack. Some things must always hold and don't stand here: answers are well-formed and
// tell nothing of the inside, services see nothing they shouldn't, and the gateway lives.
type verdict struct {
	// status lists the statuses that each answer may have.
	status []string
	// codes lists what each error's extensions.code may be; empty means any that is documented.
	codes []string
	// answers is how many answers there may be at most; 0 means one.
	answers int
	// silence allows that the connection is closed without an answer.
	silence bool
	// refused means that no service is asked and there is no data.
	refused bool
	// asked is what the services must have got, in any order: "users GET /users/1". Nil means that it isn't looked at.
	asked []string
	// has and hasNot are texts in the answer, its head included.
	has, hasNot []string
	// cpu and memory are what it may cost: 0.25 s and 16 MB if they are zero.
	cpu    time.Duration
	memory int64
	// closed lists the codes with which a WebSocket may be closed; empty means any. "none" is no close.
	closed []string
	// errors is how many errors an answer may have; 0 means 11.
	errors int
	// services looks at the requests that services got.
	services func([]received) error
}

// refuse is a verdict: one of the statuses, one of the codes, no service asked.
func refuse(status, codes string) verdict {
	return verdict{status: list(status), codes: list(codes), refused: true}
}

// close also allows that nothing is answered.
func (v verdict) orSilence() verdict { v.silence = true; return v }

func (v verdict) without(texts ...string) verdict { v.hasNot = append(v.hasNot, texts...); return v }

func (v verdict) with(texts ...string) verdict { v.has = append(v.has, texts...); return v }

// serve is a verdict: an ordinary request, which may cost what ordinary requests do.
func serve(asked ...string) verdict {
	return verdict{status: list("200"), asked: asked, cpu: time.Second, memory: 64 << 20}
}

// input is a verdict: a value that is refused where it stands; others of its operation are served.
func input() verdict {
	return verdict{status: list("200"), codes: list("BAD_USER_INPUT"), asked: []string{}, cpu: time.Second, memory: 16 << 20}
}

// invalid is the verdict on documents and variables that don't fit the schema.
func invalid() verdict { return refuse("400", "GRAPHQL_VALIDATION_FAILED") }

// unparsed is the verdict on what is no GraphQL.
func unparsed() verdict { return refuse("400", "GRAPHQL_PARSE_FAILED") }

// large is the verdict on what is over a limit.
func large() verdict { return refuse("400 413", "REQUEST_TOO_LARGE") }

// bad is the verdict on what is no GraphQL request.
func bad() verdict { return refuse("400", "BAD_REQUEST") }

// media is the verdict on bodies of other types.
func media() verdict { return refuse("415", "BAD_REQUEST") }

// request writes a request. Headers are names and values in turn, an empty value drops one of ours.
func request(method, target, body string, headers ...string) []byte {
	ours := []string{"Host", "gateway.test", "Connection", "close", "Accept", "application/graphql-response+json"}
	if body != "" || method == http.MethodPost {
		ours = append(ours, "Content-Type", "application/json", "Content-Length", fmt.Sprint(len(body)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	for i := 0; i < len(ours); i += 2 {
		if !given(headers, ours[i]) {
			fmt.Fprintf(&b, "%s: %s\r\n", ours[i], ours[i+1])
		}
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
		}
	}
	return []byte(b.String() + "\r\n" + body)
}

func given(headers []string, name string) bool {
	for i := 0; i < len(headers); i += 2 {
		if strings.EqualFold(headers[i], name) {
			return true
		}
	}
	return false
}

func post(body string, headers ...string) []byte {
	return request(http.MethodPost, "/graphql", body, headers...)
}

func get(target string, headers ...string) []byte {
	return request(http.MethodGet, target, "", headers...)
}

// document posts a document.
func document(doc string, headers ...string) []byte {
	return post(`{"query":`+quoted(doc)+`}`, headers...)
}

// variables posts a document with variables, which are JSON as it is.
func variables(doc, vars string, headers ...string) []byte {
	return post(`{"query":`+quoted(doc)+`,"variables":`+vars+`}`, headers...)
}

// quoted is JSON of a text, byte by byte: what isn't UTF-8 stays what it is.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

// literal is a GraphQL string of a text.
func literal(text string) string {
	b, _ := json.Marshal(text) //nolint:errchkjson // a string is always JSON
	return string(b)
}

// counted joins what f makes of 0 to n-1.
func counted(n int, f func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

func times(text string, n int) string { return strings.Repeat(text, n) }
