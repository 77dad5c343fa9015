/**
 * Room `testing`: the lab's cluster as a library for the tests of users.
 *
 * What it is: the API server, the DNS server, pods, and faults of all of them, in the process of a
 * test, with types of its own (`types.ts`) that name nothing of the lab's.
 * Promises: what a client meets here it may meet in a cluster; bad input gets one clear sentence;
 * nothing that was started outlives `close`, or the process.
 * Must never: listen beyond loopback; know a test runner; be of use to another room, which is why
 * this door has nothing: users come in by `public.ts`.
 */
export {};
