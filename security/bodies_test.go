package security_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
)

// bodies are attacks by what a body is, as opposed to what its document says.
func bodies() []class {
	return []class{{"batches", batches()}, {"JSON", jsonAttacks()}, {"charsets", charsets()}, {"content types", contentTypes()}, {"compression", compression()}}
}

const plainBody = `{"query":"{__typename}"}`

func batches() []attack {
	one := plainBody + ","
	return []attack{
		{name: "of one", send: post("[" + plainBody + "]"), want: bad()},
		{name: "of ten", send: post("[" + times(one, 9) + plainBody + "]"), want: bad()},
		{name: "of 5,000", send: post("[" + times(one, 5000) + plainBody + "]"), want: bad()},
		{name: "of nothing", send: post("[]"), want: bad()},
		{name: "of batches", send: post("[[" + plainBody + "],[" + plainBody + "]]"), want: bad()},
		{name: "of nulls", send: post("[" + times("null,", 1000) + "null]"), want: bad()},
		{name: "never closed", send: post("[" + times(one, 10)), want: bad()},
		{name: "by lines", send: post(times(plainBody+"\n", 10)), want: bad()},
		{name: "of mutations", send: post(`[{"query":"mutation{cancelOrder(id:1)}"},{"query":"mutation{cancelOrder(id:2)}"}]`), want: bad()},
		{name: "of guesses", send: post("[" + counted(1000, func(i int) string { return fmt.Sprintf(`{"query":"{order(id:%d){id}}"},`, i) }) + plainBody + "]"), want: bad()},
		{name: "in the URL", send: get(`/graphql?query=%5B%7B__typename%7D%5D`), want: unparsed()},
	}
}

