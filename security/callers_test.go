package security_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"time"
)

// callers are attempts to be somebody else, or to see what others may.
func callers() []class {
	return []class{{"credentials", credentials()}, {"scopes", scopes()}}
}

// token is a JSON Web Token of these parts. Without a key it isn't signed.
func token(header, claims string, key string, algorithm func() hash.Hash) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
	if key == "" {
		return text
	}
	mac := hmac.New(algorithm, []byte(key))
	mac.Write([]byte(text[:len(text)-1]))
	return text + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func credentials() []attack {
	until := func(seconds int64) string {
		return fmt.Sprintf(`{"iss":"https://issuer.test","sub":"a","exp":%d}`, time.Now().Unix()+seconds)
	}
	good := token(hs256, until(3600), signing, sha256.New)
	none := refuse("401", "UNAUTHENTICATED").with("Www-Authenticate")
	none.status = append(none.status, "400", "403")
	none.has = nil
	with := func(headers ...string) []byte { return document(`{user(id:"1"){id}}`, headers...) }
	bearer := func(text string) []byte { return with("Authorization", "Bearer "+text) }
	attacks := []attack{
		{name: "none", send: with()},
		{name: "none by GET", send: get("/graphql?query=%7B__typename%7D")},
		{name: "none by an escaped path", send: get("/%67raphql?query=%7B__typename%7D")},
		{name: "none, introspecting", send: document("{__schema{queryType{name}}}")},
		{name: "none for a document that is wrong", send: document("{nothing}")},
		{name: "none for a document that is too deep", send: document(times("{a", 1000))},
		{name: "none for a batch", send: post("[" + plainBody + "]")},
		{name: "none for an upload", send: post("--x--", "Content-Type", "multipart/form-data; boundary=x", "Apollo-Require-Preflight", "1")},
		{name: "none for events", send: document("{__typename}", "Accept", "text/event-stream, */*")},
		{name: "an empty one", send: bearer("")},
		{name: "another scheme", send: with("Authorization", "Basic YTpi")},
		{name: "no token", send: bearer("x")},
		{name: "dots", send: bearer("..")},
		{name: "9,000 dots", send: bearer(times(".", 9000))},
		{name: "a token of 25 KB", send: bearer(times("a", 25_000))},
		{name: "not signed", send: bearer(token(`{"alg":"none"}`, until(3600), "", nil))},
		{name: "not signed, in another case", send: bearer(token(`{"alg":"nOnE"}`, until(3600), "", nil))},
		{name: "no algorithm", send: bearer(token(`{}`, until(3600), signing, sha256.New))},
		{name: "another key", send: bearer(token(hs256, until(3600), "0123456789abcdef0123456789abcdef", sha256.New))},
		{name: "an empty key", send: bearer(token(hs256, until(3600), "\x00", sha256.New))},
		{name: "without its signature", send: bearer(token(hs256, until(3600), "", nil))},
		{name: "with half of its signature", send: bearer(good[:len(good)-10])},
		{name: "with a part behind", send: bearer(good + ".x")},
		{name: "past its end", send: bearer(token(hs256, until(-3600), signing, sha256.New))},
		{name: "without an end", send: bearer(token(hs256, `{"iss":"https://issuer.test","sub":"a"}`, signing, sha256.New))},
		{name: "of another issuer", send: bearer(token(hs256, fmt.Sprintf(`{"iss":"https://evil.test","sub":"a","exp":%d}`, time.Now().Add(time.Hour).Unix()), signing, sha256.New))},
		{name: "not valid yet", send: bearer(token(hs256, fmt.Sprintf(`{"iss":"https://issuer.test","sub":"a","nbf":%[1]d,"exp":%[1]d}`, time.Now().Add(time.Hour).Unix()), signing, sha256.New))},
		{name: "claims of the wrong type", send: bearer(token(hs256, `{"iss":["https://issuer.test"],"sub":{},"exp":"x"}`, signing, sha256.New))},
		{name: "claims that are no JSON", send: bearer(token(hs256, `x`, signing, sha256.New))},
		{name: "claims nested deep", send: bearer(token(hs256, times("[", 5000), signing, sha256.New))},
		{name: "a key that the token brings", send: bearer(token(`{"alg":"HS256","jwk":{"kty":"oct","k":"YQ"}}`, until(3600), "a", sha256.New))},
		{name: "a key's address that the token brings", send: bearer(token(`{"alg":"HS256","jku":"http://evil.test/keys","x5u":"http://evil.test"}`, until(3600), "a", sha256.New))},
		{name: "a key's id that is a path", send: bearer(token(`{"alg":"HS256","kid":"../../../../dev/null"}`, until(3600), "\x00", sha256.New))},
		{name: "critical extensions that aren't known", send: bearer(token(`{"alg":"HS256","crit":["x"],"x":1}`, until(3600), "a", sha256.New))},
		{name: "in the URL", send: get("/graphql?query=%7B__typename%7D&access_token=" + good)},
		{name: "in a cookie", send: with("Cookie", "access_token="+good+"; Authorization="+good)},
		{name: "in another header", send: with("Proxy-Authorization", "Bearer "+good, "X-Authorization", "Bearer "+good)},
		{name: "the client's name in a header", send: with("X-Client-Id", "a", "X-Forwarded-User", "a", "X-Remote-User", "a", "X-Forwarded-For", "127.0.0.1")},
		{name: "in the extensions", send: post(`{"query":"{__typename}","extensions":{"authorization":"Bearer ` + good + `"}}`)},
	}
	for i := range attacks {
		attacks[i].on, attacks[i].want = "guarded", none.without("evil.test")
	}
	return append(attacks,
		attack{name: "the right one", on: "guarded", send: bearer(good), want: serve("users GET /users/1")},
		attack{name: "the right one twice, and a wrong one", on: "guarded", send: with("Authorization", "Bearer "+good, "authorization", "Bearer x"), want: verdict{status: list("400 401"), refused: true}},
		attack{name: "health needs none", on: "guarded", send: get("/healthz"), want: verdict{status: list("200")}},
	)
}

