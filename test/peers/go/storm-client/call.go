package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"fairlead.dev/peers/wire"
)

// errLost marks an answer that is incomplete or damaged.
var errLost = errors.New("lost")

// result is how a call went, before it is judged.
type result struct {
	// err is the status of the call (nil: OK), or what was wrong with its answers.
	err      error
	header   metadata.MD
	messages int
	bytes    int64
}

// perform makes the call and verifies its answers. It ends when ctx does.
func (p plan) perform(ctx context.Context, client *grpc.ClientConn) result {
	ctx = metadata.NewOutgoingContext(ctx, p.orders.Metadata())
	switch p.kind {
	case kindSay:
		return p.say(ctx, client)
	case kindCollect:
		return p.stream(ctx, client, grpc.StreamDesc{ClientStreams: true}, wire.Collect)
	case kindProduce:
		return p.stream(ctx, client, grpc.StreamDesc{ServerStreams: true}, wire.Produce)
	default:
		desc := grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
		return p.stream(ctx, client, desc, wire.Chat)
	}
}

func (p plan) request(seq int) []byte {
	return wire.NewFrame(p.id, uint32(seq), wire.Body(p.id, uint32(seq), p.sizes[seq]))
}

func (p plan) say(ctx context.Context, client *grpc.ClientConn) result {
	var r result
	var answer []byte
	request := p.request(0)
	r.err = client.Invoke(ctx, wire.Say, &request, &answer, grpc.Header(&r.header))
	if r.err == nil {
		r.take(p, answer, 0)
	}
	return r
}

func (p plan) stream(ctx context.Context, client *grpc.ClientConn, desc grpc.StreamDesc, method string) result {
	var r result
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := client.NewStream(ctx, &desc, method)
	if err != nil {
		r.err = err
		return r
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p.sendAll(s)
	}()
	r.receive(p, s)
	if header, err := s.Header(); err == nil {
		r.header = header
	}
	cancel()
	<-sent
	return r
}

// sendAll stops when the call has ended; its status comes with the receiving half.
func (p plan) sendAll(s grpc.ClientStream) {
	for seq := range p.sizes {
		message := p.request(seq)
		if s.SendMsg(&message) != nil {
			return
		}
	}
	_ = s.CloseSend()
}

func (r *result) receive(p plan, s grpc.ClientStream) {
	for {
		var message []byte
		if err := s.RecvMsg(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			r.err = err
			break
		}
		if r.take(p, message, p.wantedSeq(r.messages)); r.err != nil {
			return
		}
		if p.kind == kindCollect {
			break // The only one; its status has come with it.
		}
	}
	// A planned status may come only after all that was ordered before it.
	isPlanned := r.err == nil || p.orders.EndAfter >= 0 && status.Code(r.err) == p.orders.EndStatus
	if isPlanned && r.messages != p.wantedMessages() {
		r.err = fmt.Errorf("%w: %d of %d messages came, then %v", errLost, r.messages, p.wantedMessages(), status.Code(r.err))
	}
}

// wantedSeq is the sequence number of the answer that comes next.
func (p plan) wantedSeq(answered int) int {
	if p.kind == kindCollect {
		return len(p.sizes) // It says how many messages the server got.
	}
	return answered
}

// wantedMessages is how many answers a call has that ends as planned.
func (p plan) wantedMessages() int {
	isEndedEarly := p.orders.EndAfter >= 0
	switch {
	case p.kind == kindCollect && isEndedEarly:
		return 0
	case p.kind == kindCollect:
		return 1
	case isEndedEarly:
		return p.orders.EndAfter
	case p.kind == kindProduce:
		return p.orders.Count
	default:
		return len(p.sizes)
	}
}

// wantedSize is the size of an answer's body.
func (p plan) wantedSize(seq int) int {
	switch {
	case p.orders.Size >= 0:
		return p.orders.Size
	case p.kind == kindCollect:
		// The server's answer holds the count in decimal, less than the head of a frame.
		return 0
	default:
		return p.sizes[seq]
	}
}

// take verifies one answer.
func (r *result) take(p plan, message []byte, seq int) {
	r.messages++
	r.bytes += int64(len(message))
	if err := wire.CheckFrame(message, p.id, uint32(seq)); err != nil {
		if !errors.Is(err, wire.ErrCrossed) {
			err = fmt.Errorf("%w: %w", errLost, err)
		}
		r.err = err
	} else if got := len(message) - wire.FrameHeadBytes; got != p.wantedSize(seq) {
		r.err = fmt.Errorf("%w: a body of %d bytes where %d were due", errLost, got, p.wantedSize(seq))
	}
}

// The outcomes of a call.
const (
	outcomeOK          = "ok"
	outcomeCancelled   = "cancelled"
	outcomeDeadline    = "deadline"
	outcomeEarlyEnd    = "earlyEnd"
	outcomeUnavailable = "unavailable"
	outcomeLost        = "lost"
	outcomeCrossed     = "crossed"
	outcomeHung        = "hung"
	outcomeUnexpected  = "unexpected"
)

// Clocks of both sides differ a little: a status may name the deadline or the cancellation.
const deadlineSlack = 50 * time.Millisecond

// judge says what the result of a call means, given what was planned and how long it took.
func (p plan) judge(r result, took time.Duration) string {
	if ids := r.header.Get(wire.KeyCallID); len(ids) > 0 && ids[0] != strconv.FormatUint(p.id, 10) {
		return outcomeCrossed
	}
	code := status.Code(r.err)
	switch {
	case errors.Is(r.err, wire.ErrCrossed):
		return outcomeCrossed
	case errors.Is(r.err, errLost) || code == codes.DataLoss:
		return outcomeLost
	case p.orders.EndAfter >= 0 && code == p.orders.EndStatus:
		return outcomeEarlyEnd
	case r.err == nil:
		return outcomeOK
	case p.cancelAfter > 0 && code == codes.Canceled:
		return outcomeCancelled
	case p.deadline > 0 && code == codes.DeadlineExceeded:
		return outcomeDeadline
	case p.deadline > 0 && code == codes.Canceled && took > p.deadline-deadlineSlack:
		return outcomeDeadline
	case code == codes.Unavailable:
		return outcomeUnavailable
	default:
		return outcomeUnexpected
	}
}
