// Package nasty is a gqlgen project that does everything to its executor: resolvers that fail, return nil, panic and
// complain, values of the wrong type, and every form in which gqlgen can be bound to Go. The tests of gateway/engine hold
// the engine against gqlgen's executor over it.
package nasty

//go:generate go run ./generate
