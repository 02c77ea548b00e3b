package security_test

import (
	"fmt"
	"time"
)

// disclosure are attempts to learn the schema where it isn't shown, and to make introspection expensive where it is.
func disclosure() []class {
	return []class{{"introspection that is off", introspection()}, {"suggestions", suggestions()}, {"introspection as amplifier", amplifiers()}}
}

func introspection() []attack {
	var all []attack
	for name, doc := range map[string]string{
		"__schema":               "{__schema{queryType{name}}}",
		"__type":                 `{__type(name:"User"){name}}`,
		"under an alias":         "{a:__schema{queryType{name}}}",
		"in a fragment":          "{...F} fragment F on Query{__schema{queryType{name}}}",
		"in an inline fragment":  "{...on Query{__schema{queryType{name}}}}",
		"in fragments in turn":   "{...F} fragment F on Query{...{...G}} fragment G on Query{__type(name:\"User\"){name}}",
		"in a mutation":          "mutation{__schema{queryType{name}}}",
		"below an object":        `{user(id:"1"){__schema{queryType{name}}}}`,
		"beside what may be":     "{__typename __schema{queryType{name}}}",
		"behind a skip":          "query($s:Boolean=false){__schema @skip(if:$s){queryType{name}}}",
		"skipped":                "{__schema @skip(if:true){queryType{name}} __typename}",
		"with white space":       "{\n\t,,,__schema\n,,{queryType{name}}}",
		"in the second of two":   "query A{__typename} query B{__schema{queryType{name}}}",
		"with a variable's name": `query($n:String!="User"){__type(name:$n){name}}`,
		"behind a comment":       "{#\n__schema#\n{queryType{name}}}",
		"_service":               "{_service{sdl}}",
		"_entities":              "{_entities(representations:[]){__typename}}",
	} {
		all = append(all, attack{name: name, on: "closed", send: document(doc), want: verdict{status: list("400"), codes: list("GRAPHQL_VALIDATION_FAILED"), refused: true}.without(`"queryType"`, `"name":"`)})
	}
	return append(all,
		attack{name: "by GET", on: "closed", send: get("/graphql?query=%7B__schema%7BqueryType%7Bname%7D%7D%7D"), want: invalid()},
		attack{name: "chosen by name", on: "closed", send: post(`{"query":"query A{__typename} query B{__schema{queryType{name}}}","operationName":"A"}`), want: invalid()},
		attack{name: "with the old media type", on: "closed", send: document("{__schema{queryType{name}}}", "Accept", "application/json"), want: refuse("200", "GRAPHQL_VALIDATION_FAILED")},
		attack{name: "__typename may be", on: "closed", send: document("{__typename}"), want: serve([]string{}...)},
	)
}

func suggestions() []attack {
	var all []attack
	for name, doc := range map[string]string{
		"a field":               "{usr(id:1){id}}",
		"a field in capitals":   "{USERS{id}}",
		"a field of an object":  `{user(id:"1"){nam}}`,
		"a field of another":    `{user(id:"1"){sku}}`,
		"an argument":           "{user(idd:1){id}}",
		"an argument of three":  "{products(frist:1){id}}",
		"an enum's value":       "{productCount(category:HOM)}",
		"an enum as text":       `{productCount(category:"HOME")}`,
		"an input's member":     `mutation{createOrder(input:{customrId:1,lines:[]}){id}}`,
		"a member of an item":   `mutation{createOrder(input:{customerId:1,lines:[{productId:1,quantty:1}]}){id}}`,
		"a type":                "{user(id:1){...on Usr{id}}}",
		"a type of a fragment":  "{...F} fragment F on Produkt{id}",
		"a type of a variable":  "query($a:Strin){__typename}",
		"a directive":           "{__typename @skipp(if:true)}",
		"a directive's own":     "{__typename @skip(iff:true)}",
		"a fragment":            "{...Fx} fragment F on Query{__typename}",
		"a selection's absence": "{users}",
		"a variable":            "query($idd:ID!){user(id:$id){id}}",
		"a mutation":            "mutation{cancelOrdr(id:1)}",
		"an interface's field":  "{feed{text}}",
		"a union's field":       `{search(text:"a"){name}}`,
		"introspection's own":   "{__typ}",
	} {
		all = append(all, attack{name: name, on: "closed", send: document(doc), want: invalid().without("did you mean", "perhaps", "suggest", "an inline fragment on")})
	}
	vars := map[string][2]string{
		"an enum's value in a variable":   {"query($c:Category){productCount(category:$c)}", `{"c":"HOM"}`},
		"an input's member in a variable": {"mutation($o:OrderInput!){createOrder(input:$o){id}}", `{"o":{"customrId":"1","lines":[]}}`},
		"a variable's name":               {"query($id:ID!){user(id:$id){id}}", `{"idd":"1"}`},
	}
	for name, v := range vars {
		all = append(all, attack{name: name, on: "closed", send: variables(v[0], v[1]), want: invalid().without("did you mean", "KITCHEN")})
	}
	return all
}

func amplifiers() []attack {
	const types = "types{name fields{name args{name type{name}} type{name ofType{name ofType{name}}}}}"
	bounded := verdict{status: list("200 400"), cpu: 2 * time.Second, memory: 256 << 20}
	return []attack{
		{name: "fields of types of fields of types", send: document("{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}"), want: large()},
		{name: "interfaces and possible types", send: document("{__schema{types{possibleTypes{interfaces{possibleTypes{interfaces{name}}}}}}}"), want: large()},
		{name: "through fragments", send: document("{__schema{types{...T}}} fragment T on __Type{fields{type{...U}}} fragment U on __Type{fields{type{...V}}} fragment V on __Type{fields{name}}"), want: large()},
		{name: "through input fields", send: document("{__schema{types{inputFields{type{inputFields{type{inputFields{name}}}}}}}}"), want: large()},
		{name: "fragments that double", send: document("{__schema{types{...F0}}}" + counted(25, func(i int) string { return fmt.Sprintf("fragment F%d on __Type{...F%d ...F%d}", i, i+1, i+1) }) + "fragment F25 on __Type{name}"), want: verdict{status: list("200 400"), memory: 32 << 20}},
		{name: "ofType 40 deep", send: document("{__schema{types{" + times("ofType{", 40) + "name" + times("}", 43)), want: large()},
		{name: "the whole schema once", send: document("{__schema{" + types + "}}"), want: verdict{status: list("200 400"), cpu: time.Second, memory: 64 << 20}},
		{name: "fields of fields, 10 times", send: document("{" + counted(10, func(i int) string { return fmt.Sprintf("s%d:__schema{types{name}} ", i) }) + "}"), want: bounded},
		{name: "a cycle", send: document("{__schema{types{...F}}} fragment F on __Type{fields{type{...F}}}"), want: invalid()},
	}
}
