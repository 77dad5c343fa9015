package main

import (
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"

	"fairlead.dev/peers/wire"
)

// The kinds of calls.
const (
	kindSay     = "unary"
	kindCollect = "clientStream"
	kindProduce = "serverStream"
	kindChat    = "bidi"
)

// plan is what one call does, made from the seed and the number of the call alone.
type plan struct {
	id    uint64
	kind  string
	sizes []int // of the bodies that the client sends
	// orders tell the server; orders.EndAfter >= 0 is a planned early end.
	orders wire.Orders
	// deadline and cancelAfter are 0 when there is none.
	deadline    time.Duration
	cancelAfter time.Duration
}

// Statuses for early ends. UNAVAILABLE is not among them: it is what a lost server looks like.
var endings = []codes.Code{
	codes.Unknown, codes.InvalidArgument, codes.NotFound, codes.PermissionDenied,
	codes.ResourceExhausted, codes.FailedPrecondition, codes.Aborted, codes.Unauthenticated,
}

// Most messages of a stream, each way.
const messagesMax = 12

func newPlan(seed uint64, index int, sizeMax int) plan {
	random := rand.New(rand.NewPCG(seed, uint64(index)))
	p := plan{
		// Below 2^53, so that any language can hold it as a number.
		id:     (seed&0x1fffff)<<32 | uint64(index+1),
		orders: wire.Orders{Size: -1, EndAfter: -1, Count: 1},
	}
	p.orders.CallID = p.id
	p.kind = []string{kindSay, kindSay, kindCollect, kindProduce, kindChat}[random.IntN(5)]
	count := 1
	if p.kind == kindCollect || p.kind == kindChat {
		count = random.IntN(messagesMax + 1)
	}
	for range count {
		p.sizes = append(p.sizes, randomSize(random, sizeMax))
	}
	if p.kind == kindProduce {
		p.orders.Count = random.IntN(messagesMax + 1)
	}
	if random.IntN(2) == 0 || p.kind == kindProduce {
		p.orders.Size = randomSize(random, sizeMax)
	}
	p.addFate(random)
	return p
}

// addFate makes about one call in five end otherwise than by its own completion.
func (p *plan) addFate(random *rand.Rand) {
	switch random.IntN(16) {
	case 0: // Cancelled at some moment, perhaps after its end.
		p.cancelAfter = time.Duration(random.IntN(30_000)+1) * time.Microsecond
		p.orders.SleepMs = random.IntN(40)
	case 1: // A deadline that may or may not pass.
		p.deadline = time.Duration(random.IntN(100)+1) * time.Millisecond
		p.orders.SleepMs = random.IntN(100)
	case 2: // The server ends it early.
		most := len(p.sizes)
		if p.kind == kindProduce {
			most = p.orders.Count
		}
		p.orders.EndAfter = random.IntN(most + 1)
		p.orders.EndStatus = endings[random.IntN(len(endings))]
		if (p.kind == kindChat || p.kind == kindProduce) && random.IntN(4) == 0 {
			p.orders.EndStatus = codes.OK
		}
	case 3: // A slow one.
		p.orders.SleepMs = random.IntN(50)
	}
}

// randomSize is mostly small; one in 500 goes up to the maximum.
func randomSize(random *rand.Rand, most int) int {
	below := 256
	switch n := random.IntN(500); {
	case n < 1:
		below = most + 1
	case n < 6:
		below = 512 << 10
	case n < 30:
		below = 64 << 10
	case n < 130:
		below = 8 << 10
	case n < 160:
		return 0
	}
	return random.IntN(min(below, most+1))
}
