import { runService } from '../lib/run-service';
import { startApi } from './start-api';

runService('api', () => startApi());
