export * from './index.js';
import * as fettle from './index.js';
export default fettle;
