package security_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A refused request costs at most 0.25 s of processor time and 16 MB of memory, garbage included, whatever it is and by
// whichever road it comes: here are the dearest of each class that fit into a body, by every road that there is.

// bomb is an operation, which every road carries in its own way.
type bomb struct {
	name  string
	query string
	// name, variables and extensions are JSON, left out when empty; more is put behind the last member.
	operation, variables, extensions, more string
	// served says that it isn't refused, but for the values that services answer null for: it may cost what ordinary requests do.
	served bool
	// everywhere says that it goes by every road; what is about JSON alone goes by those that read it in their own way.
	everywhere bool
}

// body is the JSON of a POST.
func (b *bomb) body() string {
	text := `{"query":` + quoted(b.query)
	for _, m := range [][2]string{{"operationName", b.operation}, {"variables", b.variables}, {"extensions", b.extensions}} {
		if m[1] != "" {
			text += `,"` + m[0] + `":` + m[1]
		}
	}
	return text + b.more + "}"
}

// target is the URL of a GET.
func (b *bomb) target() string {
	values := url.Values{"query": {b.query}}
	for _, m := range [][2]string{{"operationName", strings.Trim(b.operation, `"`)}, {"variables", b.variables}, {"extensions", b.extensions}} {
		if m[1] != "" {
			values.Set(m[0], m[1])
		}
	}
	return "/graphql?" + values.Encode()
}

// road is a way by which an operation may come.
type road struct {
	name string
	make func(*bomb) attack
}

// hashed is the bomb with its hash.
func (b *bomb) hashed() *bomb {
	with := *b
	if with.extensions == "" {
		with.extensions = fmt.Sprintf(`{"persistedQuery":{"version":1,"sha256Hash":"%x"}}`, sha256.Sum256([]byte(b.query)))
	}
	return &with
}

// wideRoads are those that are off by default.
var wideRoads = []road{
	{"batch", func(b *bomb) attack {
		one := b.body()
		return attack{send: post("[" + times(one+",", max(0, min(10, (128<<10-2)/(len(one)+1))-1)) + one + "]")}
	}},
	{"upload", func(b *bomb) attack { return attack{send: form(b.body(), "{}")} }},
	{"gzip", func(b *bomb) attack {
		return attack{send: post(string(zipped([]byte(b.body()))), "Content-Encoding", "gzip")}
	}},
	{"zstd", func(b *bomb) attack {
		return attack{send: post(string(zstandard(b.body())), "Content-Encoding", "zstd")}
	}},
	{"hash by POST", func(b *bomb) attack { return attack{send: post(b.hashed().body())} }},
	{"hash by GET", func(b *bomb) attack { return attack{send: get(b.hashed().target())} }},
}

func zstandard(text string) []byte {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return encoder.EncodeAll([]byte(text), nil)
}

