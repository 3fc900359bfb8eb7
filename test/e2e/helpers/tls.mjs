// helpers/tls.mjs -- a certificate for the tests, made once by openssl

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './fettle.mjs';

/** { key, cert }: files of a self-signed certificate for localhost and 127.0.0.1. */
export function certificate() {
  const folder = path.join(ROOT, 'build/e2e/tls');
  const key = path.join(folder, 'key.pem');
  const cert = path.join(folder, 'cert.pem');
  const fresh = fs.existsSync(cert) && Date.now() - fs.statSync(cert).mtimeMs < 300 * 86400000;
  if (fresh) return { key, cert };
  fs.mkdirSync(folder, { recursive: true });
  // Made aside and moved into place: another test may be doing the same.
  const aside = fs.mkdtempSync(path.join(folder, 'new-'));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '365',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout', path.join(aside, 'key.pem'), '-out', path.join(aside, 'cert.pem'),
  ], { stdio: 'pipe' });
  fs.renameSync(path.join(aside, 'key.pem'), key);
  fs.renameSync(path.join(aside, 'cert.pem'), cert);
  fs.rmdirSync(aside);
  return { key, cert };
}
