//go:build tools

// Package tributary pins what the project needs beside what its packages import.
package tributary

import (
	_ "github.com/99designs/gqlgen" // the generator that cmd/generate runs

	_ "github.com/redis/go-redis/v9" // pinned for the shared stores of limits and cache, which aren't there yet
)
