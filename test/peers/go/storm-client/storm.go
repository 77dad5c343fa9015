package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"fairlead.dev/peers/wire"
)

// problem is one call that did not end as it may.
type problem struct {
	Call    uint64 `json:"call"`
	Index   int    `json:"index"`
	Kind    string `json:"kind"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail"`
}

// summary is what a storm prints.
type summary struct {
	Client      string `json:"client"`
	Seed        uint64 `json:"seed"`
	Calls       int    `json:"calls"`
	OK          int    `json:"ok"`
	Cancelled   int    `json:"cancelled"`
	Deadline    int    `json:"deadline"`
	EarlyEnd    int    `json:"earlyEnd"`
	Unavailable int    `json:"unavailable"`
	Lost        int    `json:"lost"`
	Crossed     int    `json:"crossed"`
	Hung        int    `json:"hung"`
	Unexpected  int    `json:"unexpected"`
	// Messages and Bytes are those that came back.
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
	// IsCutShort tells that no more calls were started because too many hung.
	IsCutShort bool `json:"isCutShort"`
	// Kinds and Servers count calls; a server is known by the header that names it.
	Kinds   map[string]int `json:"kinds"`
	Servers map[string]int `json:"servers"`
	// Problems are the first few of each outcome that is none of the planned ones.
	Problems []problem `json:"problems"`
}

const problemsMax = 50

func (s *summary) isGood(allowUnavailable bool) bool {
	bad := s.Lost + s.Crossed + s.Hung + s.Unexpected
	if !allowUnavailable {
		bad += s.Unavailable
	}
	return bad == 0
}

type storm struct {
	config
	clients []*grpc.ClientConn
	next    atomic.Int64
	hung    atomic.Int64
	mutex   sync.Mutex
	summary summary
}

func newStorm(c config, clients []*grpc.ClientConn) *storm {
	return &storm{config: c, clients: clients, summary: summary{
		Client: "grpc-go", Seed: c.seed,
		Kinds: map[string]int{}, Servers: map[string]int{}, Problems: []problem{},
	}}
}

func (s *storm) run() *summary {
	begin := time.Now()
	var wait sync.WaitGroup
	for range s.concurrency {
		wait.Go(func() {
			for s.hung.Load() < hungMax {
				index := int(s.next.Add(1) - 1)
				if index >= s.calls {
					return
				}
				s.callOnce(index)
			}
		})
	}
	wait.Wait()
	s.summary.IsCutShort = s.summary.Calls < s.calls
	s.summary.Seconds = time.Since(begin).Seconds()
	return &s.summary
}

// When so many calls hang, no more are started: each of them takes its whole bound.
const hungMax = 20

// After its bound a hung call is cancelled, and gets so long to notice.
const hungGrace = 5 * time.Second

func (s *storm) callOnce(index int) {
	p := newPlan(s.seed, index, s.sizeMax)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if p.deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, p.deadline)
		defer cancel()
	}
	if p.cancelAfter > 0 {
		defer time.AfterFunc(p.cancelAfter, cancel).Stop()
	}
	begin := time.Now()
	done := make(chan result, 1)
	go func() { done <- p.perform(ctx, s.clients[index%len(s.clients)]) }()
	select {
	case r := <-done:
		s.record(index, p, r, p.judge(r, time.Since(begin)))
	case <-time.After(s.bound):
		if s.hung.Add(1) <= hungMax {
			fmt.Fprintf(os.Stderr, "storm-client: call %d (%s) hangs for %v\n", p.id, p.kind, s.bound)
		}
		cancel()
		r := result{}
		select {
		case r = <-done:
		case <-time.After(hungGrace):
		}
		r.err = fmt.Errorf("no end within %v; orders %+v, sizes %v, %d messages came, then %v", s.bound, p.orders, p.sizes, r.messages, r.err)
		s.record(index, p, r, outcomeHung)
	}
}

func (s *storm) record(index int, p plan, r result, outcome string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	t := &s.summary
	t.Calls++
	t.Messages += int64(r.messages)
	t.Bytes += r.bytes
	t.Kinds[p.kind]++
	if names := r.header.Get(wire.KeyServedBy); len(names) > 0 {
		t.Servers[names[0]]++
	}
	counters := map[string]*int{
		outcomeOK: &t.OK, outcomeCancelled: &t.Cancelled, outcomeDeadline: &t.Deadline,
		outcomeEarlyEnd: &t.EarlyEnd, outcomeUnavailable: &t.Unavailable, outcomeLost: &t.Lost,
		outcomeCrossed: &t.Crossed, outcomeHung: &t.Hung, outcomeUnexpected: &t.Unexpected,
	}
	*counters[outcome]++
	switch outcome {
	case outcomeOK, outcomeCancelled, outcomeDeadline, outcomeEarlyEnd:
		return
	}
	if *counters[outcome] <= problemsMax {
		t.Problems = append(t.Problems, problem{p.id, index, p.kind, outcome, fmt.Sprint(r.err)})
	}
}
