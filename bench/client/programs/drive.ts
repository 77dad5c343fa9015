/**
 * Drives one client: keeps so many calls in flight without a break, through warm-up and
 * measurement, and reports what the latter cost this process.
 *
 * What is done per call here is the same for every client: two readings of the clock, one closure.
 */
import { percentile } from "../../statistics.ts";
import { type Fields, metadataOf } from "./metadata.ts";
import { MESSAGE_BYTES, type Plan, type Report, STREAM_MESSAGES, WARM_UPS_MAX } from "./plan.ts";

/** A client under measurement. Every call has the deadline DEADLINE_MS. */
export interface BenchClient {
  /**
   * Makes one unary call with a message of MESSAGE_BYTES. `onEnd` is called once, with why it
   * failed (or null) and the size of the answer.
   */
  unary(fields: Fields | null, onEnd: (failure: unknown, bytes: number) => void): void;
  /**
   * Makes one stream both ways: sends STREAM_MESSAGES messages as fast as they are taken, and
   * calls `onMessage` for each that comes back. Settles when it has ended.
   */
  chat(fields: Fields | null, onMessage: () => void): Promise<void>;
}

/** A program's whole body. */
export async function drive(open: (plan: Plan) => Promise<BenchClient>): Promise<void> {
  const plan = JSON.parse(process.argv[2] as string) as Plan;
  const driver = new Driver(plan, await open(plan));
  const report = await driver.run();
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

/** Fewer leave code that is not compiled for good: a slow client warms up for longer. */
const WARM_UP_MESSAGES = 20_000;

class Driver {
  readonly #plan: Plan;
  readonly #client: BenchClient;
  readonly #nextFields: () => Fields | null;
  #isMeasuring = false;
  #isOver = false;
  #messages = 0;
  #warmUpMessages = 0;
  #failures = 0;
  readonly #latenciesMs: number[] = [];
  readonly #errors: Record<string, string> = {};

  constructor(plan: Plan, client: BenchClient) {
    this.#plan = plan;
    this.#client = client;
    this.#nextFields = metadataOf(plan);
  }

  async run(): Promise<Report> {
    const { inFlight, shape, seconds } = this.#plan;
    for (let i = 0; i < inFlight; i += 1) {
      if (shape === "unary") this.#unary();
      else void this.#chat();
    }
    await this.#warmUp();
    this.#isMeasuring = true;
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    await sleep(seconds);
    const { user, system } = process.cpuUsage(cpuBefore);
    const tookSeconds = (performance.now() - beganMs) / 1_000;
    this.#isMeasuring = false;
    this.#isOver = true;
    const rssBytes = process.memoryUsage.rss();
    return this.#report((user + system) / 1_000, tookSeconds, rssBytes);
  }

  async #warmUp(): Promise<void> {
    const { warmUpSeconds } = this.#plan;
    for (let i = 0; i < WARM_UPS_MAX; i += 1) {
      await sleep(warmUpSeconds);
      if (this.#warmUpMessages >= WARM_UP_MESSAGES) return;
    }
  }

  #report(cpuMs: number, seconds: number, rssBytes: number): Report {
    const sorted = Float64Array.from(this.#latenciesMs).sort();
    return {
      calls: sorted.length,
      failures: this.#failures,
      errors: this.#errors,
      messages: this.#messages,
      seconds,
      callsPerSecond: sorted.length / seconds,
      p50Ms: percentile(sorted, 0.5) ?? 0,
      p99Ms: percentile(sorted, 0.99) ?? 0,
      cpuMs,
      rssBytes,
    };
  }

  #unary(): void {
    const beganMs = performance.now();
    this.#client.unary(this.#nextFields(), (failure, bytes) => {
      if (this.#isOver) return;
      if (failure === null && bytes === MESSAGE_BYTES) {
        this.#count(beganMs);
        this.#countMessages();
        this.#unary();
      } else {
        this.#fail(failure ?? new Error(`${MESSAGE_BYTES} bytes answered with ${bytes}`));
        setImmediate(() => this.#unary()); // A client that fails at once must not end in a loop.
      }
    });
  }

  async #chat(): Promise<void> {
    while (!this.#isOver) {
      const beganMs = performance.now();
      let back = 0;
      try {
        await this.#client.chat(this.#nextFields(), () => {
          back += 1;
          this.#countMessages();
        });
        if (back !== STREAM_MESSAGES)
          throw new Error(`${back} of ${STREAM_MESSAGES} messages came`);
        this.#count(beganMs);
      } catch (error) {
        if (!this.#isOver) this.#fail(error);
        await sleep(0.01);
      }
    }
  }

  #count(beganMs: number): void {
    if (this.#isMeasuring) this.#latenciesMs.push(performance.now() - beganMs);
  }

  /** One each way. */
  #countMessages(): void {
    if (this.#isMeasuring) this.#messages += 2;
    else this.#warmUpMessages += 2;
  }

  #fail(failure: unknown): void {
    this.#failures += 1;
    const { code, message } = failure as { code?: unknown; message?: unknown };
    this.#errors[String(code ?? "error")] ??= String(message ?? failure);
  }
}

function sleep(seconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, seconds * 1_000));
}
