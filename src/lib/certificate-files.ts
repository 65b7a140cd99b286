import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** Where a server's certificate and its private key lie, both as PEM. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate with the chain behind it, and the key that belongs to it. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When clients will stop believing it. */
  readonly validTo: Date;
}

/**
 * Reads a certificate and its key, and sees that they belong together.
 *
 * @throws Error with one plain sentence, which never holds anything of the key
 */
export function readCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const cert = readFile(certFile);
  const key = readFile(keyFile);
  try {
    createSecureContext({ cert, key });
    return { cert, key, validTo: new Date(new X509Certificate(cert).validTo) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(
      `${certFile} and ${keyFile} are not a certificate and its key (${code ?? message})`,
      { cause: error },
    );
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${path} cannot be read (${code ?? 'no reason given'})`, { cause: error });
  }
}
