// Puts standard input and output aside, so that a stray print, or a child's output, goes to standard error.
package main

import (
	"os"
	"syscall"
)

func takeStdio() (*os.File, *os.File, error) {
	in, err := syscall.Dup(0)
	if err != nil {
		return nil, nil, err
	}
	out, err := syscall.Dup(1)
	if err != nil {
		return nil, nil, err
	}
	syscall.CloseOnExec(in)
	syscall.CloseOnExec(out)
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer nothing.Close()
	if err := syscall.Dup3(int(nothing.Fd()), 0, 0); err != nil {
		return nil, nil, err
	}
	if err := syscall.Dup3(2, 1, 0); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(in), "host"), os.NewFile(uintptr(out), "host"), nil
}
