// Command health-server is a grpc-go server with its own health service (google.golang.org/grpc/health)
// and ORCA (google.golang.org/grpc/orca), both ways. Callers tell it its health and its load by the
// metadata of /peer.Pod/Order. It prints "ready ADDRESS" once it listens. SIGTERM drains it: its health
// is NOT_SERVING, then calls finish.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/orca"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// pod is the service by which it is told what to say.
type pod struct {
	health *health.Server
	load   orca.ServerMetricsRecorder
}

var serviceDesc = grpc.ServiceDesc{
	ServiceName: "peer.Pod",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Order", Handler: order}},
}

func order(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	request := &emptypb.Empty{}
	if err := decode(request); err != nil {
		return nil, err
	}
	handler := func(ctx context.Context, _ any) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		return request, srv.(*pod).obey(ctx, md)
	}
	return intercept(ctx, request, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/peer.Pod/Order"}, handler)
}

// obey sets what the metadata names: "health" to a ServingStatus, and loads to numbers.
func (p *pod) obey(ctx context.Context, md metadata.MD) error {
	for _, name := range md.Get("health") {
		value, known := healthpb.HealthCheckResponse_ServingStatus_value[name]
		if !known {
			return status.Errorf(codes.InvalidArgument, "health %q is unknown", name)
		}
		p.health.SetServingStatus("", healthpb.HealthCheckResponse_ServingStatus(value))
	}
	call := orca.CallMetricsRecorderFromContext(ctx)
	for name, set := range map[string]func(float64){
		"cpu":       p.load.SetCPUUtilization,
		"app":       p.load.SetApplicationUtilization,
		"qps":       p.load.SetQPS,
		"eps":       p.load.SetEPS,
		"call-cpu":  call.SetCPUUtilization,
		"call-qps":  call.SetQPS,
		"call-eps":  call.SetEPS,
		"call-name": func(value float64) { call.SetNamedMetric("queue", value) },
	} {
		for _, text := range md.Get(name) {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return status.Errorf(codes.InvalidArgument, "%s: %v", name, err)
			}
			set(value)
		}
	}
	return nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address; port 0 picks one")
	has := flag.Bool("has-services", true, "false: a server without health and ORCA")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatalf("health-server: -listen: %v", err)
	}
	load := orca.NewServerMetricsRecorder()
	server := grpc.NewServer(orca.CallMetricsServerOption(nil))
	p := &pod{health: health.NewServer(), load: load}
	server.RegisterService(&serviceDesc, p)
	if *has {
		healthpb.RegisterHealthServer(server, p.health)
		if err := orca.Register(server, orca.ServiceOptions{ServerMetricsProvider: load}); err != nil {
			log.Fatalf("health-server: %v", err)
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Println("ready", listener.Addr())

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		log.Fatalf("health-server: %v", err)
	case <-signals:
	}
	p.health.Shutdown()
	time.AfterFunc(5*time.Second, server.Stop)
	server.GracefulStop()
}
