/**
 * Ends the call of a stream that nobody reads any more.
 *
 * Connect's clients hide `return` from the loops of users, so that nothing hears of a `break`: with
 * connect-node such a call, and the server's work, lasts until its time-out. Here it is cancelled
 * when the iterator is collected as garbage, and at once for those who read the transport's own.
 */

const abandoned = new FinalizationRegistry<() => void>((end) => end());

/**
 * The same messages. `end` is called when their reader stops early, and after the end does nothing;
 * it must not lead to the result, which would never be collected.
 */
export function endedWithReader<T>(messages: AsyncIterable<T>, end: () => void): AsyncIterable<T> {
  const inner = messages[Symbol.asyncIterator]();
  const iterator: AsyncIterator<T> = {
    next: () => inner.next(),
    return: async () => {
      end();
      return (await inner.return?.()) ?? { done: true, value: undefined };
    },
  };
  abandoned.register(iterator, end);
  return { [Symbol.asyncIterator]: () => iterator };
}
