package template_test

import (
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

func TestPath(t *testing.T) {
	for text, want := range map[string]string{
		"/":                           "/",
		"/users/":                     "/users/",
		"/a;v=1/@x/b%2Fc/~:!$&'()*+,": "/a;v=1/@x/b%2Fc/~:!$&'()*+,",
		"/users/{id}":                 "/users/a%2Fb",
		"/{n}/{f}/{yes}.json":         "/-3/1.5/true.json",
		"/x/{space}":                  "/x/a%20b%26c%3Dd",
		"/x/{quote}":                  "/x/%22%5C%0A%00%C3%A9%FF",
		"/{dot}{dots}":                `The value of {dot} can't be "." in a path.`,
		"/x/{dots}":                   `The value of {dots} can't be ".." in a path.`,
		"/%2e{dot}":                   `The value of {dot} can't be "." in a path.`,
		"/{empty}/x":                  "The value of {empty} is empty, and a path needs it.",
		"/{nil}":                      "The value of {nil} is missing, and a path needs it.",
		"/{missing}":                  "The value of {missing} is missing, and a path needs it.",
		"/{this.none}":                "The value of {this.none} is missing, and a path needs it.",
		"/{input}":                    "The value of {input} can't be an object in a path.",
		"/{list}":                     "The value of {list} can't be a list in a path.",
		"/{this.name}/{this.id}":      "/O%22Neil/42",
		"/{key}":                      "/k%2F1",
		"/by-id/{keys}":               "/by-id/1,b%26c",
		"/{header.X-Evil}":            "/a%0D%0Ab",
	} {
		path, err := template.ParsePath(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := path.Append([]byte("http://host"), scope(t))
		result := string(got[min(len(got), len("http://host")):])
		if err != nil {
			result = publicText(t, err)
		}
		if result != want || path.String() != text {
			t.Errorf("%s: %s\nwant %s", text, result, want)
		}
	}
}

func TestPathMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                  `path "" must begin with one "/"; the service's address stands in gateway.yaml`,
		"users":             `path "users" must begin with one "/"; the service's address stands in gateway.yaml`,
		"http://evil/users": `path "http://evil/users" must begin with one "/"; the service's address stands in gateway.yaml`,
		"//evil/users":      `path "//evil/users" must begin with one "/"; the service's address stands in gateway.yaml`,
		"{id}/users":        `path "{id}/users" must begin with one "/"; the service's address stands in gateway.yaml`,
		"/users?id={id}":    `path "/users?id={id}" has a "?" in it; parameters go into query: {name: "{value}"}`,
		"/users#{id}":       `path "/users#{id}" has a "#" in it; parameters go into query: {name: "{value}"}`,
		"/a b":              `path "/a b" has " " in it; write it as %20`,
		"/ü":                `path "/ü" has "ü" in it; write it as %C3%BC`,
		`/a\b`:              `path "/a\\b" has "\\" in it; write it as %5C`,
		"/{{id}}":           `path "/{{id}}" has "{" in it; write it as %7B`,
		"/a/../b":           `path "/a/../b" has the segment "..", which leads elsewhere`,
		"/a/%2E%2e":         `path "/a/%2E%2e" has the segment "%2E%2e", which leads elsewhere`,
		"/./{id}":           `path "/./{id}" has the segment ".", which leads elsewhere`,
		"/a//b":             `path "/a//b" has "//" in it; write one "/"`,
		"/100%":             `path "/100%" has a "%" in it that begins no escape; write it as %25`,
		"/%2{id}":           `path "/%2{id}" has a "%" in it that begins no escape; write it as %25`,
		"/%{id}":            `path "/%{id}" has a "%" in it that begins no escape; write it as %25`,
		"/{id":              `"/{id" has a "{" that is never closed; a literal brace is written "{{"`,
	} {
		if _, err := template.ParsePath(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestPathWithoutKeys(t *testing.T) {
	path, err := template.ParsePath("/users/{keys}")
	if err != nil {
		t.Fatal(err)
	}
	for want, keys := range map[string][]template.LookupKey{
		"The value of {keys} is empty, and a path needs it.": nil,
		`The key "" can't stand in a list with commas.`:      {{Text: "1"}, {Text: ""}},
		`The key "2,3" can't stand in a list with commas.`:   {{Text: "1"}, {Text: "2,3"}},
		`The value of {keys} can't be ".." in a path.`:       {{Text: ".."}},
	} {
		if _, err := path.Append(nil, &template.Scope{Keys: keys}); err == nil || publicText(t, err) != want {
			t.Errorf("%v: %v\nwant %s", keys, err, want)
		}
	}
}
