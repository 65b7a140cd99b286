/**
 * Loaded once into the sandbox of the workflows, before any of them. The SDK keeps a stack trace of each promise a
 * workflow makes, for the call stack of Temporal's UI: a tenth of what workflows cost. With one frame an
 * error of a workflow still says where it was thrown, and the call stack is empty: a round tells in words what it waits for.
 */
Error.stackTraceLimit = 1;
