package wire

import (
	"fmt"
	"math/rand"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// The service and its methods. A message is any bytes; with CallID set it is a frame.
const (
	Service = "echo.Echo"

	// Say is unary: answers with the request, or with what the orders say.
	Say = "/echo.Echo/Say"
	// Collect is client-streaming: answers with one message at the end.
	Collect = "/echo.Echo/Collect"
	// Produce is server-streaming: Count messages of Size bytes.
	Produce = "/echo.Echo/Produce"
	// Chat is bidirectional: answers each message as it comes.
	Chat = "/echo.Echo/Chat"
	// Stats is unary and obeys no orders: answers with JSON {"name","calls","active"}, itself not counted.
	Stats = "/echo.Echo/Stats"
)

// Request metadata of the orders.
const (
	KeyCallID    = "x-call-id"
	KeySleepMs   = "x-sleep-ms"
	KeyCount     = "x-count"
	KeySize      = "x-size"
	KeyEndAfter  = "x-end-after"
	KeyEndStatus = "x-end-status"
	// KeyFailTimes is how many attempts fail UNAVAILABLE before anything is said; which attempt it
	// is, the client tells by KeyPreviousAttempts (gRFC A6).
	KeyFailTimes        = "x-fail-times"
	KeyPreviousAttempts = "grpc-previous-rpc-attempts"
	// KeyEcho and KeyEchoBin come back as initial metadata, KeyEchoTrailing and KeyEchoTrailingBin
	// as trailers.
	KeyEcho            = "x-echo"
	KeyEchoBin         = "x-echo-bin"
	KeyEchoTrailing    = "x-echo-trailing"
	KeyEchoTrailingBin = "x-echo-trailing-bin"
	// KeyServedBy is initial metadata of every answer: the server's name.
	KeyServedBy = "x-served-by"
)

// Orders is what a call asks the echo server to do, carried in request metadata.
type Orders struct {
	// CallID is 0 for calls whose messages are not frames. It comes back as initial metadata.
	CallID uint64
	// SleepMs passes before the first answer.
	SleepMs int
	// Count is how many messages Produce sends.
	Count int
	// Size is that of an answer's body; -1 for as large as the request's (Produce: 0).
	Size int
	// EndAfter messages (received by Say, Collect and Chat, sent by Produce) the server ends the
	// call with EndStatus; -1 for never.
	EndAfter  int
	EndStatus codes.Code
	// FailTimes attempts fail, of which Previous were made.
	FailTimes int
	Previous  int
}

// ParseOrders reads the orders out of request metadata.
func ParseOrders(md metadata.MD) (Orders, error) {
	orders := Orders{Size: -1, EndAfter: -1, Count: 1}
	fields := map[string]*int{
		KeySleepMs: &orders.SleepMs, KeyCount: &orders.Count, KeySize: &orders.Size,
		KeyEndAfter: &orders.EndAfter, KeyFailTimes: &orders.FailTimes,
		KeyPreviousAttempts: &orders.Previous,
	}
	for key, field := range fields {
		if values := md.Get(key); len(values) > 0 {
			value, err := strconv.Atoi(values[0])
			if err != nil {
				return orders, fmt.Errorf("%s: %q is no number", key, values[0])
			}
			*field = value
		}
	}
	if values := md.Get(KeyEndStatus); len(values) > 0 {
		code, err := strconv.ParseUint(values[0], 10, 8)
		if err != nil {
			return orders, fmt.Errorf("%s: %q is no status", KeyEndStatus, values[0])
		}
		orders.EndStatus = codes.Code(code)
	}
	if values := md.Get(KeyCallID); len(values) > 0 {
		id, err := strconv.ParseUint(values[0], 10, 64)
		if err != nil {
			return orders, fmt.Errorf("%s: %q is no id", KeyCallID, values[0])
		}
		orders.CallID = id
	}
	return orders, nil
}

// Metadata is the request metadata that carries the orders.
func (o Orders) Metadata() metadata.MD {
	md := metadata.MD{}
	set := func(key string, value, absent int) {
		if value != absent {
			md.Set(key, strconv.Itoa(value))
		}
	}
	if o.CallID != 0 {
		md.Set(KeyCallID, strconv.FormatUint(o.CallID, 10))
	}
	set(KeySleepMs, o.SleepMs, 0)
	set(KeyCount, o.Count, 1)
	set(KeySize, o.Size, -1)
	set(KeyEndAfter, o.EndAfter, -1)
	set(KeyEndStatus, int(o.EndStatus), 0)
	return md
}

// BodyMax is the largest body of a message.
const BodyMax = 4 << 20

// MessageMax bounds messages on both sides, above gRPC's usual 4 MiB: head and body fit.
const MessageMax = BodyMax + 64<<10

var noise = newNoise()

func newNoise() []byte {
	bytes := make([]byte, 2*BodyMax)
	rand.New(rand.NewSource(1)).Read(bytes)
	return bytes
}

// Body is size bytes of noise that begin at a place given by the call and the sequence number. It
// must not be written to.
func Body(call uint64, seq uint32, size int) []byte {
	at := int((call*2654435761 + uint64(seq)*40503) % BodyMax)
	return noise[at : at+size]
}
