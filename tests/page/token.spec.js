// With API_TOKENS the page is there for everybody, and the data for those who have a token.

import { samples } from './support/entity.js';
import { expect, expectAccessible, open, rowOf, test } from './support/test.js';

test.use({ expectsRefusals: true });

const TOKEN = 'a-token-for-the-page';

test('a token is asked for, kept for this tab, and sent', async ({ page, entity, launch }) => {
  const service = await launch({ API_TOKENS: TOKEN });
  const authorization = { authorization: `Bearer ${TOKEN}` };
  await service.fetch(entity.bulk, { method: 'POST', body: JSON.stringify(samples), headers: authorization });
  await open(page, service);
  const field = page.getByLabel('Token', { exact: true });

  await expect(field).toBeFocused();
  await expectAccessible(page);
  await field.fill('not-the-token-of-this-one');
  await page.keyboard.press('Enter');
  await expect(page.locator('#tokener-alert')).toContainText('401 Unauthorized');
  await expectAccessible(page);
  await field.fill(TOKEN);
  await page.keyboard.press('Enter');
  await expect(rowOf(page, samples[0][entity.key])).toBeVisible();
  await page.reload();

  await expect(rowOf(page, samples[0][entity.key])).toBeVisible();
  await expect(page.locator('#tokener')).toBeHidden();
  await page.getByRole('button', { name: `Delete ${samples[0][entity.key]}`, exact: true }).click();
  await page.locator('#remover').getByRole('button', { name: 'Delete' }).click();
  await expect(rowOf(page, samples[0][entity.key])).toHaveCount(0);
  await page.getByRole('button', { name: 'Load a file…' }).waitFor();
  await page.locator('#file').setInputFiles({ name: 'rows.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify([samples[0]])) });
  await expect(page.locator('#load-state')).toHaveText('Stored.');
});

test('one that cannot be sent is refused at its field, and not kept', async ({ page, launch }) => {
  const service = await launch({ API_TOKENS: TOKEN });
  await open(page, service);
  const field = page.getByLabel('Token', { exact: true });

  for (const [typed, told] of [['tökén-for-the-page', 'must be of letters'], ['a token for the page', 'must be of letters'], ['', 'is missing']]) {
    await field.fill(typed);
    await page.keyboard.press('Enter');
    await expect(field).toBeFocused();
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    await expect(page.locator('#token-fault')).toContainText(told);
  }
  await expectAccessible(page);
  await page.evaluate(() => sessionStorage.setItem('token', 'tökén-for-the-page')); // kept by an older page
  await page.reload();
  await expect(field).toBeFocused();
  await field.fill(TOKEN);
  await expect(field).not.toHaveAttribute('aria-invalid');
  await page.keyboard.press('Enter');

  await expect(page.locator('#where')).toContainText('This is the end.');
});

test('without one the page says so, and can be asked again', async ({ page, launch }) => {
  const service = await launch({ API_TOKENS: TOKEN });
  await open(page, service);

  await page.locator('#tokener').getByRole('button', { name: 'Cancel' }).click();

  await expect(page.locator('#alert')).toContainText('401 Unauthorized');
  await expect(page.locator('#ready')).toHaveText('Ready');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByLabel('Token', { exact: true })).toBeFocused();
});
