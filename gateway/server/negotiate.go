package server

import (
	"math"
	"mime"
	"strconv"
	"strings"
)

// media is a type of answer.
type media string

const (
	// jsonMedia is for clients from before the draft: 200 for every request that is well-formed.
	jsonMedia media = "application/json"
	// graphqlMedia tells by its status what became of the request.
	graphqlMedia media = "application/graphql-response+json"
)

// preference is how much a client wants a media type.
type preference struct {
	quality     float64
	specificity int // 1 for */*, 2 for application/*, 3 for the type itself; 0 when it was not mentioned
}

func (p preference) over(o preference) bool {
	if p.quality != o.quality {
		return p.quality > o.quality
	}
	return p.specificity > o.specificity
}

// negotiate chooses the type of the answer by the Accept headers (RFC 9110, §12.5.1); ok is false when the client
// wants neither. Clients that don't care get JSON; between equals that were both named the newer wins.
func negotiate(accept []string) (chosen media, ok bool) {
	if len(accept) == 1 { // what most clients say needs no parsing
		switch accept[0] {
		case "*/*", string(jsonMedia):
			return jsonMedia, true
		case string(graphqlMedia):
			return graphqlMedia, true
		}
	}
	ranges := splitList(strings.Join(accept, ","))
	if len(ranges) == 0 {
		return jsonMedia, true
	}
	var plain, graphql preference
	for _, text := range ranges {
		name, quality, ok := mediaRange(text)
		if !ok {
			continue
		}
		switch name {
		case "*/*":
			plain.apply(quality, 1)
			graphql.apply(quality, 1)
		case "application/*":
			plain.apply(quality, 2)
			graphql.apply(quality, 2)
		case string(jsonMedia):
			plain.apply(quality, 3)
		case string(graphqlMedia):
			graphql.apply(quality, 3)
		}
	}
	switch {
	case plain.quality == 0 && graphql.quality == 0:
		return "", false
	case graphql.over(plain) || graphql == plain && graphql.specificity == 3:
		return graphqlMedia, true
	default:
		return jsonMedia, true
	}
}

// apply notes a range that matches: the most specific one counts, of equals the one with the highest quality.
func (p *preference) apply(quality float64, specificity int) {
	if specificity > p.specificity || specificity == p.specificity && quality > p.quality {
		*p = preference{quality, specificity}
	}
}

// mediaRange reads one element of an Accept header. Answers are UTF-8, so that a range which wants another charset
// is none.
func mediaRange(text string) (name string, quality float64, ok bool) {
	name, params, err := mime.ParseMediaType(text)
	if err != nil {
		return "", 0, false
	}
	if charset, given := params["charset"]; given && !isUTF8(charset) {
		return "", 0, false
	}
	quality = 1
	if q, given := params["q"]; given {
		quality, err = strconv.ParseFloat(q, 64)
		if err != nil || quality < 0 || quality > 1 || math.IsNaN(quality) {
			return "", 0, false
		}
	}
	return name, quality, true
}

// splitList splits a header's list at its commas outside of quotes, and drops empty elements.
func splitList(text string) []string {
	var elements []string
	start, quoted := 0, false
	add := func(end int) {
		if element := strings.TrimSpace(text[start:end]); element != "" {
			elements = append(elements, element)
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			add(i)
			start = i + 1
		}
	}
	add(len(text))
	return elements
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
