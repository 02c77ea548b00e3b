// Package limits tests whole gateways for who is calling and what they may spend and see.
//
// The gateways are those that a team's own main makes, over the shop's graph and its services on loopback, with keys in
// files, tokens of an issuer of the test's, and Redis servers that the tests start. What stands here is what only shows
// when identity, authorisation, cost and points work together behind one listener; what each of them does by itself is
// tested where it is.
package limits
