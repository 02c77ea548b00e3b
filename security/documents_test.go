package security_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// documents are attacks by what a document says.
func documents() []class {
	return []class{
		{"aliases", aliases()}, {"directives", directives()}, {"fragments", fragments()}, {"nesting", nesting()},
		{"overlap", overlap()}, {"overlap of merged selections", mergedOverlap()}, {"literals", literals()}, {"operations", operations()}, {"text", texts()},
	}
}

func aliases() []attack {
	return []attack{
		{name: "60 of one field", send: document("{" + counted(60, func(i int) string { return fmt.Sprintf("a%d:productCount ", i) }) + "}"), want: large()},
		{name: "900 of __typename", send: document("{" + counted(900, func(i int) string { return fmt.Sprintf("a%d:__typename ", i) }) + "}"), want: large()},
		{name: "20,000 of __typename", send: document("{" + counted(9000, func(i int) string { return fmt.Sprintf("a%d:__typename ", i) }) + "}"), want: large()},
		{name: "through a fragment spread often", send: document("{" + times("...F ", 1) + counted(30, func(i int) string { return fmt.Sprintf("u%d:user(id:%d){...F}", i, i) }) +
			"} fragment F on User{a:name b:name c:name d:name}"), want: refuse("400", "REQUEST_TOO_LARGE GRAPHQL_VALIDATION_FAILED")},
		{name: "through fragments that double", send: document("query{product(id:1){...F0}}" + counted(20, func(i int) string {
			return fmt.Sprintf("fragment F%d on Product{...F%d ...F%d}", i, i+1, i+1)
		}) + "fragment F20 on Product{a:id}"), want: large()},
		{name: "in inline fragments", send: document("{" + counted(80, func(i int) string { return fmt.Sprintf("...{a%d:productCount}", i) }) + "}"), want: large()},
		{name: "that spell the field's own name", send: document("{" + times("productCount:productCount ", 40) + "}"), want: serve("catalog GET /base/products?limit=0")},
		{name: "of mutations", send: document("mutation{" + counted(60, func(i int) string { return fmt.Sprintf("a%d:cancelOrder(id:%d) ", i, i) }) + "}"), want: large()},
		{name: "of 60 guesses at a secret id", send: document("{" + counted(60, func(i int) string { return fmt.Sprintf("a%d:order(id:%d){id} ", i, 1000+i) }) + "}"), want: large()},
		{name: "guessing 49 ids costs few requests", send: document("{" + counted(49, func(i int) string { return fmt.Sprintf("a%d:order(id:%d){id} ", i, 1000+i) }) + "}"),
			want: verdict{status: list("200"), cpu: time.Second, memory: 16 << 20, services: func(got []received) error {
				if len(got) > 3 { // one, and more when the machine is so slow that a batch doesn't wait for all keys
					return fmt.Errorf("%d requests", len(got))
				}
				return nil
			}}},
		{name: "60 root fields without aliases", send: document("{" + times("productCount feed{id} ", 30) + "}"), want: large()},
		{name: "a thousand characters long", send: document("{" + times("a", 100_000) + ":__typename}"), want: serve()},
		{name: "of reserved names", send: document("{__schema:__typename __type:productCount}"), want: serve("catalog GET /base/products?limit=0")},
		{name: "like members of prototypes", send: document("{__proto__:__typename constructor:__typename toString:__typename hasOwnProperty:__typename}"), want: serve()},
		{name: "data and errors", send: document("{data:__typename errors:__typename extensions:__typename}"), want: serve()},
	}
}