// form is a request with files: parts are names and contents in turn, behind operations and map.
func form(operations, variables string, parts ...string) []byte {
	var b strings.Builder
	for rest := append([]string{"operations", operations, "map", variables}, parts...); len(rest) > 1; rest = rest[2:] {
		name := `"` + rest[0] + `"`
		if len(parts) > 0 && len(rest) <= len(parts) {
			name += `; filename="a.txt"`
		}
		b.WriteString("--x\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + rest[1] + "\r\n")
	}
	return post(b.String()+"--x--\r\n", "Content-Type", "multipart/form-data; boundary=x", "Apollo-Require-Preflight", "1")
}

// roads are those that are always there.
var roads = []road{
	{"POST", func(b *bomb) attack { return attack{send: post(b.body())} }},
	{"POST with the old media type", func(b *bomb) attack { return attack{send: post(b.body(), "Accept", "application/json")} }},
	{"GET", func(b *bomb) attack { return attack{send: get(b.target())} }},
	{"events by POST", func(b *bomb) attack { return attack{send: post(b.body(), "Accept", "text/event-stream")} }},
	{"events by GET", func(b *bomb) attack { return attack{send: get(b.target(), "Accept", "text/event-stream")} }},
	{"parts", func(b *bomb) attack { return attack{send: post(b.body(), "Accept", "multipart/mixed")} }},
	{"WebSocket", func(b *bomb) attack {
		return attack{send: socket(transportWS, message(initialise), message(`{"id":"1","type":"subscribe","payload":`+b.body()+`}`)), until: `{"id":"1","type":`, then: goodbye}
	}},
	{"old WebSocket", func(b *bomb) attack {
		return attack{send: socket(legacy, message(initialise), message(`{"id":"1","type":"start","payload":`+b.body()+`}`)), until: `{"id":"1","type":|"connection_error"`, then: goodbye}
	}},
	{"greeting", func(b *bomb) attack { // what isn't an operation is read, too
		return attack{send: socket(transportWS, message(`{"type":"connection_init","payload":`+b.body()+`}`), message(`{"type":"end"}`))}
	}},
}

func TestCostOfRefusals(t *testing.T) {
	for profile, roads := range map[string][]road{"open": roads, "wide": wideRoads} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			target := start(t, profiles[profile])
			var table []string
			for _, b := range bombs() {
				for _, road := range roads {
					a := road.make(&b)
					if bytes.HasPrefix(a.send, []byte("GET /graphql?")) && b.more != "" || !b.everywhere && !slices.Contains(readsJSON, road.name) {
						continue
					}
					a.name = b.name + " by " + road.name
					a.want = verdict{status: list("101 200 400 413 431"), silence: len(a.send) > 128<<10}
					if b.served {
						a.want.cpu, a.want.memory, a.service = time.Second, 64<<20, says("null")
					} else {
						a.want.refused = road.name != "greeting"
					}
					t.Run(a.name, func(t *testing.T) {
						cost := target.suffer(t, a)
						table = append(table, fmt.Sprintf("%10v %8d KB  %s", cost.CPU, cost.Allocated>>10, a.name))
					})
				}
			}
			slices.Sort(table)
			if testing.Verbose() {
				t.Log("\n" + strings.Join(table, "\n"))
			}
		})
	}
}

// room is how much of a body is left for what fills it.
const room = 128<<10 - 600

func fill(text string) string { return times(text, room/len(text)) }

func bombs() []bomb {
	all := slices.Concat(bombsOfText(), bombsOfFragments(), bombsOfErrors(), bombsOfValues())
	for i := range all {
		all[i].everywhere = true
	}
	return append(all, bombsOfJSON()...)
}

// readsJSON are the roads on which JSON is read in another way.
var readsJSON = list("POST WebSocket greeting batch upload")

func bombsOfText() []bomb {
	return []bomb{
		{name: "braces", query: fill("{a")},
		{name: "braces behind braces", query: fill("{}")},
		{name: "brackets", query: "{a(b:" + fill("[")},
		{name: "objects", query: "{a(b:" + fill("{c:")},
		{name: "parentheses", query: "{" + fill("a(")},
		{name: "types in brackets", query: "query($a:" + fill("[")},
		{name: "spreads", query: fill("{...")},
		{name: "names", query: "{" + fill("a ") + "}"},
		{name: "2,000 names of 60 characters", query: "{" + times(times("n", 60)+" ", 1998) + "}"},
		{name: "comments", query: fill("#\n") + "{__typename}"},
		{name: "1,900 comments", query: times("#"+times("x", 62)+"\n", 1900) + "{nothing}"},
		{name: "1,900 comments between fields", query: "{" + times("#"+times("x", 60)+"\n__typename\n", 990) + "nothing}"},
		{name: "one comment", query: "#" + fill("x") + "\n{nothing}"},
		{name: "commas", query: fill(",") + "{nothing}"},
		{name: "byte order marks", query: fill("\ufeff") + "{nothing}"},
		{name: "line breaks", query: times("\n", room/2) + "{nothing}"},
		{name: "a block string of indents", query: `{user(id:"""` + times("\n"+times(" ", 300)+"x", room/310) + `"""){nothing}}`},
		{name: "a block string of line breaks", query: `{user(id:"""` + times("\n", room/2) + `"""){nothing}}`},
		{name: "a block string of spaces", query: `{user(id:"""` + fill(" ") + `"""){nothing}}`},
		{name: "a block string of quotes", query: `{user(id:"""` + times(`\"""`, room/8) + `"""){nothing}}`},
		{name: "a block string without an end", query: `{user(id:"""` + fill("x")},
		{name: "1,900 block strings", query: "{usersById(ids:[" + times("\"\"\"\n a\n  b\n\"\"\"", 1900) + "]){nothing}}"},
		{name: "a string of escapes", query: `{user(id:"` + times(`\u0041`, room/7) + `"){nothing}}`},
		{name: "a string of characters of four bytes", query: `{user(id:"` + fill("😀") + `"){nothing}}`},
		{name: "a string without an end", query: `{user(id:"` + fill("x")},
		{name: "a string whose last escape is none", query: `{user(id:"` + fill("x") + `\q"){nothing}}`},
		{name: "an int", query: "{users(first:" + fill("9") + "){nothing}}"},
		{name: "a negative int", query: "{users(first:-" + fill("9") + "){nothing}}"},
		{name: "a fraction", query: "{users(first:0." + fill("9") + "){nothing}}"},
		{name: "an exponent", query: "{users(first:1e" + fill("9") + "){nothing}}"},
		{name: "an exponent of 999999999", query: "{users(first:1e999999999){nothing}}"},
		{name: "1,900 huge exponents", query: "{usersById(ids:[" + times("1e-99999999999999999999999999999999999999999 ", 1900) + "]){nothing}}"},
		{name: "1,900 ints of 60 digits", query: "{usersById(ids:[" + times(times("9", 60)+" ", 1900) + "]){nothing}}"},
		{name: "an alias", query: "{" + fill("a") + ":nothing}"},
		{name: "a field", query: "{" + fill("a") + "}"},
		{name: "an argument", query: "{user(" + fill("a") + ":1){id}}"},
		{name: "a directive", query: "{__typename @" + fill("a") + "}"},
		{name: "a type", query: "{...on " + fill("a") + "{id}}"},
		{name: "a fragment", query: "{..." + fill("a") + "}"},
		{name: "a variable", query: "query($" + fill("a") + ":Int){__typename}"},
		{name: "an operation", query: "query " + fill("a") + "{nothing}"},
		{name: "an operation that isn't there", query: "query A{__typename}", operation: `"` + fill("B") + `"`},
		{name: "an enum's value", query: "{productCount(category:" + fill("A") + ")}"},
		{name: "an input's member", query: "mutation{createOrder(input:{" + fill("a") + ":1}){id}}"},
		{name: "what is no token, at the end", query: "{" + times("a ", 1990) + "\x01"},
		{name: "a control character", query: fill("\x01")},
		{name: "bytes that aren't UTF-8", query: "{__typename}", more: `,"x":"` + fill("\xff") + `"`},
	}
}