func jsonAttacks() []attack {
	const changes = `"mutation{cancelOrder(id:1)}"`
	return []attack{
		{name: "query twice", send: post(`{"query":"{__typename}","query":` + changes + `}`), want: bad()},
		{name: "query twice, once escaped", send: post(`{"query":"{__typename}","qu\u0065ry":` + changes + `}`), want: bad()},
		{name: "variables twice", send: post(`{"query":"{__typename}","variables":{},"variables":{"a":1}}`), want: bad()},
		{name: "operationName twice", send: post(`{"query":"query A{__typename} mutation B{cancelOrder(id:1)}","operationName":"A","operationName":"B"}`), want: bad()},
		{name: "extensions twice", send: post(`{"query":"{__typename}","extensions":{},"extensions":{}}`), want: bad()},
		{name: "Query in capitals", send: post(`{"QUERY":` + changes + `}`), want: bad()},
		{name: "Query in capitals beside query", send: post(`{"query":"{__typename}","Query":` + changes + `}`), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "query with a long s", send: post(`{"query":"{__typename}","variableſ":{}}`), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "query is null", send: post(`{"query":null}`), want: bad()},
		{name: "query is a number", send: post(`{"query":1}`), want: bad()},
		{name: "query is a list", send: post(`{"query":["{__typename}"]}`), want: bad()},
		{name: "query is an object", send: post(`{"query":{"$regex":".*"}}`), want: bad()},
		{name: "query is empty", send: post(`{"query":""}`), want: bad()},
		{name: "no query", send: post(`{}`), want: bad()},
		{name: "variables are a list", send: post(`{"query":"{__typename}","variables":[]}`), want: bad()},
		{name: "variables are a text", send: post(`{"query":"{__typename}","variables":"{}"}`), want: bad()},
		{name: "operationName is a number", send: post(`{"query":"{__typename}","operationName":1}`), want: bad()},
		{name: "extensions are a text", send: post(`{"query":"{__typename}","extensions":"x"}`), want: bad()},
		{name: "a second object behind", send: post(plainBody + `{"query":` + changes + `}`), want: bad()},
		{name: "a bracket behind", send: post(plainBody + "]"), want: bad()},
		{name: "NUL behind", send: post(plainBody + "\x00"), want: bad()},
		{name: "white space behind", send: post(plainBody + times(" ", 100_000)), want: serve()},
		{name: "a comment", send: post(`{/* x */"query":"{__typename}"}`), want: bad()},
		{name: "a comma at the end", send: post(`{"query":"{__typename}",}`), want: bad()},
		{name: "single quotes", send: post(`{'query':'{__typename}'}`), want: bad()},
		{name: "names without quotes", send: post(`{query:"{__typename}"}`), want: bad()},
		{name: "a text", send: post(`"{__typename}"`), want: bad()},
		{name: "a number", send: post(`1`), want: bad()},
		{name: "null", send: post(`null`), want: bad()},
		{name: "nothing", send: post(""), want: bad()},
		{name: "a prefix against hijacking", send: post(")]}',\n" + plainBody), want: bad()},
		{name: "200 KB", send: post(`{"query":"{__typename}","x":"` + times("x", 200_000) + `"}`), want: refuse("413", "REQUEST_TOO_LARGE").orSilence()},
		{name: "8 MB", send: post(`{"query":"{__typename}","x":"` + times("x", 8_000_000) + `"}`), want: refuse("413", "REQUEST_TOO_LARGE").orSilence()},
		{name: "10,000 unknown members", send: post(`{"query":"{__typename}"` + counted(9000, func(i int) string { return fmt.Sprintf(`,"m%d":1`, i) }) + "}"), want: verdict{status: list("200 400")}},
		{name: "members whose hashes may meet", send: post(`{"query":"{__typename}","x":{` + counted(3000, func(i int) string { return fmt.Sprintf(`"Aa%cBB%d":0,`, 'a'+i%26, i) }) + `"z":0}}`), want: verdict{status: list("200 400")}},
		{name: "prototypes", send: post(`{"query":"{__typename}","__proto__":{"query":` + changes + `},"constructor":{"prototype":{}}}`), want: verdict{status: list("200 400"), asked: []string{}}},
		{name: "a form's fields", send: post(`query=%7B__typename%7D`), want: bad()},
		{name: "XML", send: post(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`), want: bad()},
		{name: "YAML", send: post("query: '{__typename}'"), want: bad()},
		{name: "a hash that isn't known", send: post(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + times("a", 64) + `"}}}`), want: verdict{status: list("200 400"), refused: true}},
		{name: "a hash of something else", send: post(`{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + times("a", 64) + `"}}}`), want: verdict{status: list("200 400")}},
		{name: "a hash of 100 KB", send: post(`{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + times("a", 100_000) + `"}}}`), want: verdict{status: list("200 400")}},
		{name: "a hash that is none", send: post(`{"query":"{__typename}","extensions":{"persistedQuery":{"version":"1","sha256Hash":{}}}}`), want: verdict{status: list("200 400")}},
		{name: "malformed JSON isn't repeated", send: post(`{"query":"{__typename}","password":"hunter2-correct-horse",}`), want: bad().without("hunter2")},
	}
}

func charsets() []attack {
	wide := func(order binary.ByteOrder, mark bool) string {
		units := utf16.Encode([]rune(plainBody))
		if mark {
			units = append([]uint16{0xfeff}, units...)
		}
		var b bytes.Buffer
		_ = binary.Write(&b, order, units)
		return b.String()
	}
	charset := func(value string) []string { return []string{"Content-Type", "application/json; charset=" + value} }
	return []attack{
		{name: "UTF-16LE that says so", send: post(wide(binary.LittleEndian, false), charset("utf-16le")...), want: media()},
		{name: "UTF-16BE that says so", send: post(wide(binary.BigEndian, true), charset("utf-16")...), want: media()},
		{name: "UTF-16LE that doesn't", send: post(wide(binary.LittleEndian, false)), want: bad()},
		{name: "UTF-16BE that doesn't", send: post(wide(binary.BigEndian, true)), want: bad()},
		{name: "UTF-32", send: post("{\x00\x00\x00\"\x00\x00\x00}\x00\x00\x00"), want: bad()},
		{name: "UTF-7 that says so", send: post(`+AHsAIg-query+ACI:+ACI-{__typename}+ACIAfQ-`, charset("utf-7")...), want: media()},
		{name: "UTF-7 that doesn't", send: post(`+AHsAIg-query+ACI:+ACI-{__typename}+ACIAfQ-`), want: bad()},
		{name: "EBCDIC that says so", send: post("\xc0\x7f\x98", charset("ibm037")...), want: media()},
		{name: "Latin 1 that says so", send: post(plainBody, charset("iso-8859-1")...), want: media()},
		{name: "an unknown one", send: post(plainBody, charset("x-unknown")...), want: media()},
		{name: "an empty one", send: post(plainBody, charset(`""`)...), want: media()},
		{name: "UTF-8 in capitals and quotes", send: post(plainBody, charset(`"UTF-8"`)...), want: serve()},
		{name: "two of them", send: post(plainBody, charset("utf-8; charset=utf-7")...), want: media()},
		{name: "one that continues", send: post(plainBody, "Content-Type", "application/json; charset*0=utf; charset*1=-7"), want: media()},
		{name: "a byte order mark", send: post("\xef\xbb\xbf" + plainBody), want: bad()},
		{name: "overlong braces", send: post("\xc1\xbb\"query\":\"{__typename}\"}"), want: bad()},
		{name: "Latin 1 that doesn't say so", send: post("{\"query\":\"{user(id:\\\"\xe9\\\"){id}}\"}"), want: bad()},
		{name: "an answer in another charset", send: document("{__typename}", "Accept", "application/json; charset=utf-16", "Accept-Charset", "utf-16"), want: refuse("406", "BAD_REQUEST")},
	}
}

func contentTypes() []attack {
	as := func(kind string) []byte { return post(`{"query":"mutation{cancelOrder(id:1)}"}`, "Content-Type", kind) }
	var all []attack
	for _, kind := range []string{
		"text/plain", "text/plain; application/json", "text/plain;charset=utf-8", "text/json", "application/jsonp", "application/x-json",
		"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; application/json", "multipart/form-data; boundary=x",
		"multipart/form-data", "multipart/mixed; boundary=x", "application/graphql", "application/graphql; charset=utf-8", "application/graphql+json",
		"application/graphql-response+json", "application/ld+json", "application/problem+json", "application/octet-stream", "text/html", "*/*", "application/*",
		"application/json, text/plain", "text/plain, application/json", "application/json text/plain", "application/json;text/plain;=",
		"application", "json", "/", ";", "application/json/x", "application /json", "application/jſon", "application/json\t\x0b", "text/xml",
	} {
		all = append(all, attack{name: fmt.Sprintf("%q", kind), send: as(kind), want: media().orHTTP400()})
	}
	const form = "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation{cancelOrder(id:1)}\"}\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--x--\r\n"
	return append(all,
		attack{name: "none", send: post(`{"query":"mutation{cancelOrder(id:1)}"}`, "Content-Type", ""), want: media()},
		attack{name: "two headers", send: post(`{"query":"mutation{cancelOrder(id:1)}"}`, "Content-Type", "text/plain", "content-type", "application/json"), want: media()},
		attack{name: "the same header twice", send: post(plainBody, "Content-Type", "application/json", "content-type", "application/json"), want: media()},
		attack{name: "100 parameters", send: post(plainBody, "Content-Type", "application/json"+counted(100, func(i int) string { return fmt.Sprintf(";p%d=1", i) })), want: verdict{status: list("200 415")}},
		attack{name: "30 KB of parameters", send: post(plainBody, "Content-Type", "application/json"+times(";", 30_000)), want: verdict{status: list("200 415")}},
		attack{name: "in capitals", send: post(plainBody, "Content-Type", "APPLICATION/JSON"), want: serve()},
		attack{name: "a form", send: post("query=mutation%7BcancelOrder(id%3A1)%7D", "Content-Type", "application/x-www-form-urlencoded"), want: media()},
		attack{name: "an upload without the preflight's header", send: post(form, "Content-Type", "multipart/form-data; boundary=x"), want: refuse("400 403 415", "")},
		attack{name: "an upload whose boundary is 10 KB", send: post(form, "Content-Type", "multipart/form-data; boundary="+times("x", 10_000)), want: refuse("400 403 415", "")},
		attack{name: "a document as it is", send: post("mutation{cancelOrder(id:1)}", "Content-Type", "application/graphql"), want: media()},
	)
}

// orHTTP400 also allows that net/http refuses a header, in plain text.
func (v verdict) orHTTP400() verdict { v.status = append(v.status, "400"); return v }

func compression() []attack {
	as := func(coding string, body []byte) []byte { return post(string(body), "Content-Encoding", coding) }
	small := zipped([]byte(plainBody))
	bomb := zipped(bytes.Repeat([]byte(" "), 64<<20))
	refused := refuse("400 413 415", "")
	return []attack{
		{name: "a small gzip is read or refused", send: as("gzip", small), want: verdict{status: list("200 415")}},
		{name: "64 MB in 64 KB of gzip", send: as("gzip", bomb), want: refused},
		{name: "64 MB in gzip in gzip", send: as("gzip, gzip", zipped(bomb)), want: refused},
		{name: "64 MB in gzip in gzip, one named", send: as("gzip", zipped(bomb)), want: refused},
		{name: "64 MB in deflate", send: as("deflate", deflated(bytes.Repeat([]byte(" "), 64<<20))), want: refused},
		{name: "128 MB in zstd", send: as("zstd", zstdZeros(1024)), want: refused},
		{name: "a zstd window of 2 GB", send: as("zstd", []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")), want: refused},
		{name: "br that is none", send: as("br", bytes.Repeat([]byte{0xff, 0x5b}, 1000)), want: refused},
		{name: "gzip that isn't named", send: post(string(small)), want: bad()},
		{name: "gzip that is none", send: as("gzip", []byte(plainBody)), want: refused},
		{name: "gzip cut short", send: as("gzip", small[:len(small)-9]), want: refused},
		{name: "gzip with a wrong checksum", send: as("gzip", append(bytes.Clone(small[:len(small)-8]), 1, 2, 3, 4, 5, 6, 7, 8)), want: refused},
		{name: "gzip with something behind", send: as("gzip", append(bytes.Clone(small), plainBody...)), want: refused},
		{name: "two gzip members", send: as("gzip", append(bytes.Clone(small), small...)), want: refused},
		{name: "1,000 codings", send: as(times("gzip, ", 1000)+"gzip", small), want: refused},
		{name: "an unknown coding", send: as("x-secret", small), want: refused},
		{name: "chunked as a coding", send: as("chunked", []byte(plainBody)), want: refused},
		{name: "identity", send: as("identity", []byte(plainBody)), want: serve()},
		{name: "a gzip by GET", send: get("/graphql?query=%7B__typename%7D", "Content-Encoding", "gzip"), want: verdict{status: list("200 415")}},
		{name: "every coding of an answer at once", send: document("{__typename}", "Accept-Encoding", times("gzip;q=0.5, br, zstd, deflate, *;q=0, ", 100)+"identity;q=0"), want: verdict{status: list("200 406")}},
	}
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

func deflated(text []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed)
	_, _ = io.Copy(w, bytes.NewReader(text))
	_ = w.Close()
	return b.Bytes()
}

// zstdZeros is a frame of blocks that stand for 128 KiB of one byte each (RFC 8878, §3.1.1.2).
func zstdZeros(blocks int) []byte {
	frame := []byte("\x28\xb5\x2f\xfd\x00\x38") // a window of 128 KiB
	for i := range blocks {
		header := uint32(128<<10)<<3 | 1<<1
		if i == blocks-1 {
			header |= 1
		}
		frame = append(frame, byte(header), byte(header>>8), byte(header>>16), ' ')
	}
	return frame
}
