// Create, edit and delete, by mouse and by keyboard.

import { samples } from './support/entity.js';
import { until } from './support/service.js';
import { expect, open, rowOf, test, texts } from './support/test.js';

const [first, second] = samples;

test.beforeEach(async ({ entity }) => entity.reset());

test('a row is created, with a key that makes the request safe to send again', async ({ page, service, entity }) => {
  await open(page, service);
  const row = { ...first, [entity.key]: 4711 };

  await page.getByRole('button', { name: /^New/ }).click();
  await entity.type(page, row);
  const [request] = await Promise.all([page.waitForRequest((asked) => asked.method() === 'POST'), page.getByRole('button', { name: 'Save' }).click()]);

  await expect(page.locator('#editor')).toBeHidden();
  await expect(rowOf(page, 4711)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Edit 4711', exact: true })).toBeFocused();
  await expect(page.locator('#said')).toContainText('4711 is saved');
  expect(request.headers()['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  expect(await entity.row(4711)).toEqual(row);
});

test('digits are sent as they were typed', async ({ page, service, entity }) => {
  await open(page, service);

  await page.getByRole('button', { name: /^New/ }).click();
  await entity.type(page, { ...first, [entity.key]: 4712 });
  const typed = entity.number === entity.key ? '4712.0' : '7.0';
  await page.locator(`#field-${entity.number}`).fill(typed);
  const [request] = await Promise.all([page.waitForRequest((asked) => asked.method() === 'POST'), page.getByRole('button', { name: 'Save' }).click()]);

  expect(request.postData()).toContain(`"${entity.number}":${typed}`);
  await expect(rowOf(page, 4712)).toBeVisible();
});

test('a row that is far away is shown when it has been created', async ({ page, service, entity }) => {
  await entity.fill(500);
  await open(page, service);
  const told = await texts(page, '#where');

  await page.getByRole('button', { name: /^New/ }).click();
  await entity.type(page, { ...first, [entity.key]: 100_000 });
  await page.getByRole('button', { name: 'Save' }).click();

  await expect(rowOf(page, 100_000)).toHaveClass('found');
  expect((await told()).join()).not.toContain('There is no');
});

test('a row is edited, and what was not touched stays as it was', async ({ page, service, entity }) => {
  await open(page, service);
  const { name, shown, value } = entity.change(second);

  await page.getByRole('button', { name: `Edit ${second[entity.key]}`, exact: true }).click();
  await expect(page.locator(`#field-${entity.key}`)).not.toBeEditable();
  await entity.typeValue(page, name, value);
  await page.getByRole('button', { name: 'Save' }).click();

  await expect(rowOf(page, second[entity.key])).toContainText(shown);
  await expect(page.locator('#editor')).toBeHidden();
  expect(await entity.row(second[entity.key])).toEqual({ ...second, [name]: value });
});

test('a row is deleted when that has been confirmed, and not before', async ({ page, service, entity }) => {
  await open(page, service);
  const remove = page.getByRole('button', { name: `Delete ${first[entity.key]}`, exact: true });

  await remove.click();
  await expect(page.locator('#remover').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(remove).toBeFocused();
  expect(await entity.count()).toBe(samples.length);
  await remove.click();
  await page.locator('#remover').getByRole('button', { name: 'Delete' }).click();

  await expect(rowOf(page, first[entity.key])).toHaveCount(0);
  await expect(page.getByRole('button', { name: `Edit ${second[entity.key]}`, exact: true })).toBeFocused();
  expect(await entity.row(first[entity.key])).toBeUndefined();
});

test('all of it goes by keyboard alone', async ({ page, service, entity }) => {
  await open(page, service);
  const reach = async (target) => {
    for (let steps = 0; steps < 60; steps++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`not reached: ${target}`);
  };
  const save = page.getByRole('button', { name: 'Save' });

  await page.keyboard.press('Tab');
  await expect(page.locator('#skip')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#main')).toBeFocused();
  await reach(page.getByRole('button', { name: /^New/ }));
  await page.keyboard.press('Enter');
  for (const [name, value] of Object.entries({ ...first, [entity.key]: 77 })) {
    await reach(page.locator(`#field-${name}`));
    if (typeof value === 'boolean') await (value ? page.keyboard.press('Space') : null);
    else if (entity.schema.properties[name].format) await entity.typeValue(page, name, value); // how a date is typed is the browser's business
    else await page.keyboard.type(String(value));
  }
  await page.keyboard.press('Enter');
  await expect(rowOf(page, 77)).toBeVisible();

  await expect(page.getByRole('button', { name: 'Edit 77', exact: true })).toBeFocused();
  await page.keyboard.press('Enter');
  const { name, shown, value } = entity.change(first);
  const field = page.locator(`#field-${name}`);
  await reach(field);
  if (typeof value === 'boolean') await page.keyboard.press('Space');
  else if (entity.schema.properties[name].format) await entity.typeValue(page, name, value);
  else {
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type(String(value));
  }
  await reach(save);
  const reloaded = page.waitForResponse((answer) => answer.request().method() === 'GET' && new URL(answer.url()).pathname === entity.path);
  await page.keyboard.press('Space');
  await reloaded;
  await expect(page.locator('#table')).not.toHaveAttribute('aria-busy'); // the rows are drawn anew: Tab before that would be lost
  await expect(rowOf(page, 77)).toContainText(shown);
  await until('it is stored', async () => (await entity.row(77))[name] === value);

  await expect(page.getByRole('button', { name: 'Edit 77', exact: true })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Delete 77', exact: true })).toBeFocused();
  await page.keyboard.press('Enter');
  await reach(page.locator('#remover').getByRole('button', { name: 'Delete' }));
  await page.keyboard.press('Enter');
  await expect(rowOf(page, 77)).toHaveCount(0);
  expect(await entity.row(77)).toBeUndefined();
});
