//go:build !h2c

package main

import "net/http"

func inTheClear(handler http.Handler) http.Handler { return handler }
