package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/orca"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const echoService = "fairlead.lab.Echo"

// method answers a text. All messages are a string in field 1, as StringValue is.
type method struct {
	service, name string
	namesHost     bool
	answer        func(text string) string
}

func (p *pod) register() {
	for _, m := range []method{
		{echoService, "Say", false, func(string) string { return p.name }},
		{"api.Echo", "Echo", true, func(text string) string { return text }},
		{"api.Reverse", "Reverse", true, func(text string) string {
			letters := []rune(text)
			slices.Reverse(letters)
			return string(letters)
		}},
		{"pet.service.v1.PetService", "Ping", false, func(text string) string {
			return text + ", " + p.name
		}},
	} {
		p.grpc.RegisterService(&grpc.ServiceDesc{
			ServiceName: m.service,
			HandlerType: (*any)(nil),
			Methods:     []grpc.MethodDesc{{MethodName: m.name, Handler: p.handler(m)}},
		}, p)
	}
}

func (p *pod) handler(m method) grpc.MethodHandler {
	info := &grpc.UnaryServerInfo{Server: p, FullMethod: "/" + m.service + "/" + m.name}
	return func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		request := &wrapperspb.StringValue{}
		if err := decode(request); err != nil {
			return nil, err
		}
		answer := func(ctx context.Context, _ any) (any, error) {
			// Without a recorder of the call's own the server's load would not be sent.
			_ = orca.CallMetricsRecorderFromContext(ctx)
			if failure := p.work(); failure != "" {
				return nil, status.Error(codes.Unavailable, failure)
			}
			if m.namesHost {
				if err := grpc.SetHeader(ctx, metadata.Pairs("hostname", p.name)); err != nil {
					return nil, err
				}
			}
			return wrapperspb.String(m.answer(request.Value)), nil
		}
		return intercept(ctx, request, info, answer)
	}
}

// load counts the calls of a second, as src/lab/pods/load-report.ts does.
type load struct {
	mutex   *sync.Mutex
	active  int
	ended   int
	busy    time.Duration
	counted time.Time
	since   time.Time
}

// fullCalls at a time are full use of a pod.
const fullCalls = 10

func newLoad() load {
	now := time.Now()
	return load{mutex: &sync.Mutex{}, counted: now, since: now}
}

func (l *load) count(active, ended int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := time.Now()
	l.busy += time.Duration(l.active) * now.Sub(l.counted)
	l.counted = now
	l.active += active
	l.ended += ended
}

// second answers calls a second, and the use of the pod, since the last time.
func (l *load) second() (qps, utilization float64) {
	l.count(0, 0)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	passed := time.Since(l.since).Seconds()
	qps = float64(l.ended) / passed
	utilization = l.busy.Seconds() / passed / fullCalls
	l.since, l.busy, l.ended = time.Now(), 0, 0
	return qps, utilization
}
