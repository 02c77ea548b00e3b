// Package gateway is the gateway of the end-to-end tests: a graph that has every row of the directives' description in
// it, over services that exist only as scripts. Its code is generated as a team's own would be; resolvers written by
// hand stand next to generated ones.
package gateway

//go:generate go run github.com/tributary-gateway/tributary/cmd/generate
