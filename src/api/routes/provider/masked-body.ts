const JSON_STRING = /"(?:[^"\\]|\\.)*"/g;

/** More than any request of the documents; what a longer body repeats is no evidence. */
const CHARACTERS_MAX = 4_096;

/**
 * A request's bytes as evidence for people, without the token and the hash that would open a session or
 * sign a request. Masked by value: a secret written with escapes is the same secret.
 */
export function maskedBody(
  bodyText: string,
  secrets: { readonly token: string; readonly hash: string },
): string {
  return bodyText
    .replace(JSON_STRING, (literal) => {
      const value = literal.includes('\\') ? valueOf(literal) : literal.slice(1, -1);
      return value === secrets.token || value === secrets.hash ? '"[masked]"' : literal;
    })
    .slice(0, CHARACTERS_MAX);
}

function valueOf(literal: string): unknown {
  try {
    return JSON.parse(literal);
  } catch {
    return undefined;
  }
}
