package main

//go:generate go run github.com/tributary-gateway/tributary/cmd/generate
