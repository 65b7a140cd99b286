import { run } from './run';

// Loaded by bin/roundhouse. The exit code is set, not forced: output that is still on its way to a pipe
// would be cut off.
void run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
}).then((code) => {
  process.exitCode = code;
});
