// Package caching tests what gateways keep and what they drop, end to end.
//
// The gateways are processes of their own, as a team starts them, over the graph of ./gateway: two of them share one
// Redis, and a service of the test's counts what it's asked and knows which of its versions nobody may be given any more.
// What stands here is what only shows when gateways, Redis and services meet: answers that were purged and don't come
// back, answers that are for one caller, one fetch of what many ask for, Redis killed and stopped under load, and what a
// day leaves behind in it. What each part does by itself is tested where it is.
package caching
