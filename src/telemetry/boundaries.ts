/** The histogram boundaries of gRFC A66, so that our figures compare with every other gRPC's. */

/** A66 "latency buckets", in seconds: 0, then 10 us to 100 s. */
export const latencySecondsBoundaries: readonly number[] = Object.freeze([
  0, 0.000_01, 0.000_05, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006,
  0.008, 0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25,
  0.3, 0.4, 0.5, 0.65, 0.8, 1, 2, 5, 10, 20, 50, 100,
]);

/** A66 "size buckets", in bytes: 0, then 1 KiB to 4 GiB. */
export const sizeBytesBoundaries: readonly number[] = Object.freeze([
  0, 1024, 2048, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
  268_435_456, 1_073_741_824, 4_294_967_296,
]);
