// A control plane of go-control-plane: snapshots come as JSON lines on stdin, and what clients ask
// goes out as JSON lines on stdout. One snapshot, for every node.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/aggregate/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
)

// Everybody gets the same.
type everyNode struct{}

func (everyNode) ID(*core.Node) string { return "all" }

// One line of stdin: a whole new snapshot.
type command struct {
	Version   string                       `json:"version"`
	Resources map[string][]json.RawMessage `json:"resources"`
}

var output sync.Mutex

func tell(event map[string]any) {
	output.Lock()
	defer output.Unlock()
	line, _ := json.Marshal(event)
	fmt.Println(string(line))
}

func told(node *core.Node, kind string, names []string, nonce string, problem string) {
	event := map[string]any{"request": kind, "names": names, "nonce": nonce, "problem": problem}
	if node != nil {
		event["node"] = node.GetId()
	}
	tell(event)
}

func snapshotOf(from command) (*cache.Snapshot, error) {
	all := map[string][]types.Resource{}
	for kind, list := range from.Resources {
		for _, raw := range list {
			var message anypb.Any
			if err := protojson.Unmarshal(raw, &message); err != nil {
				return nil, err
			}
			resource, err := message.UnmarshalNew()
			if err != nil {
				return nil, err
			}
			all[kind] = append(all[kind], resource)
		}
	}
	return cache.NewSnapshot(from.Version, all)
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "HOST:PORT")
	flag.Parse()
	// With true it would answer only who asks for every cluster there is, which gRPC clients do not.
	snapshots := cache.NewSnapshotCache(false, everyNode{}, nil)
	callbacks := server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, r *discovery.DiscoveryRequest) error {
			told(r.Node, r.TypeUrl, r.ResourceNames, r.ResponseNonce, r.ErrorDetail.GetMessage())
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, r *discovery.DeltaDiscoveryRequest) error {
			told(r.Node, r.TypeUrl, r.ResourceNamesSubscribe, r.ResponseNonce, r.ErrorDetail.GetMessage())
			return nil
		},
	}
	ads := server.NewServer(context.Background(), snapshots, callbacks)
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(program, ads)
	go program.Serve(listener)
	tell(map[string]any{"listening": listener.Addr().String()})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var next command
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			tell(map[string]any{"failed": err.Error()})
			continue
		}
		snapshot, err := snapshotOf(next)
		if err == nil {
			err = snapshots.SetSnapshot(context.Background(), "all", snapshot)
		}
		if err != nil {
			tell(map[string]any{"failed": err.Error()})
			continue
		}
		tell(map[string]any{"serving": next.Version})
	}
}
