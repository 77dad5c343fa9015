// A greeter server: grpc-go as anybody would write it. Nothing here knows of fairlead.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"fairlead.dev/examples/greeter/greet"
)

type greeter struct {
	greet.UnimplementedGreeterServer
	name string
}

func (g *greeter) reply(name string) *greet.HelloReply {
	return &greet.HelloReply{Message: "hello " + name, Server: g.name}
}

func (g *greeter) SayHello(_ context.Context, in *greet.HelloRequest) (*greet.HelloReply, error) {
	return g.reply(in.GetName()), nil
}

func (g *greeter) SayHellos(in *greet.HelloRequest, out grpc.ServerStreamingServer[greet.HelloReply]) error {
	for range in.GetCount() {
		if err := out.Send(g.reply(in.GetName())); err != nil {
			return err
		}
	}
	return nil
}

func (g *greeter) GreetAll(stream grpc.ClientStreamingServer[greet.HelloRequest, greet.HelloReply]) error {
	for names := ""; ; {
		in, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(g.reply(names))
		}
		if err != nil {
			return err
		}
		if names != "" {
			names += " and "
		}
		names += in.GetName()
	}
}

func (g *greeter) Chat(stream grpc.BidiStreamingServer[greet.HelloRequest, greet.HelloReply]) error {
	for {
		in, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(g.reply(in.GetName())); err != nil {
			return err
		}
	}
}

func main() {
	listen := flag.String("listen", ":50051", "address to listen on")
	flag.Parse()
	// In a pod HOSTNAME is its name.
	name := os.Getenv("HOSTNAME")
	if name == "" {
		name, _ = os.Hostname()
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	greet.RegisterGreeterServer(server, &greeter{name: name})
	healthpb.RegisterHealthServer(server, health.NewServer())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-stop
		server.GracefulStop()
	}()
	fmt.Printf("%s listens on %s\n", name, listener.Addr())
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
