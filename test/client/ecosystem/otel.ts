/**
 * Loaded before a program (`node --import ./otel.ts`): OpenTelemetry's instrumentation of grpc-js
 * as users have it, and a handle on the spans that it made.
 */
import { createRequire } from "node:module";
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { GrpcInstrumentation } from "@opentelemetry/instrumentation-grpc";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(provider);
registerInstrumentations({
  tracerProvider: provider,
  instrumentations: [new GrpcInstrumentation()],
});
// By require, where the instrumentation listens; whoever imports it gets the same module.
createRequire(import.meta.url)("@grpc/grpc-js");

/** The client spans so far, each with the `traceparent` that tells a server of it. */
(globalThis as { clientSpans?: () => readonly object[] }).clientSpans = () =>
  exporter
    .getFinishedSpans()
    .filter(({ kind }) => kind === SpanKind.CLIENT)
    .map((span) => {
      const { traceId, spanId } = span.spanContext();
      return { name: span.name, traceparent: `00-${traceId}-${spanId}-01` };
    });
