package main

import (
	"context"
	"encoding/binary"

	"google.golang.org/grpc"

	"fairlead.dev/peers/wire"
)

// What -fault may say. None of it is ever wanted of a proxy: it shows that a storm client would notice.
const (
	faultNone   = ""
	faultCross  = "cross"  // an answer carries the id of another call
	faultDrop   = "drop"   // an answer is left out
	faultDamage = "damage" // a byte of an answer is changed
	faultHang   = "hang"   // an answer never comes
)

var faults = []string{faultNone, faultCross, faultDrop, faultDamage, faultHang}

// One call of so many is spoilt.
const faultEvery = 20

// spoil does to an answer what -fault says, in some calls. Only frames are spoilt.
func (e *echo) spoil(ctx context.Context, answer *[]byte) error {
	frame := *answer
	if e.fault == faultNone || len(frame) < wire.FrameHeadBytes {
		return nil
	}
	call := binary.BigEndian.Uint64(frame)
	if call%faultEvery != 0 {
		return nil
	}
	switch e.fault {
	case faultCross:
		*answer = wire.NewFrame(call+1, binary.BigEndian.Uint32(frame[8:]), frame[wire.FrameHeadBytes:])
	case faultDrop:
		*answer = nil
	case faultDamage:
		spoilt := append([]byte(nil), frame...)
		spoilt[len(spoilt)-1] ^= 1
		*answer = spoilt
	case faultHang:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// faultyStream spoils what is sent on it.
type faultyStream struct {
	grpc.ServerStream
	echo *echo
}

func (s faultyStream) SendMsg(message any) error {
	answer := *message.(*[]byte)
	had := len(answer)
	if err := s.echo.spoil(s.Context(), &answer); err != nil {
		return err
	}
	if len(answer) == 0 && had > 0 {
		return nil // Dropped.
	}
	return s.ServerStream.SendMsg(&answer)
}