func bombsOfFragments() []bomb {
	number := func(n int, format string) string {
		return counted(n, func(i int) string { return fmt.Sprintf(strings.ReplaceAll(format, "%n", "%[1]d"), i) })
	}
	chain := func(n int, on, before, last string) string {
		return counted(n, func(i int) string { return fmt.Sprintf("fragment F%d on %s{%s...F%d}", i, on, before, i+1) }) + fmt.Sprintf("fragment F%d on %s{%s}", n, on, last)
	}
	all := []bomb{
		{name: "fragments nobody uses", query: "{__typename}" + number(240, "fragment F%n on Query{__typename}")},
		{name: "fragments of one name", query: "{...F}" + times("fragment F on Query{__typename}", 240)},
		{name: "a chain of fragments", query: "{...F0}" + chain(200, "Query", "", "nothing")},
		{name: "a chain of fragments with fields", query: "{users{...F0}}" + chain(180, "User", "id ", "nothing")},
		{name: "fragments that double", query: "{...F0}" + doubling(160, "Query", "nothing")},
		{name: "fragments that all spread all", query: "{...F0}" + counted(41, func(i int) string {
			return fmt.Sprintf("fragment F%d on Query{%s nothing}", i, counted(40-i, func(j int) string { return fmt.Sprintf("...F%d ", i+j+1) }))
		})},
		{name: "a cycle of all fragments", query: "{...F0}" + counted(40, func(i int) string {
			return fmt.Sprintf("fragment F%d on Query{%s}", i, number(40, "...F%n "))
		})},
		{name: "cycles nobody uses", query: "{__typename}" + number(180, "fragment F%n on Query{...F%n}")},
		{name: "spreads of what isn't", query: "{" + number(900, "...F%n ") + "}"},
		{name: "a spread over and over", query: "{" + times("...F ", 900) + "} fragment F on Query{nothing}"},
		{name: "operations that spread a chain", query: number(120, "query A%n{...F0}") + chain(100, "Query", "", "nothing"), operation: `"A0"`},
		{name: "operations with variables that spread a chain", query: number(80, "query A%n($v:Int){...F0}") + chain(90, "Query", "", "users(first:$w){id}"), operation: `"A0"`},
		{name: "operations of one name", query: times("query A{__typename}", 330)},
		{name: "operations", query: number(330, "query A%n{nothing}"), operation: `"A0"`},
		{name: "operations without a name", query: times("{__typename}", 600)},
		{name: "subscriptions with many fields", query: number(200, "subscription A%n{a b}"), operation: `"A0"`},
		{name: "fields of one name with selections", query: "{users{" + times("orders(first:1){id note nothing} ", 120) + "}}"},
		{name: "fields of one name in fragments", query: "{users{" + number(120, "...F%n ") + "}}" + number(120, "fragment F%n on User{orders{id nothing}}")},
		{name: "fields of one name, nested", query: "{product(id:1){" + wide(7, 2) + " nothing}}"},
		{name: "fields of two names, nested", query: "{product(id:1){" + strings.ReplaceAll(wide(5, 3), "id", "id nothing") + "}}"},
		{name: "fields with arguments that differ", query: "{" + counted(45, func(i int) string { return fmt.Sprintf("search(text:%q){nothing}", times("x", 2500+i)) }) + "}"},
		{name: "fields with long lists that are the same", query: "{" + times("usersById(ids:["+times("1 ", 30)+"]){nothing} ", 48) + "}"},
		{name: "fields with objects in another order", query: "mutation{" + counted(40, func(i int) string {
			return "createOrder(input:{" + counted(12, func(j int) string { return fmt.Sprintf("m%d:%d ", (i+j)%12, i) }) + "}){id}"
		}) + "}"},
		{name: "types that exclude one another", query: "{feed{" + times("...on ReviewPosted{x:review{id}} ...on QuestionAsked{x:answers{text}} ", 60) + "nothing}}"},
		{name: "conditions", query: "query(" + number(200, "$v%n:Boolean=true ") + "){" + counted(200, func(i int) string { return fmt.Sprintf("...@skip(if:$v%d){a%d:nothing} ", i, i) }) + "}"},
		{name: "deferred fragments", query: "{" + counted(240, func(i int) string { return fmt.Sprintf("...@defer(label:\"l%d\"){nothing} ", i) }) + "}"},
		{name: "deferred fragments in one another", query: "{" + times("...@defer{", 60) + "nothing" + times("}", 61)},
		{name: "deferred fragments of one label", query: "{" + times(`...@defer(label:"a"){__typename} `, 240) + "nothing}"},
		{name: "deferred fragments of lists", query: "{users{" + times(`...@defer{id} `, 240) + "}}", served: true},
	}
	for _, a := range mergedOverlap() {
		all = append(all, bomb{name: "overlap, " + a.name, query: textOf(a.send), served: strings.HasSuffix(a.name, "valid")})
	}
	return all
}

