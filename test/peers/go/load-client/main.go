// Command load-client sends calls to an echo server (package wire) over C connections with S calls at
// once on each, for some seconds, and prints one JSON document: what was done and how fast.
//
// With -mode idle or hold it opens connections or streams instead, prints {"open":N} once they are all
// there, and keeps them until it is ended by a signal or its stdin is closed.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"fairlead.dev/peers/wire"
)

type config struct {
	target      string
	mode        string
	metadata    string
	connections int
	streams     int
	seconds     float64
	calls       int64
	size        int
	messages    int
	isTLS       bool
	touch       bool
}

func main() {
	var c config
	flag.StringVar(&c.target, "target", "", "HOST:PORT")
	flag.StringVar(&c.mode, "mode", "unary", "unary, produce (server streams), idle (connections), hold (streams)")
	flag.StringVar(&c.metadata, "metadata", "real", "real (differs per call, as in life), constant, or none")
	flag.IntVar(&c.connections, "connections", 10, "connections")
	flag.IntVar(&c.streams, "streams", 10, "calls at once on each connection")
	flag.Float64Var(&c.seconds, "seconds", 3, "how long calls are started")
	flag.Int64Var(&c.calls, "calls", 0, "stop after so many calls instead")
	flag.IntVar(&c.size, "size", 100, "bytes of a message, each way")
	flag.IntVar(&c.messages, "messages", 1000, "messages of a server stream")
	flag.BoolVar(&c.isTLS, "tls", false, "TLS, any certificate accepted")
	flag.BoolVar(&c.touch, "touch", false, "idle: one call on each connection first")
	flag.Parse()
	if c.target == "" || c.connections < 1 || c.streams < 1 {
		fmt.Fprintln(os.Stderr, "load-client: -target HOST:PORT is needed, and counts of at least 1")
		os.Exit(2)
	}

	connections := dial(c)
	var result any
	switch c.mode {
	case "unary", "produce":
		result = runLoad(c, connections)
	case "idle":
		holdIdle(c, connections)
		return
	case "hold":
		holdStreams(c, connections)
		return
	default:
		fmt.Fprintf(os.Stderr, "load-client: -mode %q: must be unary, produce, idle or hold\n", c.mode)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

func dial(c config) []*grpc.ClientConn {
	creds := insecure.NewCredentials()
	if c.isTLS {
		creds = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(wire.MessageMax),
			grpc.MaxCallSendMsgSize(wire.MessageMax),
		),
	}
	if c.mode == "idle" {
		// Thousands of connections: keep this process small.
		options = append(options, grpc.WithReadBufferSize(1024), grpc.WithWriteBufferSize(1024), grpc.WithIdleTimeout(0))
	}
	connections := make([]*grpc.ClientConn, c.connections)
	for i := range connections {
		connection, err := grpc.NewClient("passthrough:///"+c.target, options...)
		if err != nil {
			log.Fatalf("load-client: %v", err)
		}
		connections[i] = connection
	}
	return connections
}

// background is the context of all calls; they are bounded one by one.
var background = context.Background()

func cpuMs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
