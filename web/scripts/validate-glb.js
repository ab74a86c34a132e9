// What the Khronos validator says of glTF files: node validate-glb.js FILE...
// Prints one JSON object by file; exits with 1 when any has an error.
import { readFile } from "node:fs/promises";
import validator from "gltf-validator";

const reports = {};
for (const path of process.argv.slice(2)) {
  const report = await validator.validateBytes(new Uint8Array(await readFile(path)), { maxIssues: 50 });
  const { numErrors, numWarnings, numInfos, messages } = report.issues;
  reports[path] = { errors: numErrors, warnings: numWarnings, infos: numInfos, messages };
}
console.log(JSON.stringify(reports));
process.exitCode = Object.values(reports).some((report) => report.errors > 0) ? 1 : 0;