func bombsOfErrors() []bomb {
	number := func(n int, format string) string {
		return counted(n, func(i int) string { return fmt.Sprintf(strings.ReplaceAll(format, "%n", "%[1]d"), i) })
	}
	typo := func(n int, text string) string {
		return counted(n, func(i int) string { return text[:i%len(text)] + "x" + text[i%len(text):] + " " })
	}
	const types = "types{name fields{name args{name type{name}} type{name ofType{name ofType{name}}}}}"
	return []bomb{
		{name: "unknown fields", query: "{users{" + number(1900, "f%n ") + "}}"},
		{name: "unknown fields that are nearly right", query: "{" + typo(440, "productsByIdentity") + "}"},
		{name: "unknown fields of 300 characters", query: "{users{" + number(26, times("name", 75)+"%n ") + "}}"},
		{name: "unknown fields in selections", query: "{users{" + times("orders{quantty totl lins} ", 150) + "}}"},
		{name: "unknown arguments", query: "{users(" + number(660, "f%n:1 ") + "){id}}"},
		{name: "unknown arguments that are nearly right", query: "{" + times("products(frist:1 ofset:1 catgory:A){id}", 48) + "}"},
		{name: "one argument over and over", query: "{users(" + times("first:1 ", 660) + "){id}}"},
		{name: "unknown types", query: "{" + number(380, "...on T%n{id}") + "}"},
		{name: "unknown types that are nearly right", query: "{" + times("...on Prodct{id}", 380) + "}"},
		{name: "unknown directives", query: "{__typename " + times("@a", 990) + "}"},
		{name: "directives over and over", query: "{__typename " + times("@skip(if:false)", 280) + "}"},
		{name: "directives of the schema", query: "{__typename " + times(`@rest(service:"a",get:"/")`, 150) + "}"},
		{name: "undefined variables", query: "{usersById(ids:[" + number(980, "$v%n ") + "]){id}}"},
		{name: "undefined variables in fragments", query: "{...F0}" + counted(90, func(i int) string {
			return fmt.Sprintf("fragment F%d on Query{a%d:users(first:$v%d){id} ...F%d}", i, i%40, i, i+1)
		}) + "fragment F90 on Query{__typename}"},
		{name: "variables nobody uses", query: "query(" + number(490, "$v%n:Int ") + "){__typename}"},
		{name: "one variable over and over", query: "query(" + times("$v:Int ", 490) + "){__typename}"},
		{name: "variables of unknown types", query: "query(" + number(490, "$v%n:T%n ") + "){__typename}"},
		{name: "variables with defaults of other types", query: "query(" + number(320, "$v%n:Int=[1] ") + "){__typename}"},
		{name: "variables where others belong", query: "query($v:Boolean){usersById(ids:[" + times("$v ", 980) + "]){id}}"},
		{name: "wrong items of a list", query: "{usersById(ids:[" + times("true ", 1980) + "]){id}}"},
		{name: "lists in lists", query: "{usersById(ids:" + times("[", 58) + times("1 ", 1800) + times("]", 58) + "){id}}"},
		{name: "unknown members", query: "mutation{createOrder(input:{" + number(650, "m%n:1 ") + "}){id}}"},
		{name: "one member over and over", query: "mutation{createOrder(input:{" + times("customerId:1 ", 650) + "}){id}}"},
		{name: "objects without their members", query: "mutation{createOrder(input:{customerId:1 lines:[" + times("{}", 980) + "]}){id}}"},
		{name: "enum's values that are nearly right", query: "{" + times("productCount(category:HOM)", 48) + "}"},
		{name: "leaves with selections", query: "{users{" + times("id{a} ", 120) + "}}"},
		{name: "objects without selections", query: "{" + times("users ", 49) + "}"},
		{name: "aliases", query: "{" + number(990, "a%n:__typename ") + "}"},
		{name: "root fields", query: "{" + times("productCount users{id} ", 300) + "}"},
		{name: "introspection, types in types", query: "{__schema{types{" + times("fields{type{", 14) + "name" + times("}}", 14) + "}}}"},
		{name: "introspection, ofType", query: "{__schema{types{" + times("ofType{", 55) + "name" + times("}", 58)},
		{name: "introspection, beside", query: "{" + number(48, "s%n:__schema{types{fields{type{fields{type{fields{name}}}}}}}") + "}"},
		{name: "introspection, 48 schemas", query: "{" + number(48, "s%n:__schema{...F}") + "} fragment F on __Schema{" + types + "}"},
		{name: "introspection, 48 types", query: "{" + number(48, `s%n:__type(name:"Product"){...F}`) + "} fragment F on __Type{fields{name args{name type{name fields{name type{name}}}}}}"},
		{name: "introspection, aliases below", query: "{__schema{" + number(48, "t%n:types{...F}") + "}} fragment F on __Type{name fields{name args{name} type{name}}}"},
	}
}

