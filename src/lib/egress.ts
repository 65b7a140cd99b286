import {
  lookup as systemLookup,
  type LookupAddress,
  type LookupAllOptions,
  type LookupOptions,
} from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Logger } from './log';
import type { EgressRefusal } from './metrics';

/** A connection that was refused before its first packet, because of where it would have gone. */
export class EgressError extends Error {
  override name = 'EgressError';
  readonly code = 'ERR_EGRESS_REFUSED';
}

export type EgressVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface EgressGuardOptions {
  /** Development: loopback is allowed, and plain http to it (SPEC §6). Never in production. */
  readonly allowHttp: boolean;
  /** Networks the operator trusts although they are not public, e.g. `10.20.0.0/16`; plain http too. */
  readonly allowCidrs: readonly string[];
  /** The system's resolver, unless a test brings one of its own. */
  readonly resolve?: (
    hostname: string,
    options: LookupAllOptions,
    callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
  ) => void;
  /** Told of every call that is refused, so that it can be counted. */
  readonly onRefused?: (reason: EgressRefusal) => void;
}

/** What a name is worth at the moment: as on connecting, or it has no address to judge. */
export type ResolvedVerdict =
  EgressVerdict | { readonly ok: 'unresolved'; readonly reason: string };

export interface EgressGuard {
  /** Whether this URL may be called at all: scheme, user info, and its host where that is an address. */
  checkUrl(url: string | URL): EgressVerdict;
  /**
   * `checkUrl`, and what its host resolves to now, within NAME_MS_MAX: for who types the URL in. It proves
   * nothing for later, so every connect asks again.
   */
  checkNow(url: string | URL): Promise<ResolvedVerdict>;
  /** The check that is repeated on every connect; `lookup` never sees hosts that are addresses. */
  checkHost(protocol: string, hostname: string): EgressVerdict;
  /** For `connect.lookup`: resolves, and refuses unless every answer may be called over `protocol`. */
  lookupFor(protocol: string): LookupFunction;
  /** `lookupFor('https:')`. */
  readonly lookup: LookupFunction;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Cidr = [Address, number];

// Public by number and yet not the internet: Azure's metadata and agent address, and the IPv4
// addresses in IPv6 clothes that the library counts as unicast. All other special ranges it names.
const NOT_PUBLIC: readonly Cidr[] = ['168.63.129.16/32', '::/96'].map((c) => ipaddr.parseCIDR(c));
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3');

/**
 * Ports below 1024 belong to services, and of those only the web's are a wallet's or a provider's: whoever types
 * a URL in shall not make us knock at mail, SSH or DNS of others. Above, wallets do live anywhere. Development
 * may: what it reaches there is its own machine.
 */
const SERVICE_PORT_MAX = 1_023;
const WEB_PORTS = ['80', '443'];
/** How long somebody at a terminal waits for a name server that is silent. */
const NAME_MS_MAX = 3_000;

/**
 * Where outgoing calls may go (SPEC §6; a wallet or provider URL is typed by people and may point
 * inside our own network). The URL's host is checked as an address when it is one, in whatever
 * spelling (`0x7f.1`, `::ffff:10.0.0.1`), and otherwise every address it resolves to, at the moment
 * of connecting: a name that was public when it was registered may not be so now.
 *
 * @throws Error when an entry of `allowCidrs` is no network, or is the whole internet
 */
export function createEgressGuard(options: EgressGuardOptions): EgressGuard {
  const trusted = options.allowCidrs.map((text) => parseCidr(text));
  const lookUp = checkedLookup(options.resolve ?? systemLookup, checkAddress);

  function checkAddress(protocol: string, text: string): EgressVerdict {
    if (!ipaddr.isValid(text)) return refuse(`${text} is not an address`);
    const address = ipaddr.process(text);
    if (trusted.some((cidr) => contains(cidr, address))) return { ok: true };
    const range = rangeOf(address);
    if (range === 'loopback' && options.allowHttp) return { ok: true };
    if (range !== 'unicast') return refuse(`${text} is not a public address (${range})`);
    if (protocol !== 'https:') return refuse(`plain http is for loopback only, not for ${text}`);
    return { ok: true };
  }

  function checkHost(protocol: string, hostname: string): EgressVerdict {
    const host = hostname.replace(/^\[|\]$/g, '');
    if (host === '') return refuse('there is no host');
    if (ipaddr.isValid(host)) return checkAddress(protocol, host);
    const isLocal = /^(.*\.)?localhost\.?$/i.test(host);
    if (isLocal && !options.allowHttp) return refuse(`${host} is this machine`);
    if (!isLocal && protocol !== 'https:' && trusted.length === 0) {
      return refuse(`plain http is for loopback only, not for ${host}`);
    }
    // The same host to a resolver and another one to certificates, and to who compares names.
    if (host.endsWith('.')) return refuse(`${host} must not end with a dot`);
    // Search domains of this machine would make something of it; public names have a dot.
    if (!host.includes('.') && !isLocal && trusted.length === 0) {
      return refuse(`${host} is no public name`);
    }
    return { ok: true };
  }

  function checkUrl(input: string | URL): EgressVerdict {
    const url = typeof input === 'string' ? parseUrl(input) : input;
    if (!url) return refuse('not a URL');
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      return refuse('must begin with https://');
    }
    if (url.protocol === 'http:' && !options.allowHttp && trusted.length === 0) {
      return refuse('must begin with https://');
    }
    if (url.username !== '' || url.password !== '')
      return refuse('must not hold a user or password');
    if (url.hash !== '') return refuse('must not hold a fragment');
    const isForeign = url.port !== '' && Number(url.port) <= SERVICE_PORT_MAX;
    if (isForeign && !WEB_PORTS.includes(url.port) && !options.allowHttp) {
      return refuse(`port ${url.port} is not the web's`);
    }
    return checkHost(url.protocol, url.hostname);
  }

