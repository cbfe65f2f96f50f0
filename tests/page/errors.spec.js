// What goes wrong is said where it can be mended, and nothing that was typed is lost.

import { samples } from './support/entity.js';
import { Wire } from './support/service.js';
import { expect, open, rowOf, test } from './support/test.js';

test.use({ expectsRefusals: true });
test.beforeEach(async ({ entity }) => entity.reset());

const [first, second] = samples;
const alert = (page) => page.locator('#editor-alert');

/** Opens the form for a new row, filled in with the first sample under another key. */
async function typeNew(page, entity, key) {
  await page.getByRole('button', { name: /^New/ }).click();
  await entity.type(page, { ...first, [entity.key]: key });
}

const save = (page) => page.getByRole('button', { name: 'Save' }).click();

test('each fault of a row stands at its field, and the first one has the focus', async ({ page, service, entity }) => {
  await open(page, service);
  await typeNew(page, entity, 50);
  const wrong = [entity.number, entity.text].filter(Boolean);

  await page.locator(`#field-${entity.number}`).fill('-1');
  if (entity.text) await page.locator(`#field-${entity.text}`).fill('');
  await save(page);

  for (const name of wrong) {
    const input = page.locator(`#field-${name}`);
    await expect(input).toHaveAttribute('aria-invalid', 'true');
    await expect(page.locator(`#${await input.getAttribute('aria-describedby')}`)).toContainText('must be');
  }
  await expect(page.locator('[aria-invalid]')).toHaveCount(wrong.length);
  await expect(page.locator('[aria-invalid]').first()).toBeFocused();
  await expect(alert(page).locator('code')).toHaveText(/^\S+$/); // the request's id
  await expect(page.locator(`#field-${entity.key}`)).toHaveValue(entity.number === entity.key ? '-1' : '50');
  await page.locator(`#field-${entity.number}`).fill('50');
  await expect(page.locator(`#field-${entity.number}`)).not.toHaveAttribute('aria-invalid');
  if (entity.text) await page.locator(`#field-${entity.text}`).fill('mended');
  await save(page);
  await expect(rowOf(page, 50)).toBeVisible();
});

test('what is left out is told at its field', async ({ page, service, entity }) => {
  await open(page, service);
  await typeNew(page, entity, 51);

  await page.locator(`#field-${entity.number}`).fill('');
  await save(page);

  await expect(page.locator(`#field-${entity.number}-fault`)).toContainText('is missing');
  await expect(page.locator(`#field-${entity.number}`)).toBeFocused();
});

test('a key that is taken is a conflict, and the form stays as it is', async ({ page, service, entity }) => {
  await open(page, service);
  await typeNew(page, entity, second[entity.key]);

  await save(page);

  await expect(alert(page)).toContainText('409 Conflict');
  await page.locator(`#field-${entity.key}`).fill('52');
  await save(page);
  await expect(rowOf(page, 52)).toBeVisible();
});

test('a row that somebody has deleted meanwhile is told of, before the edit, at its end, and at its deletion', async ({ page, service, entity }) => {
  await open(page, service);
  const [a, b, c] = samples.map((sample) => sample[entity.key]);
  const remove = (key) => service.fetch(`${entity.path}/${key}`, { method: 'DELETE' });

  await remove(a);
  await page.getByRole('button', { name: `Edit ${a}`, exact: true }).click();
  await expect(page.locator('#alert')).toContainText('404 Not Found');
  await expect(rowOf(page, a)).toHaveCount(0);

  await page.getByRole('button', { name: `Edit ${b}`, exact: true }).click();
  await expect(page.locator('#editor')).toBeVisible();
  await remove(b);
  await save(page);
  await expect(alert(page)).toContainText('404 Not Found');
  await page.keyboard.press('Escape');
  await expect(rowOf(page, b)).toHaveCount(0);

  await page.getByRole('button', { name: `Delete ${c}`, exact: true }).click();
  await remove(c);
  await page.locator('#remover').getByRole('button', { name: 'Delete' }).click();
  await expect(page.locator('#remover-alert')).toContainText('404 Not Found');
});

test('an answer that got lost is asked for again with the same key, and the row is created once', async ({ page, service, entity }) => {
  await open(page, service);
  await typeNew(page, entity, 53);
  const keys = [];
  await page.route(`**${entity.path}`, async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    const answer = await route.fetch();
    await (keys.length === 1 ? route.abort() : route.fulfill({ response: answer }));
  });

  await save(page);
  await expect(alert(page)).toContainText('cannot be reached');
  expect(await entity.row(53)).toBeDefined();
  await save(page);

  await expect(rowOf(page, 53)).toBeVisible();
  expect(keys[1]).toBe(keys[0]);
});

test('a database that is away is 503, and all goes on when it is back, without a reload', async ({ page, service, entity, launch }) => {
  const wire = await Wire.to(service.url);
  const through = new URL(service.url);
  through.port = wire.port;
  const cut = await launch({ DATABASE_URL: through.href, DB_TIMEOUT: '2', DB_ACQUIRE_TIMEOUT: '1' });
  await open(page, cut);
  await expect(rowOf(page, first[entity.key])).toBeVisible();
  await typeNew(page, entity, 54);

  wire.cut();
  await save(page);
  await expect(alert(page)).toContainText(/503 Service Unavailable/);
  await expect(alert(page)).toContainText(/may be tried again in \d+ s/);
  await expect(page.locator('#ready')).toContainText('Not ready: the database');
  await expect(page.locator(`#field-${entity.key}`)).toHaveValue('54');
  await page.keyboard.press('Escape');
  await page.getByLabel('Rows a page').selectOption('10');
  await expect(page.locator('#alert')).toContainText('503');
  wire.mend();

  await expect(page.locator('#ready')).toHaveText('Ready');
  await expect(page.locator('#alert')).toBeEmpty();
  await expect(rowOf(page, first[entity.key])).toBeVisible();
  wire.close();
});

test('a service that stands still is not waited for without end', async ({ page, entity, launch }) => {
  const service = await launch();
  await service.fetch(entity.bulk, { method: 'POST', body: JSON.stringify(samples) });
  await open(page, service);
  await typeNew(page, entity, 55);

  service.signal('SIGSTOP');
  await save(page);

  await expect(page.locator('#ready')).toContainText('has not answered');
  await expect(alert(page)).toContainText('has not answered for 10 s', { timeout: 15_000 });
  service.signal('SIGCONT');
  await expect(page.locator('#ready')).toHaveText('Ready');
  await save(page);
  await expect(rowOf(page, 55)).toBeVisible();
});

test('a service that is gone is told of, and the page goes on when it is back', async ({ page, entity, launch }) => {
  const service = await launch();
  await open(page, service);

  await service.stop();
  await expect(page.locator('#ready')).toContainText('cannot be reached');
  await page.getByRole('button', { name: /^New/ }).click();
  await page.locator(`#field-${entity.key}`).fill('56');
  await save(page);
  await expect(alert(page)).toContainText('The service cannot be reached. It may be tried again.');
  await service.launch();

  await expect(page.locator('#ready')).toHaveText('Ready');
  await expect(page.locator(`#field-${entity.key}`)).toHaveValue('56');
});