func directives() []attack {
	return []attack{
		{name: "900 unknown on a field", send: document("{__typename " + times("@a ", 900) + "}"), want: large()},
		{name: "30,000 unknown on a field", send: document("{__typename " + times("@a", 30_000) + "}"), want: large()},
		{name: "250 of @skip on a field", send: document("{__typename " + times("@skip(if:false)", 250) + "}"), want: large()},
		{name: "250 of @include on a fragment", send: document("{...F} fragment F on Query " + times("@include(if:true)", 250) + "{__typename}"), want: large()},
		{name: "900 on an operation", send: document("query " + times("@x ", 900) + "{__typename}"), want: large()},
		{name: "900 on a variable", send: document("query($a:Int " + times("@x ", 900) + "){products(first:$a){id}}"), want: large()},
		{name: "900 on a spread", send: document("{...F " + times("@x ", 900) + "} fragment F on Query{__typename}"), want: large()},
		{name: "900 on an inline fragment", send: document("{... " + times("@x ", 900) + "{__typename}}"), want: large()},
		{name: "of the schema alone", send: document(`{__typename @rest(service:"users",get:"/")}`), want: invalid()},
		{name: "@ref in a document", send: document(`{user(id:1) @ref(key:"2"){id}}`), want: invalid()},
		{name: "@deprecated in a document", send: document(`{__typename @deprecated(reason:"x")}`), want: invalid()},
		{name: "@specifiedBy in a document", send: document(`{__typename @specifiedBy(url:"http://x")}`), want: invalid()},
		{name: "@goField in a document", send: document(`{__typename @goField(name:"x")}`), want: invalid()},
		{name: "@skip without an argument", send: document(`{__typename @skip}`), want: invalid()},
		{name: "@skip of a text", send: document(`{__typename @skip(if:"true")}`), want: invalid()},
		{name: "@skip of null", send: document(`{__typename @skip(if:null)}`), want: invalid()},
		{name: "@skip of an undefined variable", send: document(`{__typename @skip(if:$x)}`), want: invalid()},
		{name: "@skip with an argument twice", send: document(`{__typename @skip(if:true,if:false)}`), want: invalid()},
		{name: "@defer nested 20 times", send: document("{" + times("...@defer{", 20) + "__typename" + times("}", 21)), want: verdict{status: list("200 400")}},
		{name: "@defer 300 times beside", send: document("{" + times("...@defer{__typename} ", 300) + "}"), want: verdict{status: list("200 400")}},
		{name: "everything skipped", send: document(`{user(id:1) @skip(if:true){id}}`), want: serve([]string{}...)},
		{name: "skip and include at once", send: document(`{user(id:1) @skip(if:true) @include(if:true){id}}`), want: serve([]string{}...)},
	}
}

