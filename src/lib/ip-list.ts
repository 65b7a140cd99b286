import { isIP } from 'node:net';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

type Address = IPv4 | IPv6;

interface Rule {
  readonly network: Address;
  readonly bits: number;
}

/**
 * Whether the text is a single address or a CIDR range, version 4 or 6. The relaxed forms of old
 * (`127.1`, octal, hexadecimal) and zone ids are not.
 */
export function isIpRule(text: string): boolean {
  return ruleOf(text) !== undefined;
}

/**
 * Whether an address is on a whitelist of single addresses and CIDR ranges. An IPv4 address mapped into
 * IPv6 (`::ffff:203.0.113.10`, what a dual-stack socket reports) counts as the IPv4 address, on both sides.
 *
 * @param list an empty list allows every address; an entry that is no rule allows none
 */
export function ipAllowed(list: readonly string[], address: string): boolean {
  if (list.length === 0) return true;
  const parsed = addressOf(address.replace(/%.*$/, ''));
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
  if (rest.length > 0 || isIP(host) === 0 || host.includes('%')) return undefined;
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
  return isIP(text) === 0 ? undefined : ipaddr.process(text);
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
