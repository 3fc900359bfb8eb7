'use strict';
// The client of the schema below, as `prisma generate` makes it (prisma-client.json is its data): that program comes with
// an engine that is downloaded from elsewhere than npm, the client does not.
const { getPrismaClient } = require('@prisma/client/runtime/client.js');

const inlineSchema = `generator client {
  provider = "prisma-client-js"
  engineType = "client"
}
datasource db {
  provider = "postgresql"
}
model users {
  id Int @id
  name String?
  org Int?
  orders orders[] @relation("of")
}
model orders {
  id Int @id
  userId Int? @map("user_id")
  total Int?
  user users? @relation("of", fields: [userId], references: [id])
}
`;

exports.PrismaClient = getPrismaClient({
  previewFeatures: [],
  clientVersion: require('@prisma/client/package.json').version,
  engineVersion: '0000000000000000000000000000000000000000',
  activeProvider: 'postgresql',
  inlineSchema,
  ...require('./prisma-client.json'),
  compilerWasm: {
    getRuntime: async () => require('@prisma/client/runtime/query_compiler_fast_bg.postgresql.js'),
    getQueryCompilerWasmModule: async () =>
      new WebAssembly.Module(Buffer.from(require('@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.js').wasm, 'base64')),
    importName: './query_compiler_fast_bg.js',
  },
});
