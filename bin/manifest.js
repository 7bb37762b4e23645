// Writes the list of commands that makes them start quickly, and the manual pages; part of the build.
import { writeManPages } from '../dist/src/core/cli/man_pages.js';
import { writeManifest } from '../dist/src/core/cli/manifest.js';

await writeManifest();
writeManPages();
