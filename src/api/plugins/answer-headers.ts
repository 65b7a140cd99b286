import fastifyPlugin from 'fastify-plugin';

/** A year, as browsers' preload lists ask. Subdomains are not ours to decide about. */
const HSTS = 'max-age=31536000';

/**
 * What every answer says, whatever route it comes from: its type is meant, only our own pages may load it, it
 * is stored nowhere unless the route says so, and, over https, that plain http is not to be tried again.
 */
export const answerHeaders = fastifyPlugin(
  async (app) => {
    app.addHook('onSend', (request, reply, payload, done) => {
      void reply
        .header('x-content-type-options', 'nosniff')
        .header('cross-origin-resource-policy', 'same-origin');
      if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
      if (request.protocol === 'https') void reply.header('strict-transport-security', HSTS);
      done(null, payload);
    });
  },
  { name: 'answer-headers' },
);
