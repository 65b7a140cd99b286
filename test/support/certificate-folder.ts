import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateFiles } from '../../src/lib/certificate-files';
import type { TestCertificate } from './test-authority';

export interface CertificateFolder {
  readonly files: CertificateFiles;
  write(certificate: Partial<TestCertificate>): Promise<void>;
  remove(): Promise<void>;
}

/** A certificate and its key as files, as a server is given them. */
export async function certificateFolder(certificate: TestCertificate): Promise<CertificateFolder> {
  const dir = await mkdtemp(join(tmpdir(), 'roundhouse-tls-'));
  const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') };
  const write = async ({ cert, key }: Partial<TestCertificate>) => {
    if (cert !== undefined) await writeFile(files.certFile, cert);
    if (key !== undefined) await writeFile(files.keyFile, key, { mode: 0o600 });
  };
  await write(certificate);
  return { files, write, remove: () => rm(dir, { recursive: true, force: true }) };
}
