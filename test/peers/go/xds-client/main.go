// Command xds-client is a stock grpc-go program that balances itself: it dials an xds:/// target, as
// the bootstrap in its environment says (GRPC_XDS_BOOTSTRAP), and calls an echo server (package wire)
// at an even pace until it is ended.
//
// It prints one JSON line a call when the call is over: {"at":MS,"ms":MS,"peer":"IP:PORT","code":0,
// "message":""}, times by the wall clock, and "ready" when the first one succeeded. Calls do not wait
// for each other. SIGTERM ends it after the calls that are out. With -summary there are no lines of
// calls, but one at the end: {"calls":N,"failed":N}.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds" // the scheme xds:///

	"fairlead.dev/peers/wire"
)

type line struct {
	At      int64  `json:"at"`
	Ms      int64  `json:"ms"`
	Peer    string `json:"peer"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type client struct {
	connection *grpc.ClientConn
	method     string
	metadata   metadata.MD
	timeout    time.Duration
	lock       sync.Mutex
	isReady    bool
	isSummary  bool
	calls      int
	failed     int
}

func main() {
	target := flag.String("target", "", "such as xds:///echo.prod:50051")
	method := flag.String("method", wire.Say, "what is called")
	interval := flag.Duration("interval", 10*time.Millisecond, "between the starts of two calls")
	timeout := flag.Duration("timeout", 5*time.Second, "of one call")
	headers := flag.String("headers", "", "NAME=VALUE of request metadata, separated by commas")
	isSummary := flag.Bool("summary", false, "one line at the end, not one a call")
	flag.Parse()
	if *target == "" {
		fmt.Fprintln(os.Stderr, "xds-client: -target xds:///NAME is needed")
		os.Exit(2)
	}
	connection, err := grpc.NewClient(*target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatalf("xds-client: %v", err)
	}
	defer connection.Close()
	c := client{connection: connection, method: *method, metadata: metadata.MD{}, timeout: *timeout, isSummary: *isSummary}
	for _, header := range strings.Split(*headers, ",") {
		if name, value, ok := strings.Cut(header, "="); ok {
			c.metadata.Append(name, value)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	var calls sync.WaitGroup
	ticker := time.NewTicker(*interval)
	for {
		select {
		case <-stop:
			calls.Wait()
			if c.isSummary {
				fmt.Printf("{\"calls\":%d,\"failed\":%d}\n", c.calls, c.failed)
			}
			return
		case <-ticker.C:
			calls.Go(c.call)
		}
	}
}

func (c *client) call() {
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(context.Background(), c.metadata), c.timeout)
	defer cancel()
	var from peer.Peer
	var header metadata.MD
	start := time.Now()
	request, answer := []byte("hello"), []byte(nil)
	err := c.connection.Invoke(ctx, c.method, &request, &answer, grpc.Peer(&from), grpc.Header(&header))
	l := line{At: time.Now().UnixMilli(), Ms: time.Since(start).Milliseconds(), Code: int(status.Code(err))}
	// Behind a proxy the peer is the proxy: servers tell their names.
	if names := header.Get(wire.KeyServedBy); len(names) > 0 {
		l.Peer = names[0]
	} else if from.Addr != nil {
		l.Peer = from.Addr.String()
	}
	if err != nil {
		l.Message = status.Convert(err).Message()
	}
	c.print(l)
}

func (c *client) print(l line) {
	text, _ := json.Marshal(l)
	c.lock.Lock()
	defer c.lock.Unlock()
	if l.Code == 0 && !c.isReady {
		c.isReady = true
		fmt.Println("ready")
	}
	c.calls++
	if l.Code != 0 {
		c.failed++
	}
	if !c.isSummary {
		fmt.Println(string(text))
	}
}
