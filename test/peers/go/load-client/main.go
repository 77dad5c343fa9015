// Command load-client sends calls to an echo server (package wire) over C connections with S calls at
// once on each, for some seconds, and prints one JSON document: what was done and how fast.
//
// With -mode idle or hold it opens connections or streams instead, prints {"open":N} once they are all
// there, and keeps them until it is ended by a signal or its stdin is closed.
//
// With -mode client it is itself what is measured: one channel over all targets, and the CPU time that
// a warm one takes.
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
	sleepMs     int
	warmUp      float64
	chats       bool
	isTLS       bool
	touch       bool
}

func main() {
	var c config
	flag.StringVar(&c.target, "target", "", "HOST:PORT; several by commas for -mode client")
	flag.StringVar(&c.mode, "mode", "unary", "unary, produce (server streams), idle (connections), hold (streams), client")
	flag.StringVar(&c.metadata, "metadata", "real", "real (differs per call, as in life), constant, or none")
	flag.IntVar(&c.connections, "connections", 10, "connections")
	flag.IntVar(&c.streams, "streams", 10, "calls at once on each connection")
	flag.Float64Var(&c.seconds, "seconds", 3, "how long calls are started")
	flag.Int64Var(&c.calls, "calls", 0, "stop after so many calls instead")
	flag.IntVar(&c.size, "size", 100, "bytes of a message, each way")
	flag.IntVar(&c.messages, "messages", 1000, "messages of a stream")
	flag.IntVar(&c.sleepMs, "sleep-ms", 0, "client: how long the server is told to wait before it answers")
	flag.Float64Var(&c.warmUp, "warm-up", 2, "client: seconds before those that are measured")
	flag.BoolVar(&c.chats, "chat", false, "client: streams both ways of -messages messages, not unary calls")
	flag.BoolVar(&c.isTLS, "tls", false, "TLS, any certificate accepted")
	flag.BoolVar(&c.touch, "touch", false, "idle: one call on each connection first")
	flag.Parse()
	if c.target == "" || c.connections < 1 || c.streams < 1 {
		fmt.Fprintln(os.Stderr, "load-client: -target HOST:PORT is needed, and counts of at least 1")
		os.Exit(2)
	}

	if c.mode == "client" {
		printReport(runClient(c))
		return
	}
	connections := dial(c)
	switch c.mode {
	case "unary", "produce":
		printReport(runLoad(c, connections))
	case "idle":
		holdIdle(c, connections)
	case "hold":
		holdStreams(c, connections)
	default:
		fmt.Fprintf(os.Stderr, "load-client: -mode %q: must be unary, produce, idle, hold or client\n", c.mode)
		os.Exit(2)
	}
}

func printReport(result report) {
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
