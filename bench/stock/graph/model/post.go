// Package model holds the types of the graph.
package model

// Post is an article as the service sends it.
type Post struct {
	ID     int32  `json:"id"`
	UserID int32  `json:"userId"`
	Title  string `json:"title"`
	Body   string `json:"body"`
}