func bombsOfValues() []bomb {
	const ids, id, create, count = "query($v:[ID!]!){usersById(ids:$v){id}}", "query($v:ID!){user(id:$v){id}}", "mutation($v:OrderInput!){createOrder(input:$v){id}}",
		"query($v:Category){productCount(category:$v)}"
	value := func(name, query, value string) bomb {
		return bomb{name: "variable: " + name, query: query, variables: `{"v":` + value + `}`}
	}
	lines := func(items string) string { return `{"customerId":"1","lines":[` + items + `]}` }
	return []bomb{
		value("an int", id, fill("9")+".5"),
		value("an exponent", id, "1e"+fill("9")),
		value("an exponent of 999999999", id, "1e999999999"),
		value("a small exponent", id, "1e-999999999"),
		value("a fraction", id, "0."+fill("9")),
		value("ints that are too large", "query($v:[Int!]){a:__typename @skip(if:$w)}", "["+fill("99999999999999999999,")+"1]"),
		value("wrong items", ids, "["+fill("true,")+"1]"),
		value("wrong items of one byte", ids, "["+fill("{},")+"1]"),
		value("lists in a list", ids, "["+fill("[],")+"1]"),
		value("nulls", ids, "["+fill("null,")+"1]"),
		value("numbers with exponents", ids, "["+fill("1e400,")+"1]"),
		value("fractions", ids, "["+fill("1.5,")+"1]"),
		value("objects with a member", ids, "["+fill(`{"":0},`)+"1]"),
		value("objects with nine members", ids, "["+fill(`{"":0,"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0},`)+"1]"),
		value("objects that lack members", create, lines(fill("{},")+"{}")),
		value("objects with unknown members", create, lines(fill(`{"a":1},`)+"{}")),
		value("objects with wrong members", create, lines(fill(`{"productId":true,"quantity":"x"},`)+"{}")),
		value("an object with 12,000 unknown members", create, "{"+counted(12_000, func(i int) string { return fmt.Sprintf(`"%d":0,`, i) })+`"z":0}`),
		value("an enum's value", count, `"`+fill("A")+`"`),
		value("a text for an enum in a list", count, "["+fill(`"A",`)+`"A"]`),
		value("a list for an object", create, "["+fill("1,")+"1]"),
		value("100,000 brackets", ids, times("[", 60_000)+times("]", 60_000)),
		value("9,000 brackets", ids, times("[", 9000)+times("]", 9000)),
		value("9,000 objects", create, times(`{"a":`, 9000)+"1"+times("}", 9000)),
		value("brackets without an end", ids, fill("[")),
		value("a text of escapes", "query($v:Int){users(first:$v){id}}", `"`+fill(`\u0041`)+`"`),
		value("a text of pairs", "query($v:Int){users(first:$v){id}}", `"`+fill(`\ud83d\ude00`)+`"`),
		value("a text of quotes", "query($v:Int){users(first:$v){id}}", `"`+fill(`\"`)+`"`),
		value("a text of controls", "query($v:Int){users(first:$v){id}}", `"`+fill(`\u0001`)+`"`),
		{name: "variables nobody defined", query: "{nothing}", variables: "{" + counted(12_000, func(i int) string { return fmt.Sprintf(`"%d":0,`, i) }) + `"z":0}`},
		{name: "variables that all lack", query: "query(" + counted(240, func(i int) string { return fmt.Sprintf("$v%d:ID!", i) }) + "){usersById(ids:[" + counted(240, func(i int) string { return fmt.Sprintf("$v%d ", i) }) + "]){id}}", variables: "{}"},
	}
}

