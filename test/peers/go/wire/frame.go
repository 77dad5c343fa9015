package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// FrameHeadBytes precede the body of each message of a storm, big-endian:
// call id (8), sequence number (4), length of the body (4), CRC-32 (IEEE) of all of that and the
// body (4).
const FrameHeadBytes = 20

// ErrCrossed marks a message that belongs to another call.
var ErrCrossed = errors.New("crossed")

// NewFrame makes a message: a head and a copy of body.
func NewFrame(call uint64, seq uint32, body []byte) []byte {
	frame := make([]byte, FrameHeadBytes+len(body))
	binary.BigEndian.PutUint64(frame, call)
	binary.BigEndian.PutUint32(frame[8:], seq)
	binary.BigEndian.PutUint32(frame[12:], uint32(len(body)))
	copy(frame[FrameHeadBytes:], body)
	binary.BigEndian.PutUint32(frame[16:], frameSum(frame))
	return frame
}

// CheckFrame verifies that a message is whole, of this call and the next one in it.
func CheckFrame(frame []byte, call uint64, seq uint32) error {
	if len(frame) < FrameHeadBytes {
		return fmt.Errorf("a message of %d bytes has no head", len(frame))
	}
	if got := binary.BigEndian.Uint64(frame); got != call {
		return fmt.Errorf("%w: a message of call %d came in call %d", ErrCrossed, got, call)
	}
	if got := binary.BigEndian.Uint32(frame[8:]); got != seq {
		return fmt.Errorf("message %d came where %d was due", got, seq)
	}
	if got := binary.BigEndian.Uint32(frame[12:]); int(got) != len(frame)-FrameHeadBytes {
		return fmt.Errorf("a body of %d bytes came with %d", got, len(frame)-FrameHeadBytes)
	}
	if binary.BigEndian.Uint32(frame[16:]) != frameSum(frame) {
		return errors.New("the checksum does not fit")
	}
	return nil
}

func frameSum(frame []byte) uint32 {
	sum := crc32.ChecksumIEEE(frame[:16])
	return crc32.Update(sum, crc32.IEEETable, frame[FrameHeadBytes:])
}
