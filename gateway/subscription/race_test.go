//go:build race

package subscription_test

const raceEnabled = true
