// Package e2e tests the gateway from its listener to the wire of its services.
//
// A case is a file in testdata/cases: a request of a client, the exchanges that each service must see, exactly, and the
// answer that must come of them. The test starts for each of them what a team's own main starts, over the graph of
// ./gateway, and scripted services on loopback. Whatever the case, no answer may name a service's address. To add one,
// write a file; its folder is what it is about.
package e2e
