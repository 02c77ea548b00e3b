package store

import (
	"slices"
	"strings"
)

// All is the tag that every entry has without being told.
const All = "all"

// TypeTag is the tag of answers in which something of a type is, or was looked for.
func TypeTag(typ string) string { return "type:" + typ }

// EntityTag is the tag of answers in which the object of a type with this id is.
func EntityTag(typ, id string) string { return typ + ":" + id }

// ListTag is the tag of answers with a list of a type.
func ListTag(typ string) string { return "list:" + typ }

// ServiceTag is the tag of answers for which a service was asked.
func ServiceTag(service string) string { return "service:" + service }

// manyTag stands for all tags T:… of an entry that has too many to name. A purge of any T:… reaches it.
func manyTag(kind string) string { return "many:" + kind }

// longest is the most bytes of a tag. Of a longer one the kind stands for it.
const longest = 256

// bounded sorts tags and takes repetitions out. When there are more than most, the kind with the most tags is replaced
// by its manyTag, and so on.
func bounded(tags []string, most int) []string {
	tags = slices.Clone(tags)
	for i, tag := range tags {
		if len(tag) > longest {
			kind, _, _ := strings.Cut(tag, ":")
			tags[i] = manyTag(kind[:min(len(kind), longest)])
		}
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	for len(tags) > most {
		kinds := map[string]int{}
		kind := ""
		for _, tag := range tags {
			k, _, named := strings.Cut(tag, ":")
			if !named || k == "many" {
				continue
			}
			kinds[k]++
			if n := kinds[k]; n > kinds[kind] || n == kinds[kind] && k < kind {
				kind = k
			}
		}
		if kinds[kind] < 2 { // nothing left to bring together by kind: everything reaches it
			return []string{manyAll}
		}
		tags = slices.DeleteFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, kind+":") })
		tags = append(tags, manyTag(kind))
		slices.Sort(tags)
	}
	return tags
}

// manyAll is the tag of an entry that every purge reaches.
const manyAll = "many"

// reach are the tags that a purge of some has to look at, sorted. All alone reaches everything.
func reach(tags []string) []string {
	if slices.Contains(tags, All) {
		return []string{All}
	}
	all := make([]string, 0, 2*len(tags)+1)
	for _, tag := range tags {
		if len(tag) <= longest {
			all = append(all, tag)
		}
		if kind, _, named := strings.Cut(tag, ":"); named {
			all = append(all, manyTag(kind[:min(len(kind), longest)]))
		}
	}
	all = append(all, manyAll)
	slices.Sort(all)
	return slices.Compact(all)
}

// ManyTag is the tag of answers with objects of a type whose ids aren't known: a purge of any of the type's entities
// reaches them.
func ManyTag(typ string) string { return manyTag(typ) }
