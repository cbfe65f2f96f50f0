// Run by scripts/test-page.sh, which sets MODULE, CHROMIUM, PAGE_SAMPLES and PAGE_DATABASE_SERVER.

import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testIgnore: process.env.SCREENSHOTS ? [] : ['screenshots.spec.js'], // only `make screenshots` takes them
  outputDir: '../../target/page/results',
  workers: 2,
  fullyParallel: false, // the tests of a file share a service and its table
  timeout: 40_000,
  expect: { timeout: 8_000 },
  reporter: [['list']],
  forbidOnly: true,
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure', // a trace of each test would take half of the time
    launchOptions: {
      executablePath: process.env.CHROMIUM,
      args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    },
  },
});
