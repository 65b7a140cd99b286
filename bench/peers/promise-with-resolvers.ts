// Restate's SDK 1.17 uses Promise.withResolvers, which Node.js has since 22. This is all it lacks on 20, so
// that every subject runs on the same Node.js.
interface Resolvers<Value> {
  promise: Promise<Value>;
  resolve: (value: Value | PromiseLike<Value>) => void;
  reject: (reason?: unknown) => void;
}

Object.assign(Promise, {
  withResolvers<Value>(): Resolvers<Value> {
    const resolvers = {} as Resolvers<Value>;
    resolvers.promise = new Promise<Value>((resolve, reject) => {
      Object.assign(resolvers, { resolve, reject });
    });
    return resolvers;
  },
});
