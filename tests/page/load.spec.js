// A file is sent as it is, with its progress, and can be called off.

import { rowsFrom, samples } from './support/entity.js';
import { expect, open, rowOf, test } from './support/test.js';

test.use({ expectsRefusals: true });
test.beforeEach(async ({ service, entity }) => service.sql(`DELETE FROM \`${entity.table}\``));

const MANY = 50_000;
const state = (page) => page.locator('#load-state');

/** Drops a file of this text on the page, by the events that a browser sends. */
async function drop(page, text) {
  const dataTransfer = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], 'rows.json', { type: 'application/json' }));
    return transfer;
  }, text);
  await page.dispatchEvent('body', 'dragover', { dataTransfer });
  await expect(page.locator('body')).toHaveClass('dragging');
  await page.dispatchEvent('body', 'drop', { dataTransfer });
}

/** Lets so many bytes a second through to the service. */
async function slowDown(page, bytes) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
}

test('a file is chosen and stored', async ({ page, service, entity }) => {
  await open(page, service);

  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Load a file…' }).click()]);
  await chooser.setFiles({ name: 'rows.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(samples)) });

  await expect(state(page)).toHaveText('Stored.');
  for (const sample of samples) await expect(rowOf(page, sample[entity.key])).toBeVisible();
  expect(await entity.row(samples[0][entity.key])).toEqual(samples[0]);
  await page.locator('#load').getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('button', { name: 'Load a file…' })).toBeFocused();
});

test('a large file is dropped, shows how far it is, and does not freeze the page', async ({ page, service, entity }) => {
  await open(page, service);
  await slowDown(page, 5_000_000);

  await drop(page, rowsFrom(1, MANY));

  const bar = page.getByRole('progressbar');
  const part = () => bar.evaluate((element) => element.value / element.max);
  await expect.poll(part).toBeGreaterThan(0.1);
  const before = await part();
  await expect.poll(part).toBeGreaterThan(before);
  await page.getByRole('link', { name: 'API' }).click(); // meanwhile the page is there for other things
  await expect(page.locator('#api')).toBeVisible();
  await page.goBack();
  await expect(state(page)).toHaveText('Stored.', { timeout: 25_000 });
  expect(await entity.count()).toBe(MANY);
  await expect(rowOf(page, 1)).toBeVisible();
});

test('a file that is called off on its way leaves nothing', async ({ page, service, entity }) => {
  await open(page, service);
  await slowDown(page, 500_000);
  await drop(page, rowsFrom(1, MANY));
  await expect.poll(() => page.getByRole('progressbar').evaluate((element) => element.value)).toBeGreaterThan(0);

  await page.locator('#load').getByRole('button', { name: 'Cancel' }).click();

  await expect(state(page)).toHaveText('Cancelled. Nothing was stored.');
  await expect(page.locator('#load').getByRole('button', { name: 'Close' })).toBeFocused();
  expect(await entity.count()).toBe(0);
});

test('the faults of the elements are listed, and nothing is stored', async ({ page, service, entity }) => {
  await open(page, service);
  const rows = JSON.parse(rowsFrom(1, 5));
  rows[3][entity.number] = -1;
  delete rows[4][entity.number];

  await drop(page, JSON.stringify(rows));

  const faults = page.locator('#load-alert li');
  await expect(faults.nth(0)).toContainText(`/3/${entity.number} must be`);
  await expect(faults.nth(1)).toContainText(`/4/${entity.number} is missing`);
  await expect(state(page)).toHaveText('Nothing was stored.');
  expect(await entity.count()).toBe(0);
});

test('a file with a key that is taken, and one that is no JSON, are refused in words', async ({ page, service }) => {
  await open(page, service);
  await drop(page, JSON.stringify(samples));
  await expect(state(page)).toHaveText('Stored.');

  await drop(page, JSON.stringify(samples));
  await expect(page.locator('#load-alert')).toContainText('409 Conflict');
  await drop(page, 'no JSON');
  await expect(page.locator('#load-alert')).toContainText('400 Bad Request');
});

test('a file that is dropped on a dialog is refused in words, where they are read out', async ({ page, service, entity }) => {
  await open(page, service);
  await page.getByRole('button', { name: /^New/ }).click();

  await drop(page, JSON.stringify(samples));

  await expect(page.locator('#editor #said')).toHaveText('Close the dialog first.');
  expect(await entity.count()).toBe(0);
});

test('a file that is too large is refused in words', async ({ page, entity, launch }) => {
  const service = await launch({ MAX_BODY_BYTES: '1000000' });
  await open(page, service);

  await drop(page, rowsFrom(1, 20_000));

  await expect(page.locator('#load-alert')).toContainText('413');
  await expect(page.locator('#load-alert')).toContainText('1000000 bytes at most');
});

test('an answer that got lost is asked for again with the same key, and all is stored once', async ({ page, service, entity }) => {
  await open(page, service);
  const keys = [];
  await page.route(`**${entity.bulk}`, async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    const answer = await route.fetch();
    await (keys.length === 1 ? route.abort() : route.fulfill({ response: answer }));
  });

  await drop(page, JSON.stringify(samples));
  await expect(state(page)).toContainText('Trying again is safe');
  await page.locator('#load').getByRole('button', { name: 'Try again' }).click();

  await expect(state(page)).toHaveText('Stored.');
  expect(keys[1]).toBe(keys[0]);
  expect(await entity.count()).toBe(samples.length);
});

test('where a key cannot make it safe, trying again is not called safe', async ({ page, service, entity }) => {
  await entity.describe(page, (api) => {
    const { post } = api.paths[entity.bulk];
    post.parameters = post.parameters.filter((parameter) => parameter.in !== 'header');
  });
  await page.route(`**${entity.bulk}`, (route) => route.abort());
  await open(page, service);

  await drop(page, JSON.stringify(samples));

  await expect(state(page)).toHaveText('The answer is not known. Look whether it is stored before you try again.');
});

test('a file goes to the table that it was dropped on, also when another is shown before it is sent again', async ({ page, service, entity }) => {
  await entity.describe(page, (api) => {
    const one = Object.keys(api.paths).find((path) => path.startsWith(`${entity.path}/{`));
    api.paths['/others'] = { get: api.paths[entity.path].get };
    api.paths['/others/{id}'] = { get: api.paths[one].get };
  });
  await page.route('**/others?*', (route) => route.fulfill({ json: [] }));
  await page.route(`**${entity.bulk}`, (route) => route.abort(), { times: 1 });
  await open(page, service);
  await drop(page, JSON.stringify(samples));
  await expect(state(page)).toContainText('The answer is not known.');

  await page.getByRole('link', { name: 'Others' }).click();
  await expect(page.locator('#empty')).toBeVisible();
  await page.locator('#load').getByRole('button', { name: 'Try again' }).click();

  await expect(state(page)).toHaveText('Stored.');
  expect(await entity.count()).toBe(samples.length);
});
