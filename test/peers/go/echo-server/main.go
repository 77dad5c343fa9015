// Command echo-server is a grpc-go server that does what its callers order by request metadata
// (package wire). It prints "ready ADDRESS,..." once it listens. SIGTERM drains it: calls finish, for
// at most -drain-seconds; a second one ends it at once.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"fairlead.dev/peers/wire"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "addresses, separated by commas; port 0 picks one")
	name := flag.String("name", "", "what it calls itself (default: its first address)")
	maxStreams := flag.Uint("max-streams", 0, "SETTINGS_MAX_CONCURRENT_STREAMS; 0 for grpc-go's default")
	drain := flag.Int("drain-seconds", 10, "how long calls may take to finish after SIGTERM")
	age := flag.Duration("max-connection-age", 0, "close connections (GOAWAY) when they are so old; 0 for never")
	grace := flag.Duration("max-connection-age-grace", 0, "how long calls then have to finish; 0 for ever")
	certFile := flag.String("tls-cert", "", "PEM certificate; with it the server speaks TLS")
	keyFile := flag.String("tls-key", "", "PEM key")
	fault := flag.String("fault", "", "misbehave in one call of 20: cross, drop, damage or hang (to test storm clients)")
	flag.Parse()
	if !slices.Contains(faults, *fault) {
		log.Fatalf("echo-server: -fault %q: must be one of %q", *fault, faults)
	}

	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(wire.MessageMax),
		grpc.MaxSendMsgSize(wire.MessageMax),
	}
	if *maxStreams > 0 {
		options = append(options, grpc.MaxConcurrentStreams(uint32(*maxStreams)))
	}
	if *age > 0 {
		options = append(options, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: *age, MaxConnectionAgeGrace: *grace,
		}))
	}
	if *certFile != "" {
		creds, err := credentials.NewServerTLSFromFile(*certFile, *keyFile)
		if err != nil {
			log.Fatalf("echo-server: -tls-cert: %v", err)
		}
		options = append(options, grpc.Creds(creds))
	}

	listeners, addresses := openAll(strings.Split(*listen, ","))
	if *name == "" {
		*name = addresses[0]
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&serviceDesc, &echo{name: *name, fault: *fault})
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- server.Serve(listener) }()
	}
	fmt.Println("ready", strings.Join(addresses, ","))

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		log.Fatalf("echo-server: %v", err)
	case <-signals:
	}
	go func() {
		select {
		case <-signals:
		case <-time.After(time.Duration(*drain) * time.Second):
		}
		server.Stop()
	}()
	server.GracefulStop()
}

func openAll(texts []string) ([]net.Listener, []string) {
	var listeners []net.Listener
	var addresses []string
	for _, text := range texts {
		listener, err := net.Listen("tcp", text)
		if err != nil {
			log.Fatalf("echo-server: -listen: %v", err)
		}
		listeners = append(listeners, listener)
		addresses = append(addresses, listener.Addr().String())
	}
	return listeners, addresses
}
