// Package tributary is the module's root. It has no code: `go generate ./...` begins here.
package tributary

//go:generate go run ./cmd/generate
