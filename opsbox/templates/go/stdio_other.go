//go:build !linux

// Takes standard input and output as they are; Go's own prints go to standard error.
package main

import "os"

func takeStdio() (*os.File, *os.File, error) {
	out := os.Stdout
	os.Stdout = os.Stderr
	return os.Stdin, out, nil
}
