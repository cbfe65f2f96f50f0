// What each test gets: a service, the entity, and a page that is watched. Nothing that the page asks for may lie outside the
// service, nothing may be refused by its policy, and nothing may be written to the console.

import { expect, test as base } from '@playwright/test';
import AxeBuilder from '@axe-core/playwright';
import { Entity } from './entity.js';
import { Service } from './service.js';

export { expect };

export const test = base.extend({
  /** Whether refusals are what the test is about: browsers write those to the console by themselves. */
  expectsRefusals: [false, { option: true }],

  service: [async ({}, use) => {
    const service = await Service.start();
    await use(service);
    await service.end();
  }, { scope: 'worker' }],

  entity: [async ({ service }, use) => use(await Entity.of(service)), { scope: 'worker' }],

  /** Starts services with settings of their own, and ends them. */
  launch: async ({}, use) => {
    const services = [];
    await use(async (settings) => {
      services.push(await Service.start(settings));
      return services.at(-1);
    });
    for (const service of services) await service.end();
  },

  page: async ({ page, expectsRefusals }, use) => {
    const complaints = [];
    const origins = new Set();
    page.on('console', (message) => {
      const isRefusal = message.text().startsWith('Failed to load resource');
      if (['error', 'warning'].includes(message.type()) && !(isRefusal && expectsRefusals)) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(`${error}`));
    page.on('request', (request) => request.url().startsWith('data:') || origins.add(new URL(request.url()).origin));
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await use(page);
    expect(complaints).toEqual([]);
    expect([...origins].filter((origin) => origin !== new URL(page.url()).origin)).toEqual([]);
  },
});

/** The page as a user opens it. */
export async function open(page, service, hash = '') {
  await page.goto(`${service.address}/${hash}`);
  await expect(page.locator('#ready')).toHaveText(/^(Ready|Not ready)/);
}

export const rowOf = (page, key) => page.locator(`#rows tr[data-key="${key}"]`);

/** Gives a function that tells what has stood there since now. */
export async function texts(page, place) {
  const all = await page.locator(place).evaluateHandle((element) => {
    const seen = [];
    new MutationObserver(() => seen.push(element.textContent)).observe(element, { childList: true });
    return seen;
  });
  return () => all.jsonValue();
}

/** Asserts that axe-core finds nothing to mend in what is shown. */
export async function expectAccessible(page) {
  // Colours on their way from one to another are nobody's fault.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, ...nodes.map((node) => `${node.html} ${node.failureSummary}`)])).toEqual([]);
}
