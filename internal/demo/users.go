package demo

import (
	"net/http"
	"slices"
	"time"
)

// user as the users service sends it: ids are text, some names are snake_case, some values are one level down.
type user struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	DisplayName *string   `json:"display_name"`
	Email       *string   `json:"email"`
	Role        string    `json:"role"`
	CreatedAt   time.Time `json:"created_at"`
	Address     *address  `json:"address,omitempty"`
	Loyalty     struct {
		Points int `json:"points"`
	} `json:"loyalty"`
}

type address struct {
	Street     string `json:"street"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	Country    string `json:"country"`
}

// newUsers answers
//
//	GET /users/{id}               an object, or 404
//	GET /users?id=1&id=2          a plain list; ids nobody has are left out
//	GET /users?role=SELLER&limit= a plain list
func newUsers(shop *shop) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", handler(func(r *http.Request) (int, any) {
		i := slices.IndexFunc(shop.users, func(u user) bool { return u.ID == r.PathValue("id") })
		if i < 0 {
			return http.StatusNotFound, object{"detail": "no such user"}
		}
		return http.StatusOK, shop.users[i]
	}))
	mux.Handle("GET /users", handler(func(r *http.Request) (int, any) {
		query := r.URL.Query()
		limit, err := count(query, "limit", 100)
		if err != nil {
			return http.StatusBadRequest, object{"detail": err.Error()}
		}
		ids, byID := set(query["id"]), query.Has("id")
		role := query.Get("role")
		found := []user{}
		for _, u := range shop.users {
			if (!byID || ids[u.ID]) && (role == "" || role == u.Role) {
				found = append(found, u)
			}
		}
		return http.StatusOK, page(found, 0, limit)
	}))
	return mux
}