// scopes are roads to User.address, for which a caller needs a scope that nobody here has.
func scopes() []attack {
	var all []attack
	for name, doc := range map[string]string{
		"plain":                     `{user(id:"1"){address{city street}}}`,
		"under another name":        `{user(id:"1"){city:address{city street}}}`,
		"in a list":                 `{users(first:1){address{city}}}`,
		"by a list of ids":          `{usersById(ids:["1"]){address{city}}}`,
		"through a fragment":        `{user(id:"1"){...F}} fragment F on User{address{city}}`,
		"through an inline one":     `{user(id:"1"){...{...on User{address{city}}}}}`,
		"through a product":         `{products(first:1){seller{address{city}}}}`,
		"through an interface":      `{feed(first:1){author{address{city}}}}`,
		"through an interface's":    `{feed(first:1){...on ReviewPosted{author{address{city}}}}}`,
		"behind an include":         `query($a:Boolean=true){user(id:"1"){address @include(if:$a){city}}}`,
		"beside what may be":        `{user(id:"1"){name address{city} email}}`,
		"twice":                     `{user(id:"1"){address{city} address{street}}}`,
		"__typename of it":          `{user(id:"1"){address{__typename}}}`,
		"in a deferred part":        `{user(id:"1"){...@defer{address{city}}}}`,
		"in another of two":         `query A{user(id:"1"){address{city}}}`,
		"in a fragment used twice":  `{a:user(id:"1"){...F} b:user(id:"2"){...F}} fragment F on User{address{city}}`,
		"with skip and include":     `{user(id:"1"){address @skip(if:false) @include(if:true){city}}}`,
		"through orders and back":   `{user(id:"1"){orders(first:1){customer{address{city}}}}}`,
		"in fragments in fragments": `{...A} fragment A on Query{user(id:"1"){...B}} fragment B on User{...C} fragment C on User{address{...D}} fragment D on Address{city street country postalCode}`,
	} {
		want := verdict{status: list("200 400 401 403"), codes: list("UNAUTHORIZED_FIELD_OR_TYPE UNAUTHENTICATED FORBIDDEN GRAPHQL_VALIDATION_FAILED"), cpu: time.Second, memory: 16 << 20,
			hasNot: []string{`"street":`, `"city":"`, `"__typename":"Address"`}}
		all = append(all,
			attack{name: name, send: document(doc), want: want},
			attack{name: name + ", with the old media type", send: document(doc, "Accept", "application/json"), want: want},
			attack{name: name + ", with scopes of its own", send: post(`{"query":`+quoted(doc)+`,"extensions":{"scopes":["users:read"]}}`, "X-Scopes", "users:read", "X-Forwarded-Scopes", "users:read"), want: want})
	}
	return all
}
