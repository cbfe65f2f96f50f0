// What is told of the service itself: its state, its traffic, its description.

import { execFileSync } from 'node:child_process';
import { expect, open, test } from './support/test.js';

test('the traffic is shown, without the probes', async ({ page, service, entity }) => {
  await open(page, service);
  await expect(page.locator('#traffic')).toBeVisible();
  await expect(page.locator('#rate')).toHaveText('0.0'); // the page's own questions do not count

  await Promise.all(Array.from({ length: 60 }, () => service.fetch(`${entity.path}?limit=1`)));

  await expect(page.locator('#rate')).toHaveText(/^(\d\d|[5-9]\.\d)$/); // 60 in three seconds, or a little more
  await expect(page.locator('#quality')).toHaveText(/^p99 ≤ [\d.]+ ms$/);
  expect((await page.locator('#spark polyline').getAttribute('points')).split(' ').length).toBeGreaterThan(1);
});

test('a page that nobody sees asks for nothing', async ({ page, service }) => {
  await open(page, service);
  const show = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  const asked = [];
  await show(true);
  page.on('request', (request) => asked.push(request.url()));

  await page.waitForTimeout(3500); // its interval, and some more
  expect(asked.filter((url) => url.endsWith('/readyz')).length).toBe(0);
  const [answer] = await Promise.all([page.waitForResponse(/readyz$/), show(false)]);

  expect(answer.status()).toBe(200);
});

test('the description lists every endpoint, with its answers and a line for curl', async ({ page, service, entity, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, service);
  await page.getByRole('link', { name: 'API' }).click();
  const described = Object.entries(entity.api.paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));

  const listed = await page.locator('#endpoints summary').evaluateAll((all) => all.map((summary) => [...summary.children].slice(0, 2).map((part) => part.textContent).join(' ')));
  expect(listed).toEqual(described);
  const schemas = await page.locator('#schemas summary').allTextContents();
  expect(schemas).toEqual(Object.keys(entity.api.components.schemas));
  await page.locator('#endpoints details').nth(described.indexOf(`POST ${entity.path}`)).locator('summary').click();
  const copy = page.getByRole('button', { name: `Copy the curl line of POST ${entity.path}`, exact: true });
  await copy.click();
  await expect(page.locator('#said')).toHaveText('The line is copied.');
  const line = await page.evaluate(() => navigator.clipboard.readText());
  expect(line).toContain(`'${service.address}${entity.path}' -X POST`);

  // Each line does what it says: what it sends is what is taken.
  service.sql(`DELETE FROM \`${entity.table}\``);
  for (const method of ['POST', 'GET']) {
    const command = method === 'POST' ? line : line.replace(/ -X.*/, '').replace(`${entity.path}'`, `${entity.path}?limit=1'`);
    const status = execFileSync('bash', ['-c', `${command} -sS -o /dev/null -w '%{http_code}'`], { encoding: 'utf8' });
    expect(status).toBe(method === 'POST' ? '201' : '200');
  }
});

test('the title says what is shown', async ({ page, service, entity }) => {
  await open(page, service);
  const { title } = entity.api.info;
  await expect(page).not.toHaveTitle(title); // it names the table too
  const ofTable = await page.title();

  await page.getByRole('link', { name: 'API' }).click();
  await expect(page).toHaveTitle(`API – ${title}`);
  await page.goBack();

  await expect(page).toHaveTitle(ofTable);
});

test('the address of the description is kept', async ({ page, service }) => {
  await open(page, service, '#api');

  await expect(page.getByRole('heading', { name: 'API' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'API' })).toHaveAttribute('aria-current', 'page');
});
