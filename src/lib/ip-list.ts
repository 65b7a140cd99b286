import { isIP } from 'node:net';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

type Address = IPv4 | IPv6;

interface Rule {
  readonly network: Address;
  readonly bits: number;
}

/** This machine, as the peer of a socket; by IPv4 mapped into IPv6 too. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1'];

/**
 * What is wrong with an entry of a list of single addresses and CIDR ranges, version 4 or 6; undefined when
 * nothing is. The relaxed forms of old (`127.1`, octal, hexadecimal) and zone ids are no addresses. A range
 * with bits set behind its prefix (`10.1.2.3/8`) was meant otherwise than it reads, and one of every address
 * is no list: both are refused rather than understood.
 */
export function ipRuleFault(text: string): string | undefined {
  const rule = ruleOf(text);
  if (!rule) return `"${text}" is neither an IP address nor a CIDR range`;
  const { network, bits } = rule;
  if (bits === 0) return `"${text}" is every address there is`;
  const kind = network.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  const range = `${network.toString()}/${String(bits)}`;
  const first = kind.networkAddressFromCIDR(range).toString();
  if (first === network.toString()) return undefined;
  return `"${text}" has bits set behind its prefix; the range is ${first}/${String(bits)}`;
}

/**
 * Whether an address is on a whitelist of single addresses and CIDR ranges. An IPv4 address mapped into
 * IPv6 (`::ffff:203.0.113.10`, what a dual-stack socket reports) counts as the IPv4 address, on both sides.
 *
 * @param list an empty list allows every address; an entry that is no rule allows none
 * @param address undefined when the socket is gone: on no list
 */
export function ipAllowed(list: readonly string[], address: string | undefined): boolean {
  if (list.length === 0) return true;
  const parsed = addressOf((address ?? '').replace(/%.*$/, ''));
  if (!parsed) return false;
  return list.some((text) => {
    const rule = ruleOf(text);
    return rule !== undefined && contains(rule, parsed);
  });
}

function contains(rule: Rule, address: Address): boolean {
  return rule.network.kind() === address.kind() && address.match(rule.network, rule.bits);
}

function ruleOf(text: string): Rule | undefined {
  const [host = '', bitsText, ...rest] = text.split('/');
  if (rest.length > 0 || !isAddress(host) || host.includes('%')) return undefined;
  const written = ipaddr.parse(host);
  const network = ipaddr.process(host);
  const writtenMax = written.kind() === 'ipv4' ? 32 : 128;
  if (bitsText === undefined) return { network, bits: network.kind() === 'ipv4' ? 32 : 128 };
  if (!/^\d{1,3}$/.test(bitsText)) return undefined;
  const bits = Number(bitsText);
  if (bits > writtenMax) return undefined;
  if (written.kind() === network.kind()) return { network, bits };
  // A mapped range keeps its meaning only while it lies inside ::ffff:0:0/96.
  return bits >= 96 ? { network, bits: bits - 96 } : { network: written, bits };
}

function addressOf(text: string): Address | undefined {
  return isAddress(text) ? ipaddr.process(text) : undefined;
}

// `::203.0.113.10` is an address of its own, of a form nobody uses since 2006; the library takes it for
// 203.0.113.10, which it is not.
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !/^::\d+\./.test(text);
}

/**
 * What an address is counted by: itself, or for IPv6 its /64, because a single host has all of that.
 * Whatever is no address is counted as one.
 */
export function addressBlock(address: string): string {
  const parsed = addressOf(address.replace(/%.*$/, ''));
  if (!parsed) return '';
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${(parsed as IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
