// Package edge tests what stands between clients and operations, over a whole gateway: connections, TLS, browsers, codings,
// documents by name, files and batches.
//
// Each test serves a schema by hand, whose fields need no services, with a configuration as one would write it, and talks
// to it over sockets. What the pieces decide is tested beside them; here it is that every road leads past them.
package edge
