package engine

import "slices"

// What is deferred is selected once more, for a part of its own: in { stock { a } ... @defer { stock { b } } } the field
// stock is resolved for both parts. Costs are of fields by their response names, whatever part they are in, so that a field
// which asks for something must not be in two parts: such an operation is answered at once, where fields are merged.

// layer is one part's selection of an object, and the condition under which there is such a part.
type layer struct {
	object *planObject
	when   all
}

// mostLayers is how many parts one object may have.
const mostLayers = 64

// layers are the selections of an object under a condition, that of the first part and all that is deferred.
func (c *compiler) layers(o *planObject, when all) ([]layer, error) {
	list := []layer{{o, when}}
	for _, d := range o.defers {
		inside, err := c.layers(d.object, when.both(d.under))
		if err != nil {
			return nil, err
		}
		if list = append(list, inside...); len(list) > mostLayers {
			return nil, errUnplanned
		}
	}
	return list, nil
}

// once fails when something in the layers is resolved twice.
func (c *compiler) once(layers []layer) error {
	for i, a := range layers {
		for _, b := range layers[i+1:] {
			if err := c.apart(a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// apart fails when something is resolved in both of two layers.
func (c *compiler) apart(a, b layer) error {
	if a.when.excludes(b.when) {
		return nil
	}
	for _, f := range a.object.columns {
		for _, g := range b.object.columns {
			c.budget -= 1 + len(f.selected)*len(g.selected)
			switch {
			case c.budget < 0:
				return errUnplanned
			case f.selected[0].field.Alias != g.selected[0].field.Alias || !meet(f, a.when, g, b.when):
				continue
			case f.kind == kindTask || g.kind == kindTask:
				return errUnplanned
			}
			for _, child := range f.children {
				other := g.child(child.name)
				if other == nil {
					continue
				}
				left, err := c.layers(child, a.when)
				if err != nil {
					return err
				}
				right, err := c.layers(other, b.when)
				if err != nil {
					return err
				}
				for _, l := range left {
					for _, r := range right {
						if err := c.apart(l, r); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	return nil
}

// meet tells whether two fields can count for the same variables.
func meet(f *planField, under all, g *planField, other all) bool {
	return slices.ContainsFunc(f.selected, func(s selected) bool {
		mine := under.both(s.when)
		return slices.ContainsFunc(g.selected, func(t selected) bool { return !mine.excludes(other.both(t.when)) })
	})
}

// both is the conjunction of two, which may be impossible.
func (a all) both(b all) all {
	for _, l := range b {
		if at, found := slices.BinarySearch(a, l); !found {
			a = slices.Insert(slices.Clone(a), at, l)
		}
	}
	return a
}

// excludes tells whether two can't hold together.
func (a all) excludes(b all) bool {
	return slices.ContainsFunc(a, func(l literal) bool { return slices.Contains(b, l^1) || slices.Contains(a, l^1) })
}
