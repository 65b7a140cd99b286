import { runService } from '../lib/run-service';
import { startWorker } from './start-worker';

runService('worker', () => startWorker());
