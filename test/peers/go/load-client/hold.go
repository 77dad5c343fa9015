package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"fairlead.dev/peers/wire"
)

// At most so many are being opened at once: a burst of thousands would overflow the accept queue.
const openingMax = 64

// How long opening one may take.
const openTimeout = 20 * time.Second

// openEach calls open for 0..count-1 and returns how many went well.
func openEach(count int, open func(i int) error) int64 {
	var good atomic.Int64
	var wait sync.WaitGroup
	tickets := make(chan struct{}, openingMax)
	for i := range count {
		tickets <- struct{}{}
		wait.Go(func() {
			defer func() { <-tickets }()
			if err := open(i); err != nil {
				log.Printf("load-client: %d: %v", i, err)
				return
			}
			good.Add(1)
		})
	}
	wait.Wait()
	return good.Load()
}

func holdIdle(c config, connections []*grpc.ClientConn) {
	open := openEach(len(connections), func(i int) error {
		ctx, cancel := context.WithTimeout(background, openTimeout)
		defer cancel()
		connection := connections[i]
		connection.Connect()
		for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
			if !connection.WaitForStateChange(ctx, state) {
				return fmt.Errorf("no connection: %v", state)
			}
		}
		if !c.touch {
			return nil
		}
		request, answer := wire.Body(uint64(i), 0, c.size), []byte(nil)
		return connection.Invoke(ctx, wire.Say, &request, &answer)
	})
	hold(open)
}

func holdStreams(c config, connections []*grpc.ClientConn) {
	desc := grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	open := openEach(c.connections*c.streams, func(i int) error {
		// No deadline for the stream, but one for its opening.
		ctx, cancel := context.WithCancel(background)
		timer := time.AfterFunc(openTimeout, cancel)
		defer timer.Stop()
		s, err := connections[i%len(connections)].NewStream(ctx, &desc, wire.Chat)
		if err != nil {
			cancel()
			return err
		}
		_, err = s.Header()
		return err
	})
	hold(open)
}

func hold(open int64) {
	fmt.Printf("{\"open\":%d}\n", open)
	// Nobody sends anything: this returns when stdin is closed. Signals end the process as usual.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
