// Package streams tests subscriptions and answers in parts, from a client's connection to the wire of the services.
//
// The gateways are what a team's own main starts, over the demo's graph and over that of the end-to-end tests; services
// are fakes on loopback, and clients speak the protocols as they are written down.
package streams
