package documents

// ParseManifest says whether a text is a manifest, and of how many documents.
func ParseManifest(text []byte) (int, error) {
	entries, err := parseManifest(text)
	return len(entries), err
}
