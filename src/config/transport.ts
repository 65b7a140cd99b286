import { readCertificate, type CertificateFiles } from '../lib/certificate-files';
import { SettingsError, type Settings } from './env';

/** How requests reach the API, and whose word is taken for it. */
export interface TransportSettings {
  /** Plain http is answered to this machine itself. */
  readonly development: boolean;
  /** Addresses and CIDR ranges of our own proxies; empty: nobody's forwarding headers are believed. */
  readonly trustedProxies: readonly string[];
  /** The API speaks TLS itself with these. */
  readonly tls?: CertificateFiles;
}

/**
 * Reads how requests reach the API.
 *
 * @throws SettingsError when only one of the TLS files is given, they do not make a pair, or a production API
 *   could be reached by plain http only, or would print links that are
 */
export function readTransport(
  settings: Pick<
    Settings,
    | 'ROUNDHOUSE_ENV'
    | 'API_HOST'
    | 'PUBLIC_BASE_URL'
    | 'TLS_CERT_FILE'
    | 'TLS_KEY_FILE'
    | 'TRUSTED_PROXY_CIDRS'
  >,
): TransportSettings {
  const development = settings.ROUNDHOUSE_ENV === 'development';
  const trustedProxies = settings.TRUSTED_PROXY_CIDRS;
  const tls = tlsFilesOf(settings);
  if (!development && !tls && trustedProxies.length === 0) {
    throw new SettingsError([
      'TLS_CERT_FILE: is missing, and TRUSTED_PROXY_CIDRS too: in production the API answers over HTTPS only, so set TLS_CERT_FILE and TLS_KEY_FILE to speak TLS itself, or TRUSTED_PROXY_CIDRS to the addresses of the proxy that does',
    ]);
  }
  if (!development && !settings.PUBLIC_BASE_URL.startsWith('https://')) {
    throw new SettingsError([
      'PUBLIC_BASE_URL: must begin with https:// in production, where links by plain http are not answered',
    ]);
  }
  return { development, trustedProxies, ...(tls ? { tls } : {}) };
}

function tlsFilesOf({
  API_HOST,
  TLS_CERT_FILE: certFile,
  TLS_KEY_FILE: keyFile,
}: Pick<Settings, 'API_HOST' | 'TLS_CERT_FILE' | 'TLS_KEY_FILE'>): CertificateFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const [missing, given] =
      certFile === undefined
        ? ['TLS_CERT_FILE', 'TLS_KEY_FILE']
        : ['TLS_KEY_FILE', 'TLS_CERT_FILE'];
    throw new SettingsError([`${missing}: is missing while ${given} is set; TLS needs both`]);
  }
  // The one name that Fastify listens on twice, and TLS stands before one of the two only.
  if (API_HOST === 'localhost') {
    throw new SettingsError(['API_HOST: must be an address, such as 127.0.0.1 or ::, with TLS']);
  }
  const files = { certFile, keyFile };
  try {
    readCertificate(files);
  } catch (error) {
    throw new SettingsError([`TLS_CERT_FILE, TLS_KEY_FILE: ${(error as Error).message}`]);
  }
  return files;
}
