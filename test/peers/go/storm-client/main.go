// Command storm-client makes many random calls of every kind to an echo server (package wire), usually
// through a proxy, and verifies each: nothing lost, nothing crossed between calls, nothing hung.
//
// It prints its seed to stderr at the start and one JSON document to stdout at the end. Exit code 0 when
// every call ended as it may, 1 when not, 2 for wrong usage.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"fairlead.dev/peers/wire"
)

type config struct {
	target           string
	calls            int
	concurrency      int
	connections      int
	seed             uint64
	sizeMax          int
	bound            time.Duration
	allowUnavailable bool
	caFile           string
}

func main() {
	var c config
	flag.StringVar(&c.target, "target", "", "HOST:PORT")
	flag.IntVar(&c.calls, "calls", 10_000, "how many calls")
	flag.IntVar(&c.concurrency, "concurrency", 50, "calls at once, over all connections")
	flag.IntVar(&c.connections, "connections", 2, "connections")
	flag.Uint64Var(&c.seed, "seed", 0, "what the calls are made from; 0 takes one from the clock")
	flag.IntVar(&c.sizeMax, "max-size", wire.BodyMax, "largest body of a message in bytes")
	bound := flag.Float64("bound-seconds", 60, "a call that takes longer counts as hung")
	flag.BoolVar(&c.allowUnavailable, "allow-unavailable", false, "UNAVAILABLE is no failure (servers are restarted meanwhile)")
	flag.StringVar(&c.caFile, "tls-ca", "", "PEM certificates; with it TLS, and the server's must be of these")
	flag.Parse()
	if c.target == "" || c.calls < 1 || c.concurrency < 1 || c.connections < 1 {
		fmt.Fprintln(os.Stderr, "storm-client: -target HOST:PORT is needed, and counts of at least 1")
		os.Exit(2)
	}
	if c.seed == 0 {
		c.seed = uint64(time.Now().UnixNano()) % 1_000_000_000
	}
	c.sizeMax = min(c.sizeMax, wire.BodyMax)
	c.bound = time.Duration(*bound * float64(time.Second))
	fmt.Fprintf(os.Stderr, "storm-client: -seed %d\n", c.seed)

	summary := newStorm(c, dial(c)).run()
	if err := json.NewEncoder(os.Stdout).Encode(summary); err != nil {
		log.Fatal(err)
	}
	if !summary.isGood(c.allowUnavailable) {
		os.Exit(1)
	}
}

func dial(c config) []*grpc.ClientConn {
	creds := insecure.NewCredentials()
	if c.caFile != "" {
		verifying, err := credentials.NewClientTLSFromFile(c.caFile, "")
		if err != nil {
			log.Fatalf("storm-client: -tls-ca: %v", err)
		}
		creds = verifying
	}
	connections := make([]*grpc.ClientConn, c.connections)
	for i := range connections {
		connection, err := grpc.NewClient("passthrough:///"+c.target,
			grpc.WithTransportCredentials(creds),
			grpc.WithNoProxy(),
			grpc.WithDisableRetry(),
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(wire.MessageMax),
				grpc.MaxCallSendMsgSize(wire.MessageMax),
			),
		)
		if err != nil {
			log.Fatalf("storm-client: %v", err)
		}
		connections[i] = connection
	}
	return connections
}
