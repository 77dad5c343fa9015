// Package wire is what our Go programs agree on: raw messages, the frame inside a message, and the
// request metadata that tells the echo server what to do.
package wire

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registered first, so that ours replaces it
	"google.golang.org/grpc/mem"
)

// rawCodec passes messages on as bytes. It takes the name "proto", so that the content-type on the
// wire is the plain "application/grpc" that generated code sends.
type rawCodec struct{}

func init() { encoding.RegisterCodecV2(rawCodec{}) }

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	message, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("a message is *[]byte, not %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*message)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("a message is *[]byte, not %T", v)
	}
	*message = data.Materialize()
	return nil
}