  async function checkNow(input: string | URL): Promise<ResolvedVerdict> {
    const verdict = checkUrl(input);
    const url = verdict.ok ? new URL(input) : undefined;
    if (!url || ipaddr.isValid(url.hostname.replace(/^\[|\]$/g, ''))) return verdict;
    return nameVerdict(lookUp, url);
  }

  function lookupFor(protocol: string): LookupFunction {
    return (hostname, lookupOptions, callback) => {
      lookUp(protocol, hostname, lookupOptions, (error, addresses) => {
        if (error instanceof EgressError) options.onRefused?.('address');
        const [first] = addresses;
        if (error || !first) return callback(error, '', 4);
        if (lookupOptions.all) return callback(null, addresses);
        callback(null, first.address, first.family);
      });
    };
  }

  return {
    checkUrl(url) {
      const verdict = checkUrl(url);
      if (!verdict.ok) options.onRefused?.('url');
      return verdict;
    },
    checkNow,
    checkHost,
    lookupFor,
    lookup: lookupFor('https:'),
  };
}

type LookUp = (
  protocol: string,
  hostname: string,
  lookupOptions: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Every address of a name, or an EgressError unless all of them may be called. */
function checkedLookup(
  resolve: NonNullable<EgressGuardOptions['resolve']>,
  checkAddress: (protocol: string, text: string) => EgressVerdict,
): LookUp {
  return (protocol, hostname, lookupOptions, callback) => {
    resolve(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      if (addresses.length === 0) {
        return callback(new EgressError(`${hostname} has no address`), []);
      }
      for (const { address } of addresses) {
        const verdict = checkAddress(protocol, address);
        if (!verdict.ok) return callback(new EgressError(`${hostname}: ${verdict.reason}`), []);
      }
      callback(null, addresses);
    });
  };
}

/** What a name resolves to now, as a verdict; a name server that says nothing is waited for a while only. */
function nameVerdict(lookUp: LookUp, { protocol, hostname }: URL): Promise<ResolvedVerdict> {
  return new Promise((decide) => {
    const unresolved = (reason: string) =>
      decide({ ok: 'unresolved', reason: `${hostname} does not resolve here (${reason})` });
    const timer = setTimeout(() => unresolved('no answer in time'), NAME_MS_MAX);
    lookUp(protocol, hostname, {}, (error) => {
      clearTimeout(timer);
      if (error instanceof EgressError) decide(refuse(error.message));
      else if (error) unresolved(error.code ?? 'error');
      else decide({ ok: true });
    });
  });
}

/** Says at a process's start into which private networks it may call: nobody shall wonder later. */
export function logEgressNetworks(log: Pick<Logger, 'info'>, networks: readonly string[]): void {
  log.info({ networks }, 'private networks that wallet and provider URLs may point into');
}

function rangeOf(address: Address): string {
  if (NOT_PUBLIC.some((cidr) => contains(cidr, address)) && address.range() === 'unicast') {
    return 'special';
  }
  const range = address.range();
  if (range === 'unicast' && address.kind() === 'ipv6' && !contains(GLOBAL_UNICAST_V6, address)) {
    return 'unassigned';
  }
  return range;
}

function contains([network, bits]: Cidr, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

function parseCidr(text: string): Cidr {
  let cidr: Cidr;
  try {
    cidr = ipaddr.parseCIDR(text);
  } catch {
    throw new Error(`not a network in CIDR form: ${text}`);
  }
  if (cidr[1] === 0) throw new Error(`not a network of ours but all there are: ${text}`);
  return cidr;
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function refuse(reason: string): EgressVerdict {
  return { ok: false, reason };
}
