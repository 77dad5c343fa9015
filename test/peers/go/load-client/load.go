package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"fairlead.dev/peers/wire"
)

// report is what a load prints.
type report struct {
	// Calls ended well, Failures did not; Errors counts those by status and keeps one message each.
	Calls    int64             `json:"calls"`
	Failures int64             `json:"failures"`
	Errors   map[string]string `json:"errors"`
	// Messages and Bytes (of payload) went through, both ways together.
	Messages       int64   `json:"messages"`
	Bytes          int64   `json:"bytes"`
	Seconds        float64 `json:"seconds"`
	CallsPerSecond float64 `json:"callsPerSecond"`
	P50Ms          float64 `json:"p50Ms"`
	P99Ms          float64 `json:"p99Ms"`
	CPUMs          float64 `json:"cpuMs"`
	// RSSBytes is read by -mode client only.
	RSSBytes int64 `json:"rssBytes,omitempty"`
}

type worker struct {
	config
	random    *rand.Rand
	client    *grpc.ClientConn
	request   []byte
	latencies []time.Duration
	failures  int64
	messages  int64
	errors    map[string]string
}

func runLoad(c config, connections []*grpc.ClientConn) report {
	var started atomic.Int64
	until := time.Now().Add(time.Duration(c.seconds * float64(time.Second)))
	mayStart := func() bool {
		if c.calls > 0 {
			return started.Add(1) <= c.calls
		}
		return time.Now().Before(until)
	}
	workers := make([]*worker, 0, c.connections*c.streams)
	var wait sync.WaitGroup
	begin, cpuBefore := time.Now(), cpuMs()
	for i := range c.connections * c.streams {
		w := &worker{
			config:  c,
			random:  rand.New(rand.NewPCG(uint64(begin.UnixNano()), uint64(i))),
			client:  connections[i%c.connections],
			request: wire.Body(uint64(i), 0, c.size),
			errors:  map[string]string{},
		}
		workers = append(workers, w)
		wait.Go(func() {
			for mayStart() {
				w.call()
			}
		})
	}
	wait.Wait()
	return summarise(c, workers, time.Since(begin), cpuMs()-cpuBefore)
}

func summarise(c config, workers []*worker, elapsed time.Duration, cpu float64) report {
	r := report{Errors: map[string]string{}, Seconds: elapsed.Seconds(), CPUMs: cpu}
	var all []time.Duration
	for _, w := range workers {
		all = append(all, w.latencies...)
		r.Failures += w.failures
		r.Messages += w.messages
		for code, text := range w.errors {
			r.Errors[code] = text
		}
	}
	slices.Sort(all)
	r.Calls = int64(len(all))
	r.Bytes = r.Messages * int64(c.size)
	r.CallsPerSecond = float64(r.Calls) / r.Seconds
	if len(all) > 0 {
		r.P50Ms = float64(all[len(all)/2].Microseconds()) / 1000
		r.P99Ms = float64(all[len(all)*99/100].Microseconds()) / 1000
	}
	return r
}

func (w *worker) call() {
	ctx, cancel := w.callContext()
	defer cancel()
	begin := time.Now()
	messages, err := w.exchange(ctx)
	if err != nil {
		w.failures++
		w.errors[status.Code(err).String()] = err.Error()
		return
	}
	w.messages += messages
	w.latencies = append(w.latencies, time.Since(begin))
}

// exchange makes one call and counts the messages that went through.
func (w *worker) exchange(ctx context.Context) (int64, error) {
	if w.mode == "unary" {
		var answer []byte
		if err := w.client.Invoke(ctx, wire.Say, &w.request, &answer); err != nil {
			return 0, err
		}
		if len(answer) != len(w.request) {
			return 0, status.Errorf(codes.DataLoss, "%d bytes answered %d", len(answer), len(w.request))
		}
		return 2, nil
	}
	orders := wire.Orders{Count: w.config.messages, Size: w.size, EndAfter: -1}
	for key, values := range orders.Metadata() {
		ctx = metadata.AppendToOutgoingContext(ctx, key, values[0])
	}
	desc := grpc.StreamDesc{ServerStreams: true}
	s, err := w.client.NewStream(ctx, &desc, wire.Produce)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(s.SendMsg(&w.request), s.CloseSend()); err != nil {
		return 0, err
	}
	for count := 0; ; count++ {
		var message []byte
		if err := s.RecvMsg(&message); errors.Is(err, io.EOF) {
			if count != w.config.messages {
				return 0, status.Errorf(codes.DataLoss, "%d of %d messages came", count, w.config.messages)
			}
			return int64(count) + 1, nil
		} else if err != nil {
			return 0, err
		}
	}
}

// What services in production send with every call, the same each time.
var constants = []string{
	"authorization", "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjNhN2YifQ.eyJzdWIiOiJzZXJ2aWNlLWFjY291bnQ6Y2hlY2tvdXQiLCJhdWQiOiJvcmRlcnMiLCJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiZXhwIjoyMDAwMDAwMDAwfQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4tdGhhdC1ub2JvZHktY2hlY2tz",
	"baggage", "userTier=gold,region=eu-west-1,experiment=checkout-v3",
	"x-tenant", "acme-production",
	"x-client-version", "checkout/4.12.0",
}

// callContext carries the metadata and the deadline of one call.
func (w *worker) callContext() (context.Context, context.CancelFunc) {
	if w.metadata == "none" {
		return context.WithCancel(background)
	}
	if w.metadata == "constant" {
		return context.WithCancel(metadata.AppendToOutgoingContext(background, constants...))
	}
	ctx := metadata.AppendToOutgoingContext(background, realMetadata(w.random)...)
	timeout := 20*time.Second + time.Duration(w.random.Int64N(int64(10*time.Second)))
	return context.WithTimeout(ctx, timeout)
}

// realMetadata is what a call carries in life: some of it differs each time.
func realMetadata(random *rand.Rand) []string {
	a, b, c, d := random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()
	return append([]string{
		"traceparent", fmt.Sprintf("00-%016x%016x-%016x-01", a, b, c),
		"x-request-id", fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, b>>48, c>>52, d>>52, d&0xffffffffffff),
	}, constants...)
}
