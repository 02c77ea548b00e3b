package security_test

import (
	"fmt"
	"time"
)

// inputs are attacks by the values of variables.
func inputs() []class {
	return []class{{"variables", variableAttacks()}, {"numbers", numberAttacks()}, {"objects", objectAttacks()}, {"strict input", strictInput()}, {"refusals", dearRefusals()}}
}

const byID = "query($id:ID!){user(id:$id){id}}"

func variableAttacks() []attack {
	return []attack{
		{name: "one of 120 KB", send: variables(byID, `{"id":"`+times("x", 120_000)+`"}`), want: verdict{status: list("200 400"), memory: 16 << 20}},
		{name: "10,000 unknown", send: variables("{__typename}", "{"+counted(9000, func(i int) string { return fmt.Sprintf(`"v%d":1,`, i) })+`"z":1}`), want: verdict{status: list("200 400")}},
		{name: "a name of 100 KB", send: variables("{__typename}", `{"`+times("k", 100_000)+`":1}`), want: verdict{status: list("200 400")}},
		{name: "names like those of prototypes", send: variables(byID, `{"__proto__":{"id":"1"},"constructor":{"prototype":{"id":"1"}}}`), want: invalid()},
		{name: "an id like that of a prototype", send: variables(byID, `{"id":"__proto__"}`), want: serve("users GET /users/__proto__")},
		{name: "missing", send: variables(byID, `{}`), want: invalid()},
		{name: "null for what must not be", send: variables(byID, `{"id":null}`), want: invalid()},
		{name: "true for an ID", send: variables(byID, `{"id":true}`), want: invalid()},
		{name: "a list for an ID", send: variables(byID, `{"id":["1"]}`), want: invalid()},
		{name: "an object for an ID", send: variables(byID, `{"id":{"$ne":null}}`), want: invalid()},
		{name: "a fraction for an ID", send: variables(byID, `{"id":1.5}`), want: invalid()},
		{name: "a number above 2⁵³ for an ID keeps its digits", send: variables(byID, `{"id":9007199254740993}`), want: serve("users GET /users/9007199254740993")},
		{name: "half of a surrogate pair", send: variables(byID, `{"id":"\ud800"}`), want: verdict{status: list("200 400")}},
		{name: "surrogates the wrong way round", send: variables(byID, `{"id":"\udc00\ud800"}`), want: verdict{status: list("200 400")}},
		{name: "an overlong slash", send: variables(byID, "{\"id\":\"..\xc0\xaf\"}"), want: bad()},
		{name: "half a character", send: variables(byID, "{\"id\":\"\xe2\x82\"}"), want: bad()},
		{name: "surrogates in UTF-8", send: variables(byID, "{\"id\":\"\xed\xa0\x80\"}"), want: bad()},
		{name: "beyond Unicode", send: variables(byID, "{\"id\":\"\xf4\x90\x80\x80\"}"), want: bad()},
		{name: "NUL", send: variables(byID, `{"id":"a\u0000b"}`), want: serve("users GET /users/a%00b")},
		{name: "a control character that isn't escaped", send: variables(byID, "{\"id\":\"a\x01b\"}"), want: bad()},
		{name: "a line break that isn't escaped", send: variables(byID, "{\"id\":\"a\r\nb\"}"), want: bad()},
		{name: "long names in errors", send: variables("mutation($o:OrderInput!){createOrder(input:$o){id}}", `{"o":{"`+times("n", 50_000)+`":1}}`), want: invalid()},
		{name: "long values in errors", send: variables("query($c:Category){productCount(category:$c)}", `{"c":"`+times("n", 100_000)+`"}`), want: invalid()},
		{name: "an enum in lower case", send: variables("query($c:Category){productCount(category:$c)}", `{"c":"home"}`), want: invalid()},
		{name: "an enum as a number", send: variables("query($c:Category){productCount(category:$c)}", `{"c":0}`), want: invalid()},
		{name: "an enum with a query behind it", send: variables("query($c:Category){productCount(category:$c)}", `{"c":"HOME&limit=1000"}`), want: invalid()},
		{name: "lists in lists for a list", send: variables("query($ids:[ID!]!){usersById(ids:$ids){id}}", `{"ids":[[["1"]]]}`), want: invalid()},
		{name: "null in a list that must not have it", send: variables("query($ids:[ID!]!){usersById(ids:$ids){id}}", `{"ids":["1",null]}`), want: invalid()},
		{name: "one id 20,000 times", send: variables("query($ids:[ID!]!){usersById(ids:$ids){id}}", `{"ids":[`+times(`"1",`, 20_000)+`"1"]}`),
			want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20, services: atMost(2)}},
		{name: "a text for an object", send: variables("mutation($o:OrderInput!){createOrder(input:$o){id}}", `{"o":"{\"customerId\":1}"}`), want: invalid()},
		{name: "a boolean as text", send: variables("query($b:Boolean!){__typename @skip(if:$b)}", `{"b":"false"}`), want: invalid()},
		{name: "a boolean as a number", send: variables("query($b:Boolean!){__typename @skip(if:$b)}", `{"b":0}`), want: invalid()},
		{name: "a text as a number", send: variables("query($t:String!){search(text:$t){__typename}}", `{"t":1}`), want: invalid()},
		{name: "where another type belongs", send: variables("query($id:Int!){user(id:$id){id}}", `{"id":1}`), want: invalid()},
		{name: "nullable where null must not be", send: variables("query($id:ID){user(id:$id){id}}", `{"id":"1"}`), want: invalid()},
	}
}

