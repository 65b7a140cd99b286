/**
 * What the storefront's pages may load and where they may lead. form-action names whole schemes because browsers apply
 * it to the redirect after a form as well, and Play leads to wherever the aggregator's launch page lives; game pictures
 * come from any provider's host.
 *
 * @param frameOrigin whose page is shown in a frame; an origin as `URL` prints it
 */
export function policyWith(frameOrigin?: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' http: https:",
    // An origin has no other characters; a host with a quote or a semicolon in it would be a directive here.
    ...(frameOrigin !== undefined && /^https?:\/\/[\w.[\]:-]+$/.test(frameOrigin)
      ? [`frame-src ${frameOrigin}`]
      : []),
    "form-action 'self' http: https:",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
