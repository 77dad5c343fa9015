// Command fairlead-lab-pod is one pod of the lab, served by grpc-go: fairlead-lab-pod NAME
//
// It is told what to do, and says what came of it, by lines of JSON on stdin and stdout: the messages
// of src/lab/messages.ts. It answers what the lab's own pods answer, but for reflection. SIGTERM
// drains it; at the end of stdin it ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/orca"
)

const drain = 1500 * time.Millisecond

// settings of all pods of a lab, in FAIRLEAD_LAB_POD.
type settings struct {
	CallMs               *float64
	MaxConcurrentStreams *uint32
}

// conduct is how a pod serves.
type conduct struct {
	SlowFactor float64
	IsServing  bool
	IsSick     bool
}

type order struct {
	Type string
	Host string
	Port int
	conduct
}

// pod is the one of this process.
type pod struct {
	name   string
	call   time.Duration
	health *health.Server
	orca   orca.ServerMetricsRecorder
	load   load
	mutex  sync.Mutex
	now    conduct
	grpc   *grpc.Server
	http   *http.Server
}

// conduct of this moment.
func (p *pod) conduct() conduct {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.now
}

func (p *pod) behave(now conduct) {
	p.mutex.Lock()
	p.now = now
	p.mutex.Unlock()
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if now.IsServing {
		status = healthpb.HealthCheckResponse_SERVING
	}
	for _, service := range []string{"", echoService} {
		p.health.SetServingStatus(service, status)
	}
}

// work takes the time of a call, and answers why that fails, or "".
func (p *pod) work() string {
	p.load.count(1, 0)
	time.Sleep(time.Duration(float64(p.call) * p.conduct().SlowFactor))
	p.load.count(-1, 1)
	if p.conduct().IsSick {
		return p.name + " is sick"
	}
	return ""
}

// ServeHTTP answers with the name, as the lab's HTTP/1.1 has it.
func (p *pod) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	failure := p.work()
	w.Header().Set("content-type", "text/plain")
	if failure != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, failure)
		return
	}
	fmt.Fprintln(w, p.name)
}

// serve begins; its place of HTTP/1.1 is beside gRPC's, another one when somebody has that.
func (p *pod) serve(host string, port int, limits settings) (places map[string]string, err error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	beside := 0
	if port != 0 {
		beside = port + 10
	}
	web, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(beside)))
	if err != nil {
		web, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, err
	}
	options := []grpc.ServerOption{orca.CallMetricsServerOption(p.orca)}
	if limits.MaxConcurrentStreams != nil {
		options = append(options, grpc.MaxConcurrentStreams(*limits.MaxConcurrentStreams))
	}
	p.grpc = grpc.NewServer(options...)
	p.register()
	healthpb.RegisterHealthServer(p.grpc, p.health)
	p.http = &http.Server{Handler: p}
	go func() { _ = p.grpc.Serve(listener) }()
	go func() { _ = p.http.Serve(web) }()
	go p.report()
	return map[string]string{
		"address": listener.Addr().String(), "http1Address": web.Addr().String(),
	}, nil
}

// report sets the load of each whole second, which goes out with the answers of the next.
func (p *pod) report() {
	for range time.Tick(time.Second) {
		qps, utilization := p.load.second()
		p.orca.SetQPS(qps)
		p.orca.SetApplicationUtilization(utilization)
	}
}

// end finishes open calls, and waits for no stream that has no end.
func (p *pod) end() {
	p.health.Shutdown()
	if p.grpc == nil {
		return
	}
	limit, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	drained := make(chan struct{})
	go func() {
		var both sync.WaitGroup
		both.Go(p.grpc.GracefulStop)
		both.Go(func() {
			p.http.SetKeepAlivesEnabled(false)
			_ = p.http.Shutdown(limit)
		})
		both.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-limit.Done():
		p.grpc.Stop()
	}
}

func tell(message map[string]string) {
	line, _ := json.Marshal(message)
	fmt.Println(string(line))
}

func (p *pod) obey(what order, limits settings) {
	switch what.Type {
	case "behave":
		p.behave(what.conduct)
	case "pod-start":
		places, err := p.serve(what.Host, what.Port, limits)
		if err == nil {
			places["type"], places["pod"] = "pod-serves", p.name
			tell(places)
			return
		}
		code := ""
		if errors.Is(err, syscall.EADDRINUSE) {
			code = "EADDRINUSE"
		}
		tell(map[string]string{"type": "pod-failed", "pod": p.name, "code": code, "reason": err.Error()})
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("fairlead-lab-pod: needs its name")
	}
	var limits settings
	if text := os.Getenv("FAIRLEAD_LAB_POD"); text != "" {
		if err := json.Unmarshal([]byte(text), &limits); err != nil {
			log.Fatalf("fairlead-lab-pod: FAIRLEAD_LAB_POD: %v", err)
		}
	}
	call := 2.0
	if limits.CallMs != nil {
		call = *limits.CallMs
	}
	p := &pod{
		name: os.Args[1], call: time.Duration(call * float64(time.Millisecond)),
		health: health.NewServer(), orca: orca.NewServerMetricsRecorder(),
		load: newLoad(),
	}
	p.behave(conduct{SlowFactor: 1, IsServing: true})
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		p.end()
		os.Exit(0)
	}()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var what order
		if err := json.Unmarshal(lines.Bytes(), &what); err == nil {
			p.obey(what, limits)
		}
	}
}
