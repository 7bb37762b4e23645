#!/usr/bin/env node
import { main } from '../dist/src/core/cli/main.js';

await main(import.meta.url);
