/** Tells whoever watches that something has just been committed: when to look, never what to find. */
export interface Bell {
  /** @param userAgent whose money or log changed; absent when it concerns everybody */
  ring(userAgent?: string): void;
  /** @returns what ends it */
  listen(listener: (userAgent: string | undefined) => void): () => void;
}

/**
 * Inside this process only, and that is enough: a stream looks again on its own now and then, and finds by its
 * cursor what it was not told of.
 */
export function createBell(): Bell {
  const listeners = new Set<(userAgent: string | undefined) => void>();
  return {
    ring(userAgent) {
      for (const listener of listeners) listener(userAgent);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
