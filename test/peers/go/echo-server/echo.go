package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"fairlead.dev/peers/wire"
)

// echo is the service.
type echo struct {
	name   string
	fault  string
	calls  atomic.Int64
	active atomic.Int64
}

var serviceDesc = grpc.ServiceDesc{
	ServiceName: wire.Service,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Say", Handler: unary((*echo).say)},
		{MethodName: "Stats", Handler: unary((*echo).stats)},
	},
	Streams: []grpc.StreamDesc{
		{StreamName: "Collect", Handler: stream((*echo).collect), ClientStreams: true},
		{StreamName: "Produce", Handler: stream((*echo).produce), ServerStreams: true},
		{StreamName: "Chat", Handler: stream((*echo).chat), ClientStreams: true, ServerStreams: true},
	},
}

type unaryFunc func(*echo, context.Context, []byte) ([]byte, error)

func unary(serve unaryFunc) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var request []byte
		if err := decode(&request); err != nil {
			return nil, err
		}
		e := srv.(*echo)
		answer, err := serve(e, ctx, request)
		if err == nil {
			err = e.spoil(ctx, &answer)
		}
		return &answer, err
	}
}

type streamFunc func(*echo, wire.Orders, grpc.ServerStream) error

func stream(serve streamFunc) grpc.StreamHandler {
	return func(srv any, s grpc.ServerStream) error {
		e := srv.(*echo)
		orders, err := e.begin(s.Context(), s.SetHeader, s.SetTrailer)
		if err != nil {
			return err
		}
		defer e.active.Add(-1)
		return serve(e, orders, faultyStream{s, e})
	}
}

// begin counts the call, reads its orders and sets the metadata that every answer has.
func (e *echo) begin(ctx context.Context, setHeader func(metadata.MD) error, setTrailer func(metadata.MD)) (wire.Orders, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	orders, err := wire.ParseOrders(md)
	if err != nil {
		return orders, status.Error(codes.InvalidArgument, err.Error())
	}
	e.calls.Add(1)
	if orders.Previous < orders.FailTimes {
		return orders, status.Errorf(codes.Unavailable, "attempt %d fails", orders.Previous+1)
	}
	e.active.Add(1)
	header := metadata.Pairs(wire.KeyServedBy, e.name)
	for _, key := range []string{wire.KeyCallID, wire.KeyEcho, wire.KeyEchoBin} {
		header.Append(key, md.Get(key)...)
	}
	if err := setHeader(header); err != nil {
		e.active.Add(-1)
		return orders, err
	}
	trailer := metadata.MD{}
	for _, key := range []string{wire.KeyEchoTrailing, wire.KeyEchoTrailingBin} {
		trailer.Append(key, md.Get(key)...)
	}
	if len(trailer) > 0 {
		setTrailer(trailer)
	}
	return orders, nil
}

func (e *echo) stats(context.Context, []byte) ([]byte, error) {
	return json.Marshal(map[string]any{
		"name": e.name, "calls": e.calls.Load(), "active": e.active.Load(),
	})
}

func (e *echo) say(ctx context.Context, request []byte) ([]byte, error) {
	setHeader := func(md metadata.MD) error { return grpc.SetHeader(ctx, md) }
	setTrailer := func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) }
	orders, err := e.begin(ctx, setHeader, setTrailer)
	if err != nil {
		return nil, err
	}
	defer e.active.Add(-1)
	if orders.EndAfter >= 0 {
		return nil, endEarly(orders)
	}
	if err := check(orders, request, 0); err != nil {
		return nil, err
	}
	if err := nap(ctx, orders); err != nil {
		return nil, err
	}
	return answer(orders, 0, request), nil
}

func (e *echo) collect(orders wire.Orders, s grpc.ServerStream) error {
	count := 0
	for ; count != orders.EndAfter; count++ {
		var message []byte
		if err := s.RecvMsg(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if err := check(orders, message, uint32(count)); err != nil {
			return err
		}
	}
	if count == orders.EndAfter {
		return endEarly(orders)
	}
	if err := nap(s.Context(), orders); err != nil {
		return err
	}
	// Its sequence number tells the caller how many messages arrived.
	last := answer(orders, uint32(count), []byte(strconv.Itoa(count)))
	return s.SendMsg(&last)
}

func (e *echo) produce(orders wire.Orders, s grpc.ServerStream) error {
	var request []byte
	if err := s.RecvMsg(&request); err != nil {
		return err
	}
	if err := check(orders, request, 0); err != nil {
		return err
	}
	if err := nap(s.Context(), orders); err != nil {
		return err
	}
	if orders.Size < 0 {
		orders.Size = 0
	}
	for seq := range orders.Count {
		if seq == orders.EndAfter {
			return endEarly(orders)
		}
		message := answer(orders, uint32(seq), nil)
		if err := s.SendMsg(&message); err != nil {
			return err
		}
	}
	if orders.EndAfter >= orders.Count {
		return endEarly(orders)
	}
	return nil
}

func (e *echo) chat(orders wire.Orders, s grpc.ServerStream) error {
	// A caller that waits for the headers before it sends anything gets them.
	if err := s.SendHeader(nil); err != nil {
		return err
	}
	for seq := 0; seq != orders.EndAfter; seq++ {
		var message []byte
		if err := s.RecvMsg(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := check(orders, message, uint32(seq)); err != nil {
			return err
		}
		if seq == 0 {
			if err := nap(s.Context(), orders); err != nil {
				return err
			}
		}
		reply := answer(orders, uint32(seq), message)
		if err := s.SendMsg(&reply); err != nil {
			return err
		}
	}
	return endEarly(orders)
}

// check verifies a message of a call whose messages are frames. The status says which failure it was.
func check(orders wire.Orders, message []byte, seq uint32) error {
	if orders.CallID == 0 {
		return nil
	}
	if err := wire.CheckFrame(message, orders.CallID, seq); err != nil {
		return status.Errorf(codes.DataLoss, "call %d: %v", orders.CallID, err)
	}
	return nil
}

// answer is the message that goes back for a request.
func answer(orders wire.Orders, seq uint32, request []byte) []byte {
	if orders.CallID == 0 {
		if orders.Size < 0 {
			return request
		}
		return wire.Body(0, seq, min(orders.Size, wire.BodyMax))
	}
	size := orders.Size
	if size < 0 {
		size = max(0, len(request)-wire.FrameHeadBytes)
	}
	return wire.NewFrame(orders.CallID, seq, wire.Body(orders.CallID, seq, min(size, wire.BodyMax)))
}

func endEarly(orders wire.Orders) error {
	if orders.EndStatus == codes.OK {
		return nil
	}
	return status.Error(orders.EndStatus, fmt.Sprintf("ended after %d as ordered", orders.EndAfter))
}

func nap(ctx context.Context, orders wire.Orders) error {
	if orders.SleepMs <= 0 {
		return nil
	}
	select {
	case <-time.After(time.Duration(orders.SleepMs) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
