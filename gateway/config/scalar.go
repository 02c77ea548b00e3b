package config

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setText reads text into the scalar v: from the file, a variable or a flag, the rules are the same. v keeps its value
// when text is wrong; the error is a *valueError unless the type reads itself.
func setText(v reflect.Value, text string) error {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		if err := setText(fresh.Elem(), text); err != nil {
			return err
		}
		v.Set(fresh)
		return nil
	case values(t) != nil && oneOf(text, values(t)) != nil:
		return oneOf(text, values(t))
	case t == durationType:
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	case isText(t):
		fresh := reflect.New(t)
		if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return err
		}
		v.Set(fresh.Elem())
		return nil
	case isSize(t):
		n, err := ParseSize(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(n))
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		return setBool(v, text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return setInt(v, text)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, t.Bits())
		if err != nil || f != f || f-f != 0 {
			return wrong("%s is not a number", short(text))
		}
		v.SetFloat(f)
		return nil
	default:
		return wrong("%s is not a single value", t.Kind())
	}
}

// oneOf checks text against a closed set; every text is in an open one, which is nil.
func oneOf(text string, allowed []string) error {
	if allowed == nil || slices.Contains(allowed, text) {
		return nil
	}
	e := wrong("unknown value %s", short(text))
	if near := nearest(text, allowed); near != "" {
		return e.hint("did you mean %q? known: %s", near, strings.Join(allowed, ", "))
	}
	return e.hint("known: %s", strings.Join(allowed, ", "))
}

func setBool(v reflect.Value, text string) error {
	switch text {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		return wrong("%s is neither true nor false", short(text))
	}
	return nil
}

func setInt(v reflect.Value, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return wrong("%s is not a whole number", short(text))
	}
	if v.CanUint() {
		if n < 0 || v.OverflowUint(uint64(n)) {
			return wrong("%s is out of range", short(text))
		}
		v.SetUint(uint64(n))
		return nil
	}
	if v.OverflowInt(n) {
		return wrong("%s is out of range", short(text))
	}
	v.SetInt(n)
	return nil
}

// parseDuration reads 250ms, 2s, 1m30s. A bare number is refused, so that nobody has to guess its unit; so is 0. Whether
// a negative one makes sense is the section's to say.
func parseDuration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, wrong("a duration needs a unit").hint("write %sms for milliseconds, %ss for seconds", text, text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, wrong("%s is not a duration", short(text)).hint("write a number and ms, s, m or h: 250ms, 2s, 1m30s")
	}
	return d, nil
}

// short quotes text for a message, cut at 60 characters.
func short(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}
