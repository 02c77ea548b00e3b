package config

// Playground is the GraphiQL page at /.
type Playground struct {
	// Enabled says whether there is a page. Default: true.
	Enabled bool `yaml:"enabled" json:"enabled"`
	// Title is the page's title. Empty means GraphiQL.
	Title string `yaml:"title" json:"title"`
	// Query is the document in the editor at a first visit. Empty means GraphiQL's own welcome text.
	Query string `yaml:"query" json:"query"`
	// Headers are what the headers tab starts with. Anyone who can open the page reads them.
	Headers map[string]string `yaml:"headers" json:"headers"`
}
