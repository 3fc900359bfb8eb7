/* The generator itself, beside wrk: requests per second of its own CPU time; and how true its latencies are. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
export const name = 'generator';
export const title = 'The load generator';
export async function run() { throw new Error('not yet'); }
export const targets = () => [];
export const render = () => '';
