// The table: page by page, however many rows there are.

import { samples } from './support/entity.js';
import { expect, open, rowOf, test, texts } from './support/test.js';

test('each row is shown with its digits, in the sequence of its fields', async ({ page, service, entity }) => {
  await entity.reset();

  await open(page, service);

  for (const sample of samples) {
    const row = rowOf(page, sample[entity.key]);
    for (const [at, name] of entity.names.entries()) {
      const { type, multipleOf, format } = entity.schema.properties[name];
      if (format || type === 'boolean') continue;
      const text = multipleOf === 0.01 ? sample[name].toFixed(2) : String(sample[name]);
      await expect(row.locator('th, td').nth(at)).toHaveText(text);
    }
  }
  await expect(page.locator('#rows tr')).toHaveCount(samples.length);
  await expect(page.getByRole('columnheader')).toHaveCount(entity.names.length + 1);
  await expect(page.locator('#where')).toContainText('This is the end.');
});

test('an empty table says what to do', async ({ page, service, entity }) => {
  service.sql(`DELETE FROM \`${entity.table}\``);

  await open(page, service);

  await expect(page.locator('#empty')).toBeVisible();
  await expect(page.locator('#table')).toBeHidden();
});

test('a key that was gone to is not missed on the page that one has gone back to', async ({ page, service, entity }) => {
  await entity.reset();
  await open(page, service);
  await expect(page.locator('#rows tr')).toHaveCount(samples.length);
  const told = await texts(page, '#where');
  await page.route('**after=90000', () => {}, { times: 1 }); // never answered

  await page.getByLabel('Go to').fill('90001');
  await page.keyboard.press('Enter');
  await page.waitForURL('**after=90000');
  await page.goBack();

  await expect(page.locator('#table')).not.toHaveAttribute('aria-busy');
  expect((await told()).join()).not.toContain('There is no');
});

test.describe('a million rows', () => {
  const COUNT = 1_000_000;

  test.beforeAll(async ({ entity }) => entity.fill(COUNT));

  test('are paged through forward and back, and no answer is larger than a page', async ({ page, service, entity }) => {
    const sizes = [];
    page.on('response', async (response) => {
      if (new URL(response.url()).pathname === entity.path) sizes.push((await response.json()).length);
    });
    await open(page, service);

    for (const first of [1, 51, 101, 151]) {
      await expect(rowOf(page, first)).toBeVisible();
      await expect(page.locator('#rows tr')).toHaveCount(50);
      await page.getByRole('button', { name: 'Next' }).click();
    }
    await expect(rowOf(page, 201)).toBeVisible();
    await page.getByRole('button', { name: 'Previous' }).click();
    await expect(rowOf(page, 151)).toBeVisible();
    await page.goBack(); // the browser's own way back
    await expect(rowOf(page, 201)).toBeVisible();
    await page.getByRole('button', { name: 'First' }).click();

    await expect(rowOf(page, 1)).toBeVisible();
    await expect(page.getByRole('button', { name: 'Previous' })).toBeDisabled();
    expect(Math.max(...sizes)).toBe(50);
  });

  test('the address keeps the page and the way back', async ({ page, service }) => {
    await open(page, service);
    await page.getByLabel('Rows a page').selectOption('100');
    await expect(page.locator('#rows tr')).toHaveCount(100);
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(rowOf(page, 101)).toBeVisible();

    await page.reload();

    await expect(page.locator('#rows tr')).toHaveCount(100);
    await expect(rowOf(page, 101)).toBeVisible();
    await expect(page.getByLabel('Rows a page')).toHaveValue('100');
    await page.getByRole('button', { name: 'Previous' }).click();
    await expect(rowOf(page, 1)).toBeVisible();
  });

  test('a key is gone to, and from there to the end', async ({ page, service }) => {
    await open(page, service);

    await page.getByLabel('Go to').fill('777777');
    await page.keyboard.press('Enter');

    await expect(rowOf(page, 777777)).toHaveClass('found');
    await expect(page.getByRole('button', { name: 'Edit 777777', exact: true })).toBeFocused();
    await page.getByLabel('Go to').fill(String(COUNT - 9));
    await page.keyboard.press('Enter');
    await expect(page.locator('#rows tr')).toHaveCount(10);
    await expect(page.locator('#where')).toContainText('This is the end.');
    await expect(page.getByRole('button', { name: 'Next' })).toBeDisabled();
    await page.getByRole('button', { name: 'Previous' }).click();
    await expect(rowOf(page, 777777)).toBeVisible();
    await page.getByLabel('Go to').fill(String(COUNT + 1));
    await page.keyboard.press('Enter');
    await expect(page.locator('#where')).toContainText(`There is no ${COUNT + 1}.`);
    await page.getByLabel('Go to').fill('000777778');
    await page.keyboard.press('Enter');
    await expect(rowOf(page, 777778)).toHaveClass('found');
    await expect(page.locator('#where')).not.toContainText('There is no');
    await page.getByLabel('Go to').fill('1');
    await page.keyboard.press('Enter');
    await expect(rowOf(page, 1)).toBeVisible();
  });
});
