package discovery

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// parseTargets reads Prometheus' file_sd: [{"targets": ["host:port"], "labels": {"zone": "a"}}]. Its errors name the
// file and the line; the first five mistakes are told.
func parseTargets(path string, text []byte) ([]Instance, error) {
	root, err := parseTree(kindOf(path), text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	t := &targets{}
	t.groups(root)
	if len(t.wrong) == 0 {
		return t.list, nil
	}
	for i, err := range t.wrong {
		t.wrong[i] = fmt.Errorf("%s:%w", path, err)
	}
	if more := len(t.wrong) - 5; more > 0 {
		t.wrong = append(t.wrong[:5], fmt.Errorf("and %d more", more))
	}
	return nil, errors.Join(t.wrong...)
}

// kindOf is the format by the file's name, empty for others.
func kindOf(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return "json"
	case ".yaml", ".yml":
		return "yaml"
	}
	return ""
}

type targets struct {
	list  []Instance
	wrong []error
}

func (t *targets) add(line int, format string, args ...any) {
	t.wrong = append(t.wrong, fmt.Errorf("%d: %w", line, fmt.Errorf(format, args...)))
}

func (t *targets) groups(root *node) {
	if root.kind != listNode {
		t.add(root.line, "expected a list of groups, found %s", root)
		return
	}
	for _, group := range root.list {
		if group.kind != mappingNode {
			t.add(group.line, "expected a group with targets and labels, found %s", group)
			continue
		}
		t.group(group)
	}
}

// group takes labels first, wherever they stand.
func (t *targets) group(group *node) {
	common, scheme := Instance{Weight: 1}, "http"
	var addresses *node
	for _, p := range group.pairs {
		switch p.key {
		case "targets":
			addresses = p.value
		case "labels":
			scheme = t.labels(p.value, &common)
		default:
			t.add(p.line, "unknown key %s; a group has targets and labels", quote(p.key))
		}
	}
	switch {
	case addresses == nil:
		t.add(group.line, "a group without targets")
		return
	case addresses.kind != listNode:
		t.add(addresses.line, "expected a list of targets, found %s", addresses)
		return
	}
	for _, target := range addresses.list {
		if target.kind != textNode {
			t.add(target.line, "expected a target like 10.0.0.7:8080, found %s", target)
			continue
		}
		url, err := targetURL(scheme, target.text)
		if err != nil {
			t.add(target.line, "target %s: %w", quote(target.text), err)
			continue
		}
		instance := common
		instance.URL = url
		t.list = append(t.list, instance)
	}
}

func targetURL(scheme, target string) (string, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return "", errors.New("give host:port, and an IPv6 address in brackets")
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return "", fmt.Errorf("%s is no port", quote(port))
	}
	return origin(scheme, host, number)
}

// labels reads those that mean something here. Others are for Prometheus.
func (t *targets) labels(labels *node, into *Instance) (scheme string) {
	scheme = "http"
	if labels.kind != mappingNode {
		t.add(labels.line, "expected labels, found %s", labels)
		return scheme
	}
	for _, p := range labels.pairs {
		if p.value.kind != textNode {
			t.add(p.line, "label %s: expected a text, found %s", quote(p.key), p.value)
			continue
		}
		switch value := p.value.text; p.key {
		case "__scheme__":
			if value != "http" && value != "https" {
				t.add(p.line, "label __scheme__: %s is neither http nor https", quote(value))
				continue
			}
			scheme = value
		case "zone":
			into.Zone = value
		case "weight":
			weight, err := strconv.Atoi(value)
			if err != nil || weight < 1 || weight > maxWeight {
				t.add(p.line, "label weight: is %s; give 1 to %d", quote(value), maxWeight)
				continue
			}
			into.Weight = weight
		}
	}
	return scheme
}
