// Writes the list of commands that makes them start quickly; part of the build.
import { writeManifest } from '../dist/src/core/cli/manifest.js';

await writeManifest();
