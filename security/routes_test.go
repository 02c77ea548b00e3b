package security_test

// routes are attacks by what is asked for beside GraphQL.
func routes() []class {
	return []class{{"pages of operators", operatorPages()}, {"files", files()}}
}

func operatorPages() []attack {
	var all []attack
	for _, path := range []string{
		"/admin", "/admin/", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/metrics", "/upstreams", "/process", "/config",
		"/config.yaml", "/gateway.yaml", "/events", "/actuator/env", "/server-status", "/status", "/health", "/healthz/", "/healthz/..", "/readyz/x",
		"/.env", "/.git/config", "/graphql/", "/graphql/schema", "/graphql/..", "/GraphQL", "/graphiql", "/playground", "/altair", "/voyager", "/console",
		"/v1/graphql", "/schema.graphql", "/sdl", "/__graphql", "//graphql", "/./graphql", "/x/../graphql", "/users/1", "/base/products", "/login", "/wp-login.php",
	} {
		all = append(all, attack{name: path, on: "closed", send: get(path), want: refuse("404", "NOT_FOUND")})
		if path == "/metrics" || path == "/upstreams" || path == "/debug/pprof/" {
			all = append(all, attack{name: path + " by POST, from loopback as it says", on: "closed",
				send: request("POST", path, plainBody, "X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1", "Host", "localhost"), want: refuse("404", "NOT_FOUND")})
		}
	}
	return append(all,
		attack{name: "the playground that is off", on: "closed", send: get("/"), want: refuse("404", "NOT_FOUND")},
		attack{name: "a file of the playground that is off", on: "closed", send: get("/graphiql/index.html"), want: refuse("404", "NOT_FOUND")},
		attack{name: "a POST to health", send: request("POST", "/healthz", plainBody), want: refuse("405", "BAD_REQUEST")},
		attack{name: "a path that isn't repeated", send: get("/<script>alert(1)</script>"), want: verdict{status: list("400 404"), refused: true}.without("<script>")},
	)
}

func files() []attack {
	var all []attack
	for _, path := range []string{
		"/graphiql/../../etc/passwd", "/graphiql/..%2f..%2f..%2fetc%2fpasswd", "/graphiql/%2e%2e/%2e%2e/etc/passwd", "/graphiql/....//....//etc/passwd",
		"/graphiql/..%5c..%5cetc%5cpasswd", "/graphiql/%c0%ae%c0%ae/etc/passwd", "/graphiql//etc/passwd", "/graphiql/x%00.js", "/graphiql/.",
		"/graphiql/assets.go", "/graphiql/..;/x", "/graphiql/%252e%252e/etc/passwd", "/graphiql/CON", "/graphiql/" + times("a", 20_000),
	} {
		all = append(all, attack{name: path[:min(len(path), 60)], send: get(path), want: verdict{status: list("400 404"), refused: true}.without("root:")})
	}
	return append(all,
		attack{name: "the page says what may run in it", send: get("/"), want: verdict{status: list("200"), has: []string{"Content-Security-Policy"}}},
		attack{name: "the page can't be framed", send: get("/"), want: verdict{status: list("200"), has: []string{"frame-ancestors"}}},
		attack{name: "the page takes nothing from its URL", send: get("/?query=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E"), want: verdict{status: list("200")}.without("alert(1)")},
		attack{name: "the page by POST", send: request("POST", "/", plainBody), want: refuse("405", "BAD_REQUEST")},
	)
}
