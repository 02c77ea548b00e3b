package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Override sets one setting from outside the file.
type Override struct {
	// Source is what the user wrote, for messages: --listen or TRIBUTARY_LISTEN.
	Source string
	// Path is the setting: listen, services.users.url.
	Path string
	// Value is its text, as it would stand in the file, without ${NAME}.
	Value string
}

// Variable is an environment variable that overrides the file.
type Variable struct {
	// Name is the variable; <NAME> in it is the service's name in capitals, with _ for whatever is no letter or digit.
	Name string
	// Path is the setting; <name> in it is the service's name.
	Path string
	// Text says what it's for.
	Text string
}

const servicePrefix = "TRIBUTARY_SERVICE_"

// Variables is the table of environment overrides. A service has to be in the file to have one.
func Variables() []Variable {
	return []Variable{
		{"TRIBUTARY_LISTEN", "listen", "the address to serve on: :8080"},
		{"TRIBUTARY_PLAYGROUND", "playground.enabled", "true or false"},
		{"TRIBUTARY_LOG_LEVEL", "log.level", "debug, info, warn or error"},
		{"TRIBUTARY_LOG_FORMAT", "log.format", "text or json"},
		{servicePrefix + "<NAME>_URL", "services.<name>.url", "the service's base address"},
		{servicePrefix + "<NAME>_TIMEOUT", "services.<name>.timeout", "time for one attempt: 250ms"},
		{servicePrefix + "<NAME>_MAX_BODY", "services.<name>.max_body", "the biggest answer that is read: 8MiB"},
		{servicePrefix + "<NAME>_USER_AGENT", "services.<name>.user_agent", "the User-Agent header"},
	}
}

// apply sets the value in c.
func (o Override) apply(c *Config) error { return set(reflect.ValueOf(c).Elem(), o.Path, o.Value) }

func (o Override) problem(err error) *Problem {
	p := &Problem{Source: o.Source, Path: o.Path, Message: err.Error()}
	if v, ok := errors.AsType[*valueError](err); ok {
		p.Message, p.Hint = v.message, v.advice
	}
	return p
}

// set finds the setting below v and gives it a value.
func set(v reflect.Value, path, text string) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return set(v.Elem(), path, text)
	}
	name, rest, nested := strings.Cut(path, ".")
	switch v.Kind() {
	case reflect.Struct:
		fields := fieldsOf(v.Type())
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return wrong("there is no such setting")
		}
		if !nested {
			return setText(fields[i].in(v), text)
		}
		return set(fields[i].in(v), rest, text)
	case reflect.Map:
		item := newItem(v, name)
		err := set(item, rest, text)
		if err == nil {
			v.SetMapIndex(reflect.ValueOf(name), item)
		}
		return err
	default:
		return wrong("there is no such setting")
	}
}

// environment is os.Environ as a map. The first of two equal names counts, as for os.Getenv.
func environment(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if _, seen := m[name]; ok && !seen {
			m[name] = value
		}
	}
	return m
}

// fromEnvironment finds the overrides among environ. It refuses a variable that is two letters from one of ours and leaves others
// alone: in Kubernetes a Service named tributary puts TRIBUTARY_PORT and TRIBUTARY_SERVICE_HOST into every container.
// A variable that is set and empty counts as not set.
func fromEnvironment(environ map[string]string, c *Config) (overrides []Override, problems Problems) {
	services := map[string]string{}
	for _, name := range sortedKeys(c.Services) {
		services[variableName(name)] = name
	}
	var known []string
	for _, v := range Variables() {
		if !strings.HasPrefix(v.Name, servicePrefix) {
			known = append(known, v.Name)
		}
	}
	for _, variable := range sortedKeys(environ) {
		if !strings.HasPrefix(variable, "TRIBUTARY_") || environ[variable] == "" {
			continue
		}
		if path, ok, problem := overridden(variable, services); problem != nil {
			problems = append(problems, problem)
		} else if ok {
			overrides = append(overrides, Override{variable, path, environ[variable]})
		} else if i := slices.IndexFunc(known, func(k string) bool { return levenshtein.ComputeDistance(k, variable) <= 2 }); i >= 0 {
			problems = append(problems, &Problem{Source: variable, Message: "no such variable", Hint: "did you mean " + known[i] + "?"})
		}
	}
	return overrides, problems
}

// overridden finds the setting of a variable.
func overridden(variable string, services map[string]string) (path string, ok bool, problem *Problem) {
	for _, v := range Variables() {
		before, after, ofService := strings.Cut(v.Name, "<NAME>")
		if !ofService {
			if v.Name == variable {
				return v.Path, true, nil
			}
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(variable, before), after)
		if before+name+after != variable || name == "" {
			continue
		}
		service, known := services[name]
		if known {
			return strings.Replace(v.Path, "<name>", service, 1), true, nil
		}
		p := &Problem{Source: variable, Message: "no service of the file is named so", Hint: "the file has no services"}
		if names := sortedKeys(services); len(names) > 0 {
			p.Hint = "variables of the file's services begin with " + servicePrefix + strings.Join(names, "_, "+servicePrefix) + "_"
		}
		return "", false, p
	}
	return "", false, nil
}

// variableName is a service's name as it stands in variables.
func variableName(service string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, service)
}