func bombsOfJSON() []bomb {
	var all []bomb
	for name, value := range map[string]string{
		"brackets":                  times("[", 60_000) + times("]", 60_000),
		"9,000 brackets":            times("[", 9000) + times("]", 9000),
		"brackets without an end":   fill("["),
		"9,000 objects":             times(`{"a":`, 9000) + "1" + times("}", 9000),
		"lists":                     "[" + fill("[],") + "1]",
		"lists of one":              "[" + fill("[0],") + "1]",
		"objects":                   "[" + fill("{},") + "1]",
		"objects of one":            "[" + fill(`{"":0},`) + "1]",
		"objects of nine":           "[" + fill(`{"":0,"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0},`) + "1]",
		"objects in objects of one": "[" + fill(`{"":{"":0}},`) + "1]",
		"members":                   "{" + counted(12_000, func(i int) string { return fmt.Sprintf(`"%d":0,`, i) }) + `"z":0}`,
		"numbers":                   "[" + fill("0,") + "1]",
		"texts":                     "[" + fill(`"",`) + "1]",
		"half surrogates":           "[" + fill(`"\ud800",`) + "1]",
		"a number":                  fill("9"),
	} {
		all = append(all,
			bomb{name: "JSON: " + name + " in extensions", query: "{nothing}", extensions: `{"a":` + value + `}`},
			bomb{name: "JSON: " + name + " in a hash", query: "{nothing}", extensions: `{"persistedQuery":{"version":1,"sha256Hash":` + value + `}}`},
			bomb{name: "JSON: " + name + " in an unknown member", query: "{nothing}", more: `,"x":` + value},
			bomb{name: "JSON: " + name + " in variables, and broken behind", query: "{nothing}", variables: `{"a":` + value + `}`, more: `,`},
			bomb{name: "JSON: " + name + " in variables, and a member twice", query: "{nothing}", variables: `{"a":` + value + `}`, more: `,"query":"{a}"`},
			bomb{name: "JSON: " + name + " for variables", query: "{nothing}", variables: value},
		)
	}
	return all
}
