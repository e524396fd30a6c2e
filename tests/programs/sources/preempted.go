// Eight goroutines count without any call until the main one has seen all of them move twice; the runtime
// has to interrupt them for that. What each has counted to depends on when.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

const workers = 8

var (
	counters [workers * 16]uint64 // each on cache lines of its own
	stop     uint32
	shared   uint64 // counted without a lock
)

func count(worker int, done *sync.WaitGroup) {
	defer done.Done()
	value := uint64(worker + 1)
	for atomic.LoadUint32(&stop) == 0 {
		value = value*6364136223846793005 + 1442695040888963407
		shared++
		atomic.AddUint64(&counters[worker*16], 1)
	}
	fmt.Println(worker, value)
}

func main() {
	var done sync.WaitGroup
	done.Add(workers)
	for worker := 0; worker < workers; worker++ {
		go count(worker, &done)
	}
	for round := 0; round < 2; round++ {
		var before [workers]uint64
		for worker := range before {
			before[worker] = atomic.LoadUint64(&counters[worker*16])
		}
		for worker := range before {
			for atomic.LoadUint64(&counters[worker*16]) == before[worker] {
			}
		}
	}
	atomic.StoreUint32(&stop, 1)
	done.Wait()
	fmt.Println("shared", shared)
}
