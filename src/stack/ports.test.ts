import { createServer } from 'node:net';
import { freePort, freePorts } from './ports';

test('a port that was handed out is not handed out again, though nobody listens on it yet', async () => {
  const ports = await freePorts(20);
  for (let count = 0; count < 400; count++) ports.push(await freePort());
  expect(new Set(ports).size).toBe(420);
});

test('a port that somebody listens on is passed over', async () => {
  const before = await freePort();
  const server = createServer().listen(before + 1, '127.0.0.1');
  // An error means that another program listens there: as good.
  await new Promise((resolve) => server.once('listening', resolve).once('error', resolve));
  expect(await freePort()).not.toBe(before + 1);
  await new Promise((resolve) => server.close(resolve));
});
