// npm run build: the compiled code, its assets and the workflow bundle in dist/.
import { ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();
ensureBuilt();
