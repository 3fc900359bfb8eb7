/* The machine and the versions, as the report names them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FETTLE, ROOT } from './contenders.mjs';

const first = (text, pattern) => pattern.exec(text)?.[1];
function says(command, ...args) {
  try { return execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' }); } catch { return ''; }
}
const versionOf = (name) => JSON.parse(readFileSync(path.join(ROOT, 'test/bench/node_modules', name, 'package.json'))).version;

/** { cpu, memory, system, versions }: texts. */
export function machine() {
  const cpuinfo = readFileSync('/proc/cpuinfo', 'latin1');
  const release = readFileSync('/etc/os-release', 'utf8');
  /* nginx tells its version on stderr. */
  const nginx = says('sh', '-c', 'nginx -v 2>&1');
  const fettle = first(says(FETTLE, 'version'), /(\d+\.\d+\.\d+)/);
  const commit = says('git', 'rev-parse', '--short', 'HEAD').trim();
  const changed = says('git', 'status', '--porcelain', '--untracked-files=no').trim() ? ', with changes' : '';
  return {
    cpu: `${os.availableParallelism()} CPUs, ${first(cpuinfo, /^model name\s*: (.+)$/m) ?? os.arch()}${/\bhypervisor\b/.test(cpuinfo) ? ', a virtual machine' : ''}`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GB`,
    system: `${first(release, /^PRETTY_NAME="(.+)"$/m)}, Linux ${os.release().replace(/^(\d+\.\d+\.\d+).*/, '$1')}`,
    versions: {
      fettle: `${fettle}${commit && ` (${commit}${changed})`}`,
      Node: process.version.slice(1),
      express: versionOf('express'),
      pm2: versionOf('pm2'),
      Watt: versionOf('wattpm'),
      memlab: versionOf('@memlab/api'),
      nginx: first(nginx, /nginx\/(\S+)/),
      HAProxy: first(says('haproxy', '-v'), /version (\d+\.\d+\.\d+)/),
    },
  };
}