// atMost is how many requests services may get.
func atMost(n int) func([]received) error {
	return func(got []received) error {
		if len(got) > n {
			return fmt.Errorf("services got %d requests, over %d", len(got), n)
		}
		return nil
	}
}

func numberAttacks() []attack {
	first := func(value string) []byte {
		return variables("query($n:Int){users(first:$n){id}}", `{"n":`+value+`}`)
	}
	var all []attack
	for _, value := range []string{"2147483648", "-2147483649", "9223372036854775808", "1e400", "-1e400", "1.5", "1e-1", `"1"`, "true", "[1,2]", "{}", "12345678901234567890123456789"} {
		all = append(all, attack{name: "variable " + value, send: first(value), want: invalid()})
	}
	for _, value := range []string{"NaN", "Infinity", "0x10", "01", "1.", ".5", "+1", "1_000", "--1", "１"} {
		all = append(all, attack{name: "no JSON " + value, send: first(value), want: bad()})
	}
	return append(all,
		attack{name: "a variable of 100,000 digits", send: first(times("9", 100_000)), want: invalid()},
		attack{name: "a variable with a huge exponent", send: first("1e" + times("9", 50_000)), want: verdict{status: list("400"), refused: true}},
		attack{name: "negative is for the service to refuse", send: first("-1"), want: serve("users GET /users?limit=-1")},
		attack{name: "the largest there is", send: first("2147483647"), want: serve("users GET /users?limit=2147483647")},
		attack{name: "minus nothing", send: first("-0"), want: serve("users GET /users?limit=0")},
		attack{name: "3.0 is 3", send: first("3.0"), want: serve("users GET /users?limit=3")},
		attack{name: "3e0 is 3", send: first("3e0"), want: serve("users GET /users?limit=3")},
	)
}

