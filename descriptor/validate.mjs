// Checks what Atlassian installs, offline and without an account:
//   node validate.mjs [manifest.yml] [atlassian-connect.json]
// The Forge manifest goes through Atlassian's own validator; the modules of the Connect
// descriptor through the schemas that this validator carries. What it misses (names of
// events, scopes of label events, unknown properties) is checked by the Python tests.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import Ajv from 'ajv';
import forge from '@forge/manifest';

const here = path.dirname(fileURLToPath(import.meta.url));
const manifestFile = path.resolve(process.argv[2] ?? path.join(here, 'forge', 'manifest.yml'));
const descriptorFile = path.resolve(process.argv[3] ?? path.join(here, '..', 'atlassian-connect.json'));
const PROFILES = ['FULL', 'FORGE_REMOTE_COMPUTE', 'PRODUCT_TRIGGER'];

/** Return the complaints about the Forge manifest; warnings are printed and do not count. */
async function manifestProblems(file) {
  // The validator looks for resource folders below the working directory.
  process.chdir(path.dirname(file));
  const problems = [];
  for (const profile of PROFILES) {
    const type = forge.ValidationTypes[profile];
    const result = await forge.ProcessorBuilder.instance().withValidation(type).build().process(file);
    for (const { level, line, column, message } of result.errors ?? []) {
      const text = `${path.basename(file)}:${line}:${column} [${profile}] ${message}`;
      if (level === 'error') problems.push(text);
      else console.warn(`warning: ${text}`);
    }
    if (!result.success && problems.length === 0) problems.push(`${path.basename(file)} [${profile}] refused`);
  }
  return problems;
}

/** Return the complaints about the Connect descriptor's modules. */
async function descriptorProblems(file) {
  const schemaFile = createRequire(import.meta.url).resolve('@forge/manifest/schema.json');
  const { definitions } = JSON.parse(await readFile(schemaFile, 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addSchema({ $id: 'forge', definitions });
  const { modules = {} } = JSON.parse(await readFile(file, 'utf8'));
  return Object.entries(modules).flatMap(([name, value]) => {
    const known = definitions.ModuleSchema.properties[`connect-confluence:${name}`];
    if (!known) return [`${path.basename(file)} unknown module ${name}`];
    const check = ajv.compile(JSON.parse(JSON.stringify(known).replaceAll('"#/definitions/', '"forge#/definitions/')));
    // In a Forge manifest every module has a key; in a descriptor webhooks have none.
    const keyed = [value].flat().map((module, index) => ({ key: `${name}-${index}`, ...module }));
    if (check(keyed)) return [];
    return check.errors.map((e) => `${path.basename(file)} ${name}${e.instancePath} ${e.message}`);
  });
}

const problems = [...(await descriptorProblems(descriptorFile)), ...(await manifestProblems(manifestFile))];
for (const problem of problems) console.error(`error: ${problem}`);
console.log(problems.length === 0 ? 'manifest and descriptor are valid' : `${problems.length} problem(s)`);
process.exitCode = problems.length === 0 ? 0 : 1;
