// Two who change the same row, and what is easily taken for another number.

import { samples } from './support/entity.js';
import { expect, open, rowOf, test } from './support/test.js';

const [first, second] = samples;

test.beforeEach(async ({ entity }) => entity.reset());

/** Changes a row past the page. */
async function changeElsewhere(service, entity, row) {
  const answer = await service.fetch(`${entity.path}/${row[entity.key]}`, { method: 'PUT', body: JSON.stringify(row) });
  expect(answer.status).toBe(200);
}

test('fields that only the other one has changed stay changed', async ({ page, service, entity }) => {
  const { name, value } = entity.change(second);
  const others = entity.names.filter((other) => ![entity.key, name].includes(other)).slice(0, 1); // none where there is one field
  const elsewhere = { ...second, ...Object.fromEntries(others.map((other) => [other, first[other]])) };
  await open(page, service);

  await page.getByRole('button', { name: `Edit ${second[entity.key]}`, exact: true }).click();
  await entity.typeValue(page, name, value);
  await changeElsewhere(service, entity, elsewhere);
  await page.getByRole('button', { name: 'Save' }).click();

  await expect(page.locator('#editor')).toBeHidden();
  expect(await entity.row(second[entity.key])).toEqual({ ...elsewhere, [name]: value });
});

test('a field that both have changed is told of, and saved by a second click', async ({ page, service, entity }) => {
  const { name, value, elsewhere } = entity.change(second);
  test.skip(elsewhere === undefined, 'a field of two values cannot be changed in two ways');
  await open(page, service);
  const puts = [];
  page.on('request', (request) => request.method() === 'PUT' && puts.push(request.url()));

  await page.getByRole('button', { name: `Edit ${second[entity.key]}`, exact: true }).click();
  await entity.typeValue(page, name, value);
  await changeElsewhere(service, entity, { ...second, [name]: elsewhere });
  await page.getByRole('button', { name: 'Save' }).click();

  await expect(page.locator('#editor-alert')).toContainText('Somebody has changed the row meanwhile');
  await expect(page.locator(`#field-${name}-fault`)).toContainText('now, somebody has changed it');
  expect(puts).toEqual([]);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('#editor')).toBeHidden();
  expect(puts).toHaveLength(1);
  await expect(rowOf(page, second[entity.key])).toBeVisible();
  expect(await entity.row(second[entity.key])).toEqual({ ...second, [name]: value });
});

/** Edits a row on the page. It is stored, but the answer to that is lost. */
async function loseAnswer(page, service, entity, name, typed) {
  let isLost = false;
  await page.route(`**${entity.path}/*`, async (route) => {
    if (route.request().method() !== 'PUT' || isLost) return route.fallback();
    isLost = true;
    await route.fetch();
    return route.abort();
  });
  await open(page, service);
  await page.getByRole('button', { name: `Edit ${second[entity.key]}`, exact: true }).click();
  await entity.typeValue(page, name, typed);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('#editor-alert')).toContainText('It may be tried again');
}

test.describe('an answer that got lost', () => {
  test.use({ expectsRefusals: true });

  test('a change of one\'s own is nobody else\'s', async ({ page, service, entity }) => {
    const { name, value } = entity.change(second);
    await loseAnswer(page, service, entity, name, value);

    await page.getByRole('button', { name: 'Save' }).click();

    await expect(page.locator('#editor')).toBeHidden();
    expect(await entity.row(second[entity.key])).toEqual({ ...second, [name]: value });
  });

  test('a number of one\'s own is the same with other digits', async ({ page, service, entity }) => {
    test.skip(entity.number === entity.key, 'no number to change');
    await loseAnswer(page, service, entity, entity.number, '8.0');

    await page.getByRole('button', { name: 'Save' }).click();

    await expect(page.locator('#editor')).toBeHidden();
    expect(await entity.row(second[entity.key])).toEqual({ ...second, [entity.number]: 8 });
  });

  test('what somebody has put over it is told of, and overwritten by a second click', async ({ page, service, entity }) => {
    const { name, value, elsewhere } = entity.change(second);
    test.skip(elsewhere === undefined, 'a field of two values cannot be changed in two ways');
    await loseAnswer(page, service, entity, name, value);
    await changeElsewhere(service, entity, { ...second, [name]: elsewhere });

    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.locator('#editor-alert')).toContainText('Somebody has changed the row meanwhile');
    await page.getByRole('button', { name: 'Save' }).click();

    await expect(page.locator('#editor')).toBeHidden();
    expect(await entity.row(second[entity.key])).toEqual({ ...second, [name]: value });
  });
});

test('a number with a comma is told of at its field, and is not made another one', async ({ page, service, entity }) => {
  await open(page, service);
  const field = page.locator(`#field-${entity.number}`);

  await page.getByRole('button', { name: /^New/ }).click();
  await entity.type(page, { ...first, [entity.key]: 4713 });
  await field.fill('24,90');
  await page.getByRole('button', { name: 'Save' }).click();

  await expect(page.locator(`#field-${entity.number}-fault`)).toContainText('cannot be read');
  await expect(field).toHaveValue('24,90');
  expect(await entity.row(4713)).toBeUndefined();
});
