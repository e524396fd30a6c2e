// Goroutines that share channels, a mutex and timers; a map in its random order; numbers from the kernel and the clock.
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"sync"
	"time"
)

func main() {
	numbers := make(chan int, 4)
	var group sync.WaitGroup
	var lock sync.Mutex
	total, byWorker := 0, map[int]int{}
	for worker := 0; worker < 8; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for number := range numbers {
				time.Sleep(50 * time.Microsecond)
				lock.Lock()
				total += number
				byWorker[worker]++
				lock.Unlock()
			}
		}(worker)
	}
	for number := 0; number < 100; number++ {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	noise := make([]byte, 8)
	if _, err := rand.Read(noise); err != nil {
		panic(err)
	}
	for worker, count := range byWorker {
		fmt.Println("worker", worker, "took", count)
	}
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("the timer rang at", time.Now().UnixNano())
	}
	fmt.Printf("total %d, noise %x, process %d\n", total, noise, os.Getpid())
	os.Exit(5)
}
