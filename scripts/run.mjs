// node scripts/run.mjs <file below dist> [arguments]: installs and builds what is missing (saying nothing
// when nothing is), then runs the file in this process, against the stack of npm start.
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, ensureBuilt, ensureInstalled, fail, requireNode } from './prepare.mjs';
import { useLocalStack } from './stack-environment.mjs';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) fail('usage: node scripts/run.mjs <file below dist> [arguments]');
requireNode();
ensureInstalled();
ensureBuilt();
useLocalStack();
const target = resolve(ROOT, file);
process.argv = [process.execPath, target, ...args];
await import(pathToFileURL(join(target)).href);