func fragments() []attack {
	chain := func(n int, last string) string {
		return "{...F0}" + counted(n, func(i int) string { return fmt.Sprintf("fragment F%d on Query{...F%d ...F%d}", i, i+1, i+1) }) +
			fmt.Sprintf("fragment F%d on Query{%s}", n, last)
	}
	// tower is a document whose fragments have w selections of the next one's fields each.
	tower := func(n, w int, field string) string {
		return "{product(id:1){...F0}}" + counted(n, func(i int) string {
			return fmt.Sprintf("fragment F%d on Product{%s}", i, times(fmt.Sprintf("%s{...F%d}", field, i+1), w))
		}) + fmt.Sprintf("fragment F%d on Product{id}", n)
	}
	return []attack{
		{name: "that spreads itself", send: document("{...F} fragment F on Query{...F}"), want: invalid()},
		{name: "cycle of two", send: document("{...A} fragment A on Query{...B} fragment B on Query{...A}"), want: invalid()},
		{name: "cycle of 200", send: document("{...F0}" + counted(200, func(i int) string { return fmt.Sprintf("fragment F%d on Query{...F%d}", i, (i+1)%200) })), want: invalid()},
		{name: "cycle through a field", send: document("{product(id:1){...A}} fragment A on Product{related{...A}}"), want: invalid()},
		{name: "cycle through inline fragments", send: document("{...A} fragment A on Query{...{...on Query{...A}}}"), want: invalid()},
		{name: "cycle that nothing uses", send: document("{__typename} fragment A on Query{...B} fragment B on Query{...A}"), want: invalid()},
		{name: "cycle with @skip", send: document("{...A} fragment A on Query{...A @skip(if:true)}"), want: invalid()},
		{name: "100 that double, with a field", send: document(chain(100, "__typename")), want: refuse("400", "REQUEST_TOO_LARGE")},
		{name: "100 that double, with an alias", send: document(chain(100, "a:productCount")), want: large()},
		{name: "100 that double, unknown at the end", send: document(chain(100, "...G")), want: refuse("400", "GRAPHQL_VALIDATION_FAILED REQUEST_TOO_LARGE")},
		{name: "100 that double, introspecting", send: document(chain(100, "__schema{queryType{name}}")), want: large()},
		{name: "fields that double 11 deep", send: document(tower(11, 2, "related")), want: serve("catalog GET /base/products/1")},
		{name: "fields that double 17 deep", send: document(tower(17, 2, "related")), want: large()},
		{name: "fields that triple 17 deep", send: document(tower(17, 3, "related")), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "fields ten times 17 deep", send: document(tower(17, 10, "related")), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "fields that double 30 deep", send: document(tower(30, 2, "related")), want: large()},
		{name: "that double over two types", send: document("{product(id:1){...F0}}" + counted(8, func(i int) string {
			return fmt.Sprintf("fragment F%d on Product{seller{products{...F%d ...F%d}} seller{products{...F%d}}}", i, i+1, i+1, i+1)
		}) + "fragment F8 on Product{id}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "200 that nothing uses", send: document("{__typename}" + counted(200, func(i int) string { return fmt.Sprintf("fragment F%d on Query{__typename}", i) })), want: invalid()},
		{name: "one spread 900 times", send: document("{" + times("...F ", 900) + "} fragment F on Query{__typename}"), want: large()},
		{name: "one with a body spread 40 times", send: document("{" + times("...F ", 40) + "} fragment F on Query{__typename}"), want: serve()},
		{name: "on a type that isn't", send: document("{...F} fragment F on Nothing{id}"), want: invalid()},
		{name: "on a scalar", send: document("{...F} fragment F on Int{id}"), want: invalid()},
		{name: "on an input", send: document("{...F} fragment F on OrderInput{note}"), want: invalid()},
		{name: "that can't apply", send: document("{user(id:1){...on Product{id}}}"), want: invalid()},
		{name: "defined twice", send: document("{...F} fragment F on Query{__typename} fragment F on Query{productCount}"), want: invalid()},
		{name: "called on", send: document("{...on} fragment on on Query{__typename}"), want: unparsed()},
		{name: "without a type", send: document("{...F} fragment F{__typename}"), want: unparsed()},
		{name: "inline, 300 deep", send: document("{" + times("...{", 300) + "__typename" + times("}", 301)), want: large()},
		{name: "of all types of an interface, doubled", send: document("{feed{...F0}}" + counted(15, func(i int) string {
			return fmt.Sprintf("fragment F%d on FeedItem{...on ReviewPosted{...F%d} ...on QuestionAsked{...F%d} ...on PhotoShared{...F%d}}", i, i+1, i+1, i+1)
		}) + "fragment F15 on FeedItem{id}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "that make another combination at each field", send: document("{product(id:1){...S0 ...R0}}" + counted(8, func(i int) string {
			return fmt.Sprintf("fragment S%[1]d on Product{related{...S%[2]d ...R0} reviews{product{...S%[2]d}}}fragment R%[1]d on Product{related{...R%[2]d} reviews{product{...R%[2]d}}}", i, i+1)
		}) + "fragment S8 on Product{id} fragment R8 on Product{sku}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "of an interface through products", send: document("{feed{...F0}}" + counted(9, func(i int) string {
			return fmt.Sprintf("fragment F%d on FeedItem{...on ReviewPosted{product{related{reviews{product{related{id}}}}} ...F%d} ...on PhotoShared{product{id} ...F%d}}", i, i+1, i+1)
		}) + "fragment F9 on FeedItem{id}"), want: verdict{status: list("200 400"), cpu: 2 * time.Second, memory: 256 << 20}},
	}
}

