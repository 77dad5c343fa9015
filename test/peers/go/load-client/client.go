package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"fairlead.dev/peers/wire"
)

// What a call made under -mode client may take.
const clientDeadline = 5 * time.Second

// Metadata that differs per call is made beforehand: its making is not what is measured.
const preparedMax = 4096

// Phases: whether what happens now is counted.
const (
	warmingUp int32 = iota
	measuring
	over
)

// clientLoad is one channel, round_robin over all targets, as an application has it: its CPU time is
// that of the channel.
type clientLoad struct {
	config
	client   *grpc.ClientConn
	phase    atomic.Int32
	prepared [][]string
}

// runClient makes calls without a break through warm-up and measurement, and reports the latter.
func runClient(c config) report {
	load := &clientLoad{config: c, client: dialAll(strings.Split(c.target, ",")), prepared: prepare(c)}
	var wait sync.WaitGroup
	workers := make([]*worker, c.streams)
	for i := range workers {
		w := &worker{
			config:  c,
			client:  load.client,
			request: wire.Body(uint64(i), 0, c.size),
			errors:  map[string]string{},
		}
		w.config.mode = "unary" // what `exchange` does
		workers[i] = w
		wait.Go(func() {
			for n := i; load.phase.Load() != over; n += c.streams {
				load.call(w, n)
			}
		})
	}
	time.Sleep(seconds(c.warmUp))
	cpuBefore, begin := cpuMs(), time.Now()
	load.phase.Store(measuring)
	time.Sleep(seconds(c.seconds))
	load.phase.Store(over)
	cpu, elapsed := cpuMs()-cpuBefore, time.Since(begin)
	rss := rssBytes()
	wait.Wait()
	r := summarise(c, workers, elapsed, cpu)
	r.RSSBytes = rss
	return r
}

func seconds(count float64) time.Duration {
	return time.Duration(count * float64(time.Second))
}

func dialAll(targets []string) *grpc.ClientConn {
	endpoints := make([]resolver.Endpoint, len(targets))
	for i, target := range targets {
		endpoints[i].Addresses = []resolver.Address{{Addr: target}}
	}
	builder := manual.NewBuilderWithScheme("list")
	builder.InitialState(resolver.State{Endpoints: endpoints})
	client, err := grpc.NewClient("list:///echo",
		grpc.WithResolvers(builder),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
	)
	if err != nil {
		log.Fatalf("load-client: %v", err)
	}
	return client
}

// prepare makes the metadata of calls; nil when they carry none.
func prepare(c config) [][]string {
	var fixed []string
	if c.sleepMs > 0 {
		fixed = append(fixed, wire.KeySleepMs, strconv.Itoa(c.sleepMs))
	}
	if c.metadata == "none" && fixed == nil {
		return nil
	}
	if c.metadata == "none" {
		return [][]string{fixed}
	}
	random := rand.New(rand.NewPCG(1, 2))
	all := make([][]string, preparedMax)
	for i := range all {
		all[i] = append(realMetadata(random), fixed...)
	}
	return all
}

// call makes call number n and counts it when it ends while that is measured.
func (l *clientLoad) call(w *worker, n int) {
	ctx, cancel := context.WithTimeout(background, clientDeadline)
	defer cancel()
	if l.prepared != nil {
		ctx = metadata.AppendToOutgoingContext(ctx, l.prepared[n%len(l.prepared)]...)
	}
	begin := time.Now()
	var err error
	if l.chats {
		err = l.chat(ctx, w)
	} else if _, err = w.exchange(ctx); err == nil && l.phase.Load() == measuring {
		w.messages += 2
	}
	if err != nil {
		w.failures++
		w.errors[status.Code(err).String()] = err.Error()
	} else if l.phase.Load() == measuring {
		w.latencies = append(w.latencies, time.Since(begin))
	}
}

// chat sends -messages messages as fast as they are taken, and counts those that come back.
func (l *clientLoad) chat(ctx context.Context, w *worker) error {
	desc := grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	s, err := l.client.NewStream(ctx, &desc, wire.Chat)
	if err != nil {
		return err
	}
	go func() {
		for range l.config.messages {
			if s.SendMsg(&w.request) != nil {
				return // The receiver learns the reason.
			}
		}
		_ = s.CloseSend()
	}()
	for count := 0; ; count++ {
		var message []byte
		if err := s.RecvMsg(&message); errors.Is(err, io.EOF) {
			if count != l.config.messages {
				return status.Errorf(codes.DataLoss, "%d of %d messages came", count, l.config.messages)
			}
			return nil
		} else if err != nil {
			return err
		}
		if l.phase.Load() == measuring {
			w.messages += 2
		}
	}
}

// rssBytes is the resident memory of this process; 0 where /proc does not say.
func rssBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
