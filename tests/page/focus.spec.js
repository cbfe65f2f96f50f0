// Who uses the keyboard, or hears the page, stays where they are: whatever is drawn anew, goes away or fails.

import { rowsFrom, samples } from './support/entity.js';
import { expect, open, rowOf, test } from './support/test.js';

test.use({ expectsRefusals: true });
test.beforeEach(async ({ entity }) => entity.reset());

const [first, second] = samples;
const heading = (page) => page.locator('#data-title');
const act = (page, name, row) => page.getByRole('button', { name: `${name} ${Object.values(row)[0]}`, exact: true });
const again = (page, place) => page.locator(place).getByRole('button', { name: 'Try again' });
const refuse = (page, pattern, times) => page.route(pattern, (route) => route.fulfill({ status: 500, json: { detail: `no ${Math.random()}` } }), { times });
const choose = (page, text) => page.locator('#file').setInputFiles({ name: 'rows.json', mimeType: 'application/json', buffer: Buffer.from(text) });

test('rows that come when they are asked for again leave the focus on the heading', async ({ page, service, entity }) => {
  await refuse(page, `**${entity.path}?*`, 2);
  await open(page, service);
  await expect(page.locator('#alert')).toContainText('No 0.');
  const told = await page.locator('#alert').textContent();

  await again(page, '#alert').press('Enter');
  await expect(page.locator('#alert')).not.toHaveText(told); // refused with other words
  await expect(again(page, '#alert')).toBeFocused();
  await page.keyboard.press('Enter');

  await expect(rowOf(page, first[entity.key])).toBeVisible();
  await expect(page.locator('#alert')).toBeEmpty();
  await expect(heading(page)).toBeFocused();
});

test('a description that comes when it is asked for again leaves the focus on the heading', async ({ page, service, entity }) => {
  await refuse(page, '**/openapi.json', 1);
  await open(page, service);

  await again(page, '#alert').press('Enter');

  await expect(rowOf(page, first[entity.key])).toBeVisible();
  await expect(heading(page)).toBeFocused();
});

test('a file that is sent again keeps the focus', async ({ page, service, entity }) => {
  await page.route(`**${entity.bulk}`, (route) => route.abort(), { times: 1 });
  await open(page, service);
  await choose(page, rowsFrom(900, 1));

  await again(page, '#load').press('Enter');

  await expect(page.locator('#load-state')).toHaveText('Stored.');
  await expect(page.locator('#load-close')).toBeFocused();
});

test('rows that are drawn anew when a file has ended keep the focus', async ({ page, service, entity }) => {
  await open(page, service);
  await act(page, 'Delete', second).focus();

  await choose(page, rowsFrom(900, 1));

  await expect(rowOf(page, 900)).toBeVisible();
  await expect(act(page, 'Delete', second)).toBeFocused();
});

test('rows that are drawn anew under a dialog have the focus again when it is closed', async ({ page, service, entity }) => {
  await open(page, service);
  await choose(page, rowsFrom(900, 1));
  await act(page, 'Delete', second).click();
  await expect(rowOf(page, 900)).toBeVisible();
  await page.evaluate(() => loadRows());

  await page.keyboard.press('Escape');

  await expect(act(page, 'Edit', second)).toBeFocused();
});

test('rows that are drawn anew when the database is back keep the focus', async ({ page, service, entity }) => {
  await open(page, service);
  await expect(rowOf(page, first[entity.key])).toBeVisible();
  await page.route(`**${entity.path}?*`, (route) => route.fulfill({ status: 503, json: { detail: 'away' } }), { times: 1 });
  await page.getByLabel('Rows a page').selectOption('10');
  await expect(page.locator('#alert')).toContainText('Away.');

  await act(page, 'Edit', second).focus();

  await expect(page.locator('#alert')).toBeEmpty();
  await expect(act(page, 'Edit', second)).toBeFocused();
});

test('a dialog about a row that is gone leaves the focus on the heading', async ({ page, service, entity }) => {
  await open(page, service);
  const remove = (row) => service.fetch(`${entity.path}/${row[entity.key]}`, { method: 'DELETE' });

  await act(page, 'Edit', first).click();
  await expect(page.locator('#editor')).toBeVisible();
  await remove(first);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(rowOf(page, first[entity.key])).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(heading(page)).toBeFocused();

  await act(page, 'Delete', second).click();
  await remove(second);
  await page.locator('#remove').click();
  await expect(rowOf(page, second[entity.key])).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(heading(page)).toBeFocused();
});

test('a deletion whose question was closed leaves the focus on the row after it', async ({ page, service, entity }) => {
  await open(page, service);
  let release;
  const released = new Promise((done) => { release = done; });
  await page.route(`**${entity.path}/*`, async (route) => {
    await released;
    await route.continue();
  });

  await act(page, 'Delete', first).click();
  await page.locator('#remove').click();
  await page.keyboard.press('Escape');
  release();

  await expect(rowOf(page, first[entity.key])).toHaveCount(0);
  await expect(act(page, 'Edit', second)).toBeFocused();
});

for (const width of [1280, 760]) {
  test(`what has the focus does not hide under the bar, ${width} pixels wide`, async ({ page, service, entity }) => {
    await entity.fill(40);
    await page.setViewportSize({ width, height: 500 });
    await open(page, service);
    await expect(rowOf(page, 40)).toBeVisible();
    await expect(page.locator('#traffic')).toBeVisible(); // it makes the bar wider
    await page.getByRole('button', { name: 'Delete 40', exact: true }).focus();

    for (let steps = 0; steps < 80; steps++) {
      await page.keyboard.press('Shift+Tab');
      const hidden = await page.evaluate(() => {
        const { top } = document.activeElement.getBoundingClientRect();
        const bar = document.querySelector('.bar');
        return bar.contains(document.activeElement) ? 0 : Math.max(0, bar.getBoundingClientRect().bottom - top);
      });
      expect(hidden).toBe(0);
    }
  });
}
