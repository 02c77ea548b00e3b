package assemble

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/admin"
	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// purge drops what an operator names: POST /cache/purge with {"purge": [{"kind": "type", "name": "Post"}]}. The log has a
// line of it.
func (g *Gateway) purge(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Purge []cache.Target `json:"purge"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&order)
	if err == nil && len(order.Purge) == 0 {
		err = errors.New(`there is nothing to purge; send {"purge": [{"kind": "type", "name": "Post"}]}`)
	}
	var tags []string
	for _, target := range order.Purge {
		more, wrong := g.caching.rules.Tags(target)
		err = errors.Join(err, wrong)
		tags = append(tags, more...)
	}
	if err != nil {
		admin.Refuse(w, http.StatusBadRequest, fail.New(fail.BadRequest, err.Error()))
		return
	}
	count, err := g.caching.responses.Purge(r.Context(), tags)
	g.logger.InfoContext(r.Context(), "purged", "tags", tags, "entries", count, "from", r.RemoteAddr)
	if err != nil {
		g.logger.WarnContext(r.Context(), "a purge isn't known everywhere yet", "cause", err)
		admin.Refuse(w, http.StatusServiceUnavailable, fail.New(fail.UpstreamUnavailable, "Redis doesn't know of the purge yet; this gateway goes on telling it."))
		return
	}
	admin.Answer(w, map[string]int{"purged": count})
}
