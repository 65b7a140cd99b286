import { z } from 'zod';

/** Pieces that the request and answer schemas of the partner API share; OpenAPI is made from them. */

/** A text field; a number or boolean is refused rather than guessed at (`632094194` lost its zero). */
export const text = () =>
  z.string({
    error: (issue) => (issue.input === undefined ? 'is required' : 'must be a string'),
  });

// Spelled out, because a pattern in OpenAPI has no flag for any case.
const FLAG_TEXT = /^([Tt]rue|TRUE|[Ff]alse|FALSE|[10])$/;

/** A yes/no field in both body kinds: `true`, `"true"` and `"1"` are yes; `"false"` is no. */
export const flag = () =>
  z
    .union([z.boolean(), z.string().regex(FLAG_TEXT, 'must be true or false')], {
      error: 'must be true or false',
    })
    .transform((value) => /^(true|1)$/i.test(String(value)));

/** Taken for the document's sake and dropped: Roundhouse keeps no personal data. */
export const dropped = (description: string) =>
  text().optional().describe(`${description} Accepted and not stored.`);

const errorBody = (description: string) => z.object({ error: z.string() }).describe(description);

/** For the OpenAPI document: the header of every answer that asks to come back. */
export const RETRY_AFTER = {
  'Retry-After': { type: 'integer', minimum: 0, description: 'Seconds until the next try.' },
};

const errorToRepeat = (description: string) =>
  z.object({ error: z.string() }).meta({ description, headers: RETRY_AFTER });

/** What every endpoint may answer besides its own 200. */
export const errorResponses = {
  400: errorBody("A field is missing or not usable; the text begins with the field's name."),
  401: errorBody('Missing or invalid API key.'),
  403: errorBody('IP not allowed, or account not permitted.'),
  413: errorBody('The body is too large.'),
  415: errorBody('The body is neither JSON nor a form.'),
  429: errorToRepeat('Too many requests; Retry-After says when to come back.'),
  500: errorBody('Unexpected server error.'),
  503: errorToRepeat('Out of service for now; Retry-After says when to come back.'),
};

/** The two kinds of body every POST endpoint takes. */
export const BODY_KINDS = ['application/json', 'application/x-www-form-urlencoded'];