func nesting() []attack {
	var all []attack
	for _, n := range []struct {
		name, open, inner, shut string
		depth                   int
	}{
		{"braces", "{a", "", "}", 30_000},
		{"braces never closed", "{a", "", "", 60_000},
		{"inline fragments never closed", "{...", "", "", 30_000},
		{"brackets in an argument", "[", "1", "]", 60_000},
		{"objects in an argument", "{a:", "1", "}", 30_000},
		{"brackets in a default", "[", "1", "]", 900},
		{"objects in a default", "{a:", "1", "}", 600},
		{"types of a variable", "[", "Int", "]", 60_000},
		{"parentheses", "(", "", ")", 60_000},
		{"closers", "}", "", "", 120_000},
		{"openers and closers in turn", "{}", "", "", 60_000},
	} {
		text := times(n.open, n.depth) + n.inner + times(n.shut, n.depth)
		switch {
		case strings.HasSuffix(n.name, "an argument"):
			text = "{products(first:" + text + "){id}}"
		case strings.HasSuffix(n.name, "a default"):
			text = "query($a:Int=" + text + "){products(first:$a){id}}"
		case strings.HasPrefix(n.name, "types"):
			text = "query($a:" + text + "){__typename}"
		}
		text = text[:min(len(text), 128<<10-200)]
		want := refuse("400", "REQUEST_TOO_LARGE GRAPHQL_PARSE_FAILED")
		all = append(all, attack{name: n.name, send: document(text), want: want})
	}
	deep := func(n int) string {
		return "{product(id:1){" + times("related{", n) + "id" + times("}", n+2)
	}
	return append(all,
		attack{name: "fields 19 deep are served", send: document(deep(17)), want: serve("catalog GET /base/products/1")},
		attack{name: "fields 25 deep", send: document(deep(25)), want: large()},
		attack{name: "fields 62 deep", send: document(deep(60)), want: large()},
		attack{name: "fields 500 deep", send: document(deep(500)), want: large()},
		attack{name: "user to orders to user", send: document("{users{" + times("orders{customer{", 15) + "id" + times("}}", 15) + "}}"), want: large()},
		attack{name: "in a string", send: document(`{search(text:"` + times("{[(", 20_000) + `"){__typename}}`), want: verdict{status: list("200 400"), memory: 64 << 20}},
		attack{name: "in a comment", send: document("#" + times("{[(", 30_000) + "\n{__typename}"), want: serve()},
		attack{name: "in a block string", send: document(`{search(text:"""` + times("{", 10_000) + `"""){__typename}}`), want: verdict{status: list("200 400"), memory: 64 << 20}},
		attack{name: "variables of JSON", send: variables("query($a:Int){products(first:$a){id}}", `{"a":`+times("[", 60_000)+times("]", 60_000)+"}"), want: refuse("400", "")},
		attack{name: "variables of JSON, 5,000 deep", send: variables("query($a:Int){products(first:$a){id}}", `{"a":`+times("[", 5000)+times("]", 5000)+"}"), want: refuse("400", "")},
		attack{name: "variables of objects, 9,000 deep", send: variables("mutation($a:OrderInput!){createOrder(input:$a){id}}", `{"a":`+times(`{"lines":`, 9000)+"1"+times("}", 9000)+"}"), want: refuse("400", "")},
		attack{name: "extensions of JSON", send: post(`{"query":"{__typename}","extensions":{"a":` + times("[", 30_000) + times("]", 30_000) + "}}"), want: refuse("400", "")},
		attack{name: "unknown members of JSON", send: post(`{"query":"{__typename}","x":` + times("[", 60_000) + times("]", 60_000) + "}"), want: refuse("400", "")},
		attack{name: "a body of brackets", send: post(times("[", 120_000)), want: bad()},
		attack{name: "a body of objects never closed", send: post(times(`{"a":`, 20_000)), want: bad()},
	)
}