func objectAttacks() []attack {
	const create = "mutation($o:OrderInput!){createOrder(input:$o){id}}"
	const update = "mutation($p:OrderPatch!){updateOrder(id:\"1\",input:$p){id}}"
	return []attack{
		{name: "a member that isn't in the schema", send: variables(create, `{"o":{"customerId":"1","lines":[],"total":0}}`), want: invalid()},
		{name: "members like prototypes", send: variables(create, `{"o":{"customerId":"1","lines":[],"__proto__":{"admin":true}}}`), want: invalid()},
		{name: "members in another case", send: variables(create, `{"o":{"CustomerID":"1","Lines":[]}}`), want: invalid()},
		{name: "JSON in a text stays a text", send: variables(update, `{"p":{"note":"\",\"status\":\"DELIVERED"}}`), want: bodied(`{"note":"\",\"status\":\"DELIVERED"}`)},
		{name: "braces in a text stay a text", send: variables(update, `{"p":{"note":"}{\"a\":1}"}}`), want: bodied(`{"note":"}{\"a\":1}"}`)},
		{name: "placeholders in a text stay a text", send: variables(update, `{"p":{"note":"{header.Authorization} {this.id} {{x}}"}}`, "Authorization", "Bearer mine"),
			want: bodied(`{"note":"{header.Authorization} {this.id} {{x}}"}`)},
		{name: "line breaks in a text are escaped", send: variables(update, `{"p":{"note":"a\r\n\r\nGET / HTTP/1.1"}}`), want: bodied(`{"note":"a\r\n\r\nGET / HTTP/1.1"}`)},
		{name: "NUL in a text is escaped", send: variables(update, `{"p":{"note":"a\u0000"}}`), want: bodied(`{"note":"a\u0000"}`)},
		{name: "expressions in a text stay a text", send: variables(update, `{"p":{"note":"${jndi:ldap://x/a} {{7*7}} <%= 7*7 %>"}}`), want: bodied(`{"note":"${jndi:ldap://x/a} {{7*7}} <%= 7*7 %>"}`)},
	}
}

func strictInput() []attack {
	first := func(value string) []byte { return document("{products(first:" + value + "){id}}") }
	return []attack{
		{name: "a variable twice", send: variables("query($id:ID!){user(id:$id){id}}", `{"id":"1","id":"2"}`), want: bad()},
		{name: "a member of a variable twice", send: variables("mutation($p:OrderPatch!){updateOrder(id:1,input:$p){id}}", `{"p":{"note":"a","note":"b"}}`), want: bad()},
		{name: "a member of a variable twice, once escaped", send: variables("query($id:ID!){user(id:$id){id}}", `{"id":"1","\u0069d":"2"}`), want: bad()},
		{name: "a variable twice in the URL", send: get(`/graphql?query=query($id:ID!)%7Buser(id:$id)%7Bid%7D%7D&variables=%7B%22id%22:1,%22id%22:2%7D`), want: bad()},
		{name: "an unknown member twice", send: post(`{"query":"{__typename}","x":1,"x":2}`), want: bad()},
		{name: "variables in another case", send: post(`{"query":"{__typename}","Variables":{"a":1}}`), want: bad()},
		{name: "operationName in another case", send: post(`{"query":"query A{__typename}","operationname":"B"}`), want: bad()},
		{name: "half of a surrogate pair", send: variables("query($id:ID!){user(id:$id){id}}", `{"id":"\ud800"}`), want: bad()},
		{name: "an Int literal of 33 bits is a request error", send: first("2147483648"), want: invalid()},
		{name: "a negative Int literal of 33 bits is a request error", send: first("-2147483649"), want: invalid()},
		{name: "an Int literal of 64 bits is a request error", send: first("9223372036854775807"), want: invalid()},
		{name: "a fragment with variables of its own", send: document("{...F} fragment F($a:Int=1) on Query{__typename}"), want: verdict{status: list("400"), refused: true}},
	}
}

// Garbage counts: it is memory until it is collected.
func dearRefusals() []attack {
	return []attack{
		{name: "600 unknown fragments", send: document("{" + counted(600, func(i int) string { return fmt.Sprintf("...F%d ", i) }) + "}"), want: invalid()},
		{name: "20,000 wrong items of a list", send: variables("query($ids:[ID!]!){usersById(ids:$ids){id}}", `{"ids":[`+times("true,", 20_000)+"true]}"), want: invalid()},
		{name: "12,000 wrong objects of a list", send: variables("mutation($o:OrderInput!){createOrder(input:$o){id}}", `{"o":{"customerId":"1","lines":[`+times(`{"a":1},`, 12_000)+"{}]}}"), want: invalid()},
	}
}
