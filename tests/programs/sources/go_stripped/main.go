// Prints random numbers that no system call hands out, in a program without symbols.
package main

import (
	"fmt"
	"os"
)

func random() uint64
func leaf(number uint32) uint32

func main() {
	for i := 0; i < 20; i++ {
		fmt.Printf("%016x\n", random())
	}
	fmt.Printf("%08x\n", leaf(1))
	for i := 0; i < 2000; i++ {
		os.Getppid()
	}
}
