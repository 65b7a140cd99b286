import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { OverloadedError } from '../../limits/limits';
import { isDatabaseUnavailable } from '../../../db/unavailable';
import type { PartnerRefusal } from '../../../lib/metrics';

/**
 * The one way out for errors of the partner API: always JSON, always `{"error": "..."}`. The texts
 * `Invalid API key`, `IP not allowed` and `Not Found` are contract (partner document, Errors).
 */
export class PartnerApiError extends Error {
  override name = 'PartnerApiError';
  constructor(
    readonly statusCode: number,
    /** Shown to the caller as it is. */
    readonly text: string,
    /** For a refusal at the door: what it is counted as. */
    readonly refusal?: PartnerRefusal,
  ) {
    super(text);
  }
}

/** Bad input: 400, and the text begins with the field's name. */
export function badField(field: string, reason: string): PartnerApiError {
  return new PartnerApiError(400, `${field}: ${reason}`);
}

/** Texts of what Fastify itself refuses; a 4xx that is not here is a 400 of the request as a whole. */
const TEXTS: Readonly<Record<number, string>> = {
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** When to come back: outages and bursts that pass at all pass within seconds. */
const RETRY_AFTER_S = '1';

/** For `setErrorHandler` of the scope with the partner routes. */
export function partnerErrorDoor(
  error: FastifyError | PartnerApiError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, text } = answerTo(error);
  if (status >= 500 && !(error instanceof OverloadedError))
    request.log.error({ err: error }, 'partner request failed');
  if ((status === 429 || status === 503) && !reply.hasHeader('retry-after')) {
    void reply.header('retry-after', RETRY_AFTER_S);
  }
  return sendError(reply, status, text);
}

/** For `setNotFoundHandler` of the app: unknown routes and methods. */
export function partnerNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendError(reply, 404, 'Not Found');
}

function sendError(reply: FastifyReply, status: number, text: string): FastifyReply {
  // Serialised here: a status without a declared response schema must look the same.
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({ error: text });
}

function answerTo(error: FastifyError | PartnerApiError): { status: number; text: string } {
  if (error instanceof PartnerApiError) return { status: error.statusCode, text: error.text };
  if (hasZodFastifySchemaValidationErrors(error)) {
    const faults = error.validation.map(
      (fault) => `${fieldOf(fault.instancePath)}: ${fault.message ?? 'is not valid'}`,
    );
    return { status: 400, text: faults.join('; ') };
  }
  if (isDatabaseUnavailable(error)) return { status: 503, text: textOf(503) };
  const status = error.statusCode ?? 500;
  if (TEXTS[status] !== undefined) return { status, text: textOf(status) };
  if (status >= 400 && status < 500) return { status: 400, text: 'request: cannot be read' };
  return { status: 500, text: textOf(500) };
}

function textOf(status: number): string {
  return TEXTS[status] ?? 'Internal Server Error';
}

function fieldOf(instancePath: string): string {
  return instancePath.replace(/^\//, '').replaceAll('/', '.') || 'body';
}
