// node healthcheck.mjs <url>: exit code 0 when it answers 2xx. The image has neither curl nor wget.
const answer = await fetch(process.argv[2], { redirect: 'manual' }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
