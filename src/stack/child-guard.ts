// Loaded into every Node process of the stack before its own code (`--require`). When the supervisor is
// killed it can stop nobody, but the IPC channel to it closes: then each of its children ends by itself,
// the way it would on a signal, and by force when that takes too long.

const GRACE_MS = 5_000;

process.on('disconnect', () => {
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
