package transport

import (
	"errors"
	"fmt"
	"time"
)

// The checks of settings. Each names the key.

func positive(key string, value int) error {
	if value < 1 {
		return fmt.Errorf("%s: is %d; give 1 or more", key, value)
	}
	return nil
}

func within(key string, value, least, most float64) error {
	if !(value >= least && value <= most) {
		return fmt.Errorf("%s: is %v; give %v to %v", key, value, least, most)
	}
	return nil
}

func between(key string, value, least, most time.Duration) error {
	if value < least || value > most {
		return fmt.Errorf("%s: is %v; give %v to %v", key, value, least, most)
	}
	return nil
}

// prefixed puts a key before each of the errors that were joined.
func prefixed(key string, err error) error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return fmt.Errorf("%s.%w", key, err)
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, prefixed(key, e))
	}
	return errors.Join(errs...)
}

func orDefault[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}