func overlap() []attack {
	return []attack{
		{name: "one field 600 times", send: document("{users{" + times("name ", 600) + "}}"), want: large()},
		{name: "one field 1,900 times", send: document("{users{" + times("id ", 1900) + "}}"), want: large()},
		{name: "one field 120 times", send: document("{users(first:1){" + times("id ", 120) + "}}"), want: serve("users GET /users?limit=1")},
		{name: "two fields under one name, in turn", send: document("{users{" + times("x:id x:name ", 40) + "}}"), want: large()},
		{name: "two fields under one name, 22 pairs", send: document("{users{" + times("x:id x:name ", 22) + "}}"), want: invalid()},
		{name: "arguments that differ, 40 times", send: document("{" + counted(40, func(i int) string { return fmt.Sprintf("products(first:%d){id}", i) }) + "}"), want: invalid()},
		{name: "arguments that differ by a long literal", send: document("{" + counted(40, func(i int) string { return fmt.Sprintf("search(text:%q){__typename}", times("x", 2000+i)) }) + "}"), want: invalid()},
		{name: "in fragments beside one another", send: document("{users{" + counted(60, func(i int) string { return fmt.Sprintf("...F%d ", i) }) + "}}" +
			counted(60, func(i int) string { return fmt.Sprintf("fragment F%d on User{name email role points city}", i) })), want: verdict{status: list("200 400"), memory: 32 << 20}},
		{name: "in 100 fragments with selections", send: document("{users{" + counted(100, func(i int) string { return fmt.Sprintf("...F%d ", i) }) + "}}" +
			counted(100, func(i int) string { return fmt.Sprintf("fragment F%d on User{orders(first:1){id note}}", i) })), want: verdict{status: list("200 400"), memory: 64 << 20}},
		{name: "selections in selections, six wide", send: document("{product(id:1){" + wide(3, 6) + "}}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "selections in selections, two wide", send: document("{product(id:1){" + wide(7, 2) + "}}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "aliases that conflict deep below", send: document("{" + times("product(id:1){seller{address{", 1) + times("x:city ", 24) + "x:street" + "}}}" + "}"), want: invalid()},
		{name: "shapes that conflict on different types", send: document("{feed{...on ReviewPosted{x:review{id}} ...on QuestionAsked{x:answers{text}} ...on PhotoShared{x:url}}}"), want: invalid()},
	}
}

// wide is a selection whose fields stand in it w times, as their own selections do, n deep.
func wide(n, w int) string {
	if n == 0 {
		return "id"
	}
	return times("related{"+wide(n-1, w)+"}", w)
}

func literals() []attack {
	field := func(value string) []byte { return document("{products(first:" + value + "){id}}") }
	return []attack{
		{name: "an int of 100,000 digits", send: field(times("9", 100_000)), want: invalid()},
		{name: "a float of 100,000 digits", send: field("0." + times("9", 100_000)), want: invalid()},
		{name: "an exponent of 100,000 digits", send: field("1e" + times("9", 100_000)), want: invalid()},
		{name: "1e999", send: field("1e999"), want: invalid()},
		{name: "1e2 for an Int", send: field("1e2"), want: invalid()},
		{name: "an int of 64 bits and one", send: field("9223372036854775808"), want: invalid()},
		{name: "a text for an Int", send: field(`"1"`), want: invalid()},
		{name: "a list of one for an Int", send: field(`[1]`), want: invalid()},
		{name: "an object for an Int", send: field(`{a:1}`), want: invalid()},
		{name: "leading zeros", send: field("007"), want: unparsed()},
		{name: "hexadecimal", send: field("0xff"), want: unparsed()},
		{name: "NaN", send: field("NaN"), want: invalid()},
		{name: "a name behind a number", send: field("1a"), want: unparsed()},
		{name: "plus", send: field("+1"), want: unparsed()},
		{name: "a list of 900", send: document("{usersById(ids:[" + times("1 ", 900) + "]){id}}"), want: verdict{status: list("200"), cpu: time.Second, memory: 64 << 20}},
		{name: "a list of 30,000", send: document("{usersById(ids:[" + times("1 ", 30_000) + "]){id}}"), want: large()},
		{name: "an object of 300 unknown members", send: document("mutation{createOrder(input:{" + counted(300, func(i int) string { return fmt.Sprintf("m%d:1 ", i) }) + "}){id}}"), want: invalid()},
		{name: "an object with a member twice", send: document(`mutation{createOrder(input:{customerId:1,customerId:2,lines:[]}){id}}`), want: invalid()},
		{name: "an argument twice", send: document("{user(id:1,id:2){id}}"), want: invalid()},
		{name: "300 unknown arguments", send: document("{user(id:1 " + counted(300, func(i int) string { return fmt.Sprintf("x%d:1 ", i) }) + "){id}}"), want: invalid()},
		{name: "an enum as text", send: document(`{productCount(category:"HOME")}`), want: invalid()},
		{name: "an enum in lower case", send: document(`{productCount(category:home)}`), want: invalid()},
		{name: "true for an ID", send: document(`{user(id:true){id}}`), want: invalid()},
		{name: "a float for an ID", send: document(`{user(id:1.5){id}}`), want: invalid()},
		{name: "an enum for an ID", send: document(`{user(id:HOME){id}}`), want: invalid()},
		{name: "an object for an ID", send: document(`{user(id:{id:1}){id}}`), want: invalid()},
		{name: "a list for an ID", send: document(`{user(id:[1]){id}}`), want: invalid()},
		{name: "null for an ID!", send: document(`{user(id:null){id}}`), want: invalid()},
		{name: "an ID above 2⁵³ keeps its digits", send: document(`{user(id:9007199254740993){id}}`), want: serve("users GET /users/9007199254740993")},
		{name: "a text of 120 KB", send: document(`{search(text:"` + times("x", 120_000) + `"){__typename}}`), want: verdict{status: list("200 400"), memory: 16 << 20}},
		{name: "a text of escapes", send: document(`{search(text:"` + times(`\u0041`, 2000) + `"){__typename}}`), want: verdict{status: list("200 400"), memory: 16 << 20}},
	}
}

func operations() []attack {
	return []attack{
		{name: "300 in a document", send: document(counted(300, func(i int) string { return fmt.Sprintf("query A%d{__typename}", i) })), want: large()},
		{name: "300 of one name", send: document(times("query A{__typename}", 300)), want: large()},
		{name: "300 without a name", send: document(times("{__typename}", 300)), want: large()},
		{name: "100 that spread a chain of fragments", send: post(`{"operationName":"A0","query":` + quoted(counted(100, func(i int) string { return fmt.Sprintf("query A%d($v:Int){...F0}", i) })+
			counted(100, func(i int) string { return fmt.Sprintf("fragment F%d on Query{...F%d}", i, i+1) })+"fragment F100 on Query{products(first:$v){id}}") + "}"),
			want: verdict{status: list("200 400"), memory: 64 << 20}},
		{name: "a name of 100 KB that isn't there", send: post(`{"query":"query A{__typename}","operationName":"` + times("B", 100_000) + `"}`), want: invalid()},
		{name: "a name with line breaks", send: post(`{"query":"query A{__typename}","operationName":"A\r\nX: y"}`), want: invalid()},
		{name: "a name with markup", send: post(`{"query":"query A{__typename}","operationName":"<script>alert(1)</script>"}`), want: invalid()},
		{name: "a name with NUL", send: post(`{"query":"query A{__typename}","operationName":"A\u0000"}`), want: invalid()},
		{name: "an empty name among several", send: post(`{"query":"query A{__typename} query B{__typename}","operationName":""}`), want: invalid()},
		{name: "a name of another kind of letters", send: post(`{"query":"query A{__typename}","operationName":"А"}`), want: invalid()},
		{name: "a name in lower case", send: post(`{"query":"query A{__typename}","operationName":"a"}`), want: invalid()},
		{name: "a mutation that operationName hides", send: post(`{"query":"query A{__typename} mutation B{cancelOrder(id:1)}","operationName":"A"}`), want: serve([]string{}...)},
		{name: "a subscription where there is none", send: document("subscription{__typename}"), want: verdict{status: list("400"), refused: true}},
		{name: "definitions of types", send: document("type A{a:Int} {__typename}"), want: verdict{status: list("400"), refused: true}},
		{name: "an extension of a type", send: document("extend type Query{a:Int}"), want: unparsed()},
		{name: "a directive's definition", send: document("directive @a on FIELD {__typename}"), want: unparsed()},
		{name: "fragments alone", send: document("fragment F on Query{__typename}"), want: unparsed()},
		{name: "nothing but a comment", send: document("# nothing"), want: unparsed()},
		{name: "white space alone", send: document(times(" \n", 40_000)), want: unparsed()},
		{name: "900 variables", send: document("query(" + counted(480, func(i int) string { return fmt.Sprintf("$v%d:Int ", i) }) + "){__typename}"), want: large()},
		{name: "one variable 480 times", send: document("query(" + times("$v:Int ", 480) + "){__typename}"), want: large()},
		{name: "a variable of a type that isn't", send: document("query($v:Nothing){products(first:$v){id}}"), want: invalid()},
		{name: "a variable of an object type", send: document("query($v:User){products(first:$v){id}}"), want: invalid()},
		{name: "a variable in its own default", send: document("query($v:Int=$v){products(first:$v){id}}"), want: verdict{status: list("400"), refused: true}},
		{name: "undefined variables, 300 times", send: document("{" + counted(300, func(i int) string { return fmt.Sprintf("products(first:$v%d){id}", i) }) + "}"), want: refuse("400", "GRAPHQL_VALIDATION_FAILED REQUEST_TOO_LARGE")},
	}
}

func texts() []attack {
	return []attack{
		{name: "2,100 tokens", send: document("{" + times("__typename ", 2098) + "}"), want: large()},
		{name: "120 KB of commas", send: document("{__typename" + times(",", 120_000) + "}"), want: serve()},
		{name: "120 KB of comments", send: document(times("#\n", 50_000) + "{__typename}"), want: large()},
		{name: "one comment of 120 KB", send: document("#" + times("x", 120_000) + "\n{__typename}"), want: serve()},
		{name: "a string never closed", send: document(`{user(id:"` + times("x", 100_000)), want: unparsed()},
		{name: "a block string never closed", send: document(`{user(id:"""` + times("x\n", 40_000)), want: unparsed()},
		{name: "a block string of indents", send: document(`{search(text:"""` + times("\n"+times(" ", 300)+"x", 300) + `"""){__typename}}`), want: verdict{status: list("200 400"), cpu: 250 * time.Millisecond, memory: 16 << 20}},
		{name: "a block string of quotes", send: document(`{search(text:"""` + times(`\"""`, 10_000) + `"""){__typename}}`), want: verdict{status: list("200 400"), memory: 16 << 20}},
		{name: "a block string of blank lines", send: document(`{search(text:"""` + times("\n", 50_000) + `"""){__typename}}`), want: verdict{status: list("200 400"), memory: 32 << 20}},
		{name: "an escape that isn't", send: document(`{user(id:"\x41"){id}}`), want: unparsed()},
		{name: "an escape cut short", send: document(`{user(id:"\u00"){id}}`), want: unparsed()},
		{name: "NUL between tokens", send: document("{__typename\x00}"), want: unparsed()},
		{name: "a control character in a string", send: document("{user(id:\"a\x01\"){id}}"), want: verdict{status: list("200 400")}},
		{name: "a line break in a string", send: document("{user(id:\"a\nb\"){id}}"), want: unparsed()},
		{name: "a byte order mark", send: document("\xef\xbb\xbf{__typename}"), want: serve()},
		{name: "a name in other letters", send: document("{__typenаme}"), want: unparsed()},
		{name: "no-break spaces", send: document("{\u00a0__typename}"), want: unparsed()},
		{name: "text direction marks", send: document("{\u202e__typename}"), want: unparsed()},
		{name: "a dot too few", send: document("{..F}"), want: unparsed()},
		{name: "an empty selection", send: document("{}"), want: unparsed()},
		{name: "an empty selection below", send: document("{user(id:1){}}"), want: unparsed()},
		{name: "empty arguments", send: document("{user(){id}}"), want: unparsed()},
		{name: "a leaf with a selection", send: document("{__typename{a}}"), want: invalid()},
		{name: "an object without", send: document("{user(id:1)}"), want: invalid()},
		{name: "300 unknown fields", send: document("{" + counted(300, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}"), want: refuse("400", "REQUEST_TOO_LARGE GRAPHQL_VALIDATION_FAILED")},
		{name: "300 unknown fields with long names", send: document("{users{" + counted(300, func(i int) string { return fmt.Sprintf("%s%d ", times("nam", 80), i) }) + "}}"), want: invalid()},
		{name: "one unknown field of 100 KB", send: document("{" + times("x", 100_000) + "}"), want: invalid()},
		{name: "an unknown type of 100 KB", send: document("{...on " + times("x", 100_000) + "{id}}"), want: invalid()},
		{name: "a query in a URL's escapes", send: document("%7B__typename%7D"), want: unparsed()},
		{name: "SQL", send: document(`SELECT * FROM users; --`), want: unparsed()},
		{name: "markup in a field's name", send: document(`{<img/src=x>}`), want: unparsed()},
	}
}

// The rule looks at what is merged of all selections, not at each as it is written.
func mergedOverlap() []attack {
	users := func(selection string) []byte { return document("{users{" + selection + " nothing}}") }
	all := []attack{
		{name: "15 of 120", send: users(times("address{"+times("city ", 120)+"}", 15)), want: refuse("400", "")},
		{name: "40 of 44", send: users(times("address{"+times("city ", 44)+"}", 40)), want: refuse("400", "")},
		{name: "110 of 14", send: users(times("address{"+times("city ", 14)+"}", 110)), want: refuse("400", "")},
		{name: "120 of two names", send: users(times("address{"+times("city street ", 6)+"}", 120)), want: refuse("400", "")},
		{name: "three levels", send: users(times("orders{"+times("customer{"+times("name ", 5)+"}", 5)+"}", 40)), want: refuse("400", "")},
		{name: "120 of a fragment", send: document("{users{" + times("address{...F}", 120) + " nothing}} fragment F on Address{" + times("city ", 120) + "}"), want: refuse("400", "")},
		{name: "60 of as many fragments", send: document("{users{" + counted(60, func(i int) string { return fmt.Sprintf("address{...F%d}", i) }) + " nothing}}" +
			counted(60, func(i int) string { return fmt.Sprintf("fragment F%d on Address{%s}", i, times("city ", 12)) })), want: refuse("400", "")},
		{name: "at the root", send: document("{" + times("users{"+times("name ", 30)+"}", 45) + " nothing}"), want: refuse("400", "")},
		{name: "one type over and over", send: document("{product(id:1){" + times("related{"+times("related{"+times("id ", 6)+"}", 6)+"}", 30) + " nothing}}"), want: refuse("400", "")},
		{name: "fragments in fragments", send: document("{feed{...F0 nothing}}" + counted(30, func(i int) string {
			return fmt.Sprintf("fragment F%d on FeedItem{...on ReviewPosted{review{id}...F%d}...on QuestionAsked{answers{text}...F%d}...on PhotoShared{url...F%d}}", i, i+1, i+1, i+1)
		}) + "fragment F30 on FeedItem{id}"), want: refuse("400", "")},
	}
	// What is right costs no more than what is wrong.
	for _, a := range all {
		a.name += ", valid"
		a.send = document(strings.ReplaceAll(textOf(a.send), " nothing", ""))
		a.service, a.want = says("null"), verdict{status: list("200 400"), codes: list("UPSTREAM_INVALID_RESPONSE REQUEST_TOO_LARGE")}
		all = append(all, a)
	}
	return all
}

// textOf is the document of a request that document made.
func textOf(request []byte) string {
	var body struct{ Query string }
	_, text, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	_ = json.Unmarshal(text, &body)
	return body.Query
}
