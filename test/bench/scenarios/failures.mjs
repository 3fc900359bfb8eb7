export const name = 'failures';
export const title = 'Failures';
export async function run() { throw new Error('not yet'); }
export const targets = () => [];
export const render = () => '';
