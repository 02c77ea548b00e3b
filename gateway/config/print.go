package config

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Print writes the effective configuration as YAML that Load reads again, but for the secrets, which are masked.
// Settings that are empty or zero, which stands for a default, are left out.
func (c *Config) Print(w io.Writer) error {
	text, err := yaml.MarshalWithOptions(plain(reflect.ValueOf(*c)), yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("config: print: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// plain is v in the types that YAML has, nil for what is left out. ${ is written as $${.
func plain(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	}
	t := v.Type()
	switch {
	case v.IsZero() && (v.CanInt() || v.CanUint() || v.CanFloat()) && !isText(t):
		return nil // stands for the default
	case t == secretType && v.Len() == 0:
		return nil
	case t == secretType:
		return secret.Mask
	case t == durationType:
		return durationText(time.Duration(v.Int()))
	case isSize(t):
		return Size(v.Int()).String()
	case t == levelType:
		return strings.ToLower(fmt.Sprint(v.Interface()))
	case isText(t):
		return escape(fmt.Sprint(v.Interface()))
	}
	switch v.Kind() {
	case reflect.Struct:
		var section yaml.MapSlice
		for _, f := range fieldsOf(t) {
			if value := plain(f.in(v)); value != nil {
				section = append(section, yaml.MapItem{Key: f.name, Value: value})
			}
		}
		if section == nil {
			return nil
		}
		return section
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		var section yaml.MapSlice
		for _, key := range keys {
			section = append(section, yaml.MapItem{Key: key.String(), Value: plain(v.MapIndex(key))})
		}
		if section == nil {
			return nil
		}
		return section
	case reflect.Slice:
		if v.Len() == 0 {
			return nil
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.String:
		if v.Len() == 0 {
			return nil
		}
		return escape(v.String())
	default:
		return v.Interface()
	}
}

// escape keeps a text that holds ${ from being expanded when it's read again.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// durationText is d without the zeros of time.Duration's own text: 1m, not 1m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// LogValue is the effective configuration for the log, in groups, with secrets masked as in Print.
func (c *Config) LogValue() slog.Value { return logValue(plain(reflect.ValueOf(*c))) }

func logValue(v any) slog.Value {
	section, ok := v.(yaml.MapSlice)
	if !ok {
		return slog.AnyValue(v)
	}
	attrs := make([]slog.Attr, len(section))
	for i, item := range section {
		attrs[i] = slog.Attr{Key: fmt.Sprint(item.Key), Value: logValue(item.Value)}
	}
	return slog.GroupValue(attrs...)
}
