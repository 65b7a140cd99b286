import { InvalidSettingsError } from '../contracts/settings';
import { ipRuleFault } from '../lib/ip-list';
import { RefusedError } from './refused';

/**
 * An absolute http(s) URL that paths can be appended to, without a slash at its end. Whether it may be
 * reached at all (loopback, private networks) is the egress guard's question, not this one's.
 *
 * @throws RefusedError naming `field`
 */
export function checkedBaseUrl(field: string, text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new RefusedError(field, `"${text}" is not an absolute URL`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RefusedError(field, 'must begin with https:// (or http://)');
  }
  if (url.username !== '' || url.password !== '') {
    throw new RefusedError(field, 'must not carry a user name or password');
  }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    throw new RefusedError(field, 'must not have a query or a fragment');
  }
  return url.href.replace(/\/+$/, '');
}

/**
 * @param forAny what to do instead of a list that allows everybody
 * @throws RefusedError naming the first entry that is no address, no range, or a range nobody means
 */
export function checkedIpWhitelist(entries: readonly string[], forAny: string): string[] {
  for (const entry of entries) {
    const fault = ipRuleFault(entry);
    if (fault !== undefined) {
      throw new RefusedError('ip_whitelist', `${fault} (for any address, ${forAny})`);
    }
  }
  return [...new Set(entries)];
}

/** Runs a settings parser and gives its faults the field's name. */
export function checkedSettings<Settings>(parse: () => Settings): Settings {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidSettingsError) throw new RefusedError('settings', error.message);
    throw error;
  }
}

/** What the audit log calls a change: a change of the status alone is a suspension, or its end. */
export function changeName(after: Readonly<Record<string, unknown>> | null): string {
  if (after === null || Object.keys(after).join() !== 'status') return 'update';
  return after.status === 'suspended' ? 'suspend' : 'resume';
}
