import {
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';

export interface TestCertificate {
  /** The certificate and its key as PEM, as `node:tls` takes them. */
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  /** The authority's own certificate: who trusts it trusts what it issues. */
  readonly ca: string;
  /** A certificate for a host name; by default valid from yesterday until tomorrow. */
  issue(host: string, validity?: { fromDays: number; toDays: number }): TestCertificate;
}

const DAY_MS = 86_400_000;

/**
 * A certificate authority for TLS tests, made anew for each run, so that no fixture can expire. Node
 * reads certificates and cannot write any: the few fields that are needed are written here as DER.
 */
export function createTestAuthority(name = 'Test authority'): TestAuthority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { name, key: own.privateKey };
  const ca = certificate({ subject: name, key: own.publicKey, issuer, isAuthority: true });
  return {
    ca,
    issue(host, validity) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const cert = certificate({ subject: host, key: publicKey, issuer, host, ...validity });
      return { cert, key: pemOf(privateKey) };
    },
  };
}

/** A certificate that vouches for itself. */
export function selfSigned(host: string): TestCertificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = createPublicKey(privateKey);
  const cert = certificate({ subject: host, key, issuer: { name: host, key: privateKey }, host });
  return { cert, key: pemOf(privateKey) };
}

const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

interface CertificateInput {
  readonly subject: string;
  readonly key: KeyObject;
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  readonly host?: string;
  readonly isAuthority?: boolean;
  readonly fromDays?: number;
  readonly toDays?: number;
}

/** RFC 5280, the fields a verifier looks at; returned as PEM. */
function certificate({ subject, key, issuer, host, ...input }: CertificateInput): string {
  const { fromDays = -1, toDays = 1, isAuthority = false } = input;
  const ecdsaWithSha256 = der(0x30, oid('2a8648ce3d040302'));
  const extensions = [
    der(
      0x30,
      oid('551d13'),
      der(0x01, hex('ff')),
      octets(der(0x30, ...(isAuthority ? [TRUE] : []))),
    ),
    ...(host === undefined
      ? []
      : [der(0x30, oid('551d11'), octets(der(0x30, der(0x82, ascii(host)))))]),
  ];
  const serial = Buffer.concat([hex('01'), Buffer.from(String(serials++).padStart(8, '0'))]);
  const content = der(
    0x30,
    der(0xa0, der(0x02, hex('02'))),
    der(0x02, serial),
    ecdsaWithSha256,
    nameOf(issuer.name),
    der(0x30, timeIn(fromDays), timeIn(toDays)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions)),
  );
  const signature = der(0x03, hex('00'), sign('sha256', content, issuer.key));
  return new X509Certificate(der(0x30, content, ecdsaWithSha256, signature)).toString();
}

let serials = 1;
const hex = (text: string) => Buffer.from(text, 'hex');
const ascii = (text: string) => Buffer.from(text, 'ascii');
const oid = (text: string) => der(0x06, hex(text));
const octets = (content: Buffer) => der(0x04, content);
const TRUE = der(0x01, hex('ff'));

/** One common name, as UTF8String. */
function nameOf(text: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(text)))));
}

function timeIn(days: number): Buffer {
  const iso = new Date(Date.now() + days * DAY_MS).toISOString();
  return der(0x18, ascii(`${iso.replace(/[-:T]|\.\d+Z$/g, '')}Z`));
}

/** Tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
