// Answers that come late: each belongs to what was asked, whatever has been opened since.

import { samples } from './support/entity.js';
import { expect, open, rowOf, test } from './support/test.js';

test.use({ expectsRefusals: true });
test.beforeEach(async ({ entity }) => entity.reset());

const [first, second] = samples;
const save = (page) => page.getByRole('button', { name: 'Save' }).click();
const act = (page, name, key) => page.getByRole('button', { name: `${name} ${key}`, exact: true }).click();

/** Keeps the answers to such requests until the function that it returns is called. */
async function hold(page, method, path) {
  let release;
  const released = new Promise((done) => { release = done; });
  await page.route(`**${path}`, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    const response = await route.fetch();
    await released;
    return route.fulfill({ response });
  });
  return release;
}

test('a deletion tells of its own row, and leaves the question about another one open', async ({ page, service, entity }) => {
  const [a, b] = [first[entity.key], second[entity.key]];
  await open(page, service);
  const release = await hold(page, 'DELETE', `${entity.path}/${a}`);

  await act(page, 'Delete', a);
  await page.locator('#remove').click();
  await page.keyboard.press('Escape');
  await act(page, 'Delete', b);
  release();

  await expect(page.locator('#remover #said')).toContainText(`${a} is deleted`); // what is behind a dialog is not read out
  await expect(rowOf(page, a)).toHaveCount(0);
  await expect(page.locator('#remover-title')).toContainText(`${b}?`);
  await expect(page.locator('#remover')).toBeVisible();
  expect(await entity.row(b)).toBeDefined();
  await page.locator('#remove').click();
  await expect(page.locator('#said')).toContainText(`${b} is deleted`);
});

test('a deletion that fails after its question was closed is told of', async ({ page, service, entity }) => {
  const a = first[entity.key];
  await open(page, service);
  await service.fetch(`${entity.path}/${a}`, { method: 'DELETE' });
  const release = await hold(page, 'DELETE', `${entity.path}/${a}`);

  await act(page, 'Delete', a);
  await page.locator('#remove').click();
  await page.keyboard.press('Escape');
  release();

  await expect(page.locator('#alert')).toContainText(new RegExp(`Deleting .* ${a}: .*404 Not Found`));
  await expect(rowOf(page, a)).toHaveCount(0);
});

test('a save tells of its own row, and leaves the form of another one as it is', async ({ page, service, entity }) => {
  const [a, b] = [first[entity.key], second[entity.key]];
  const { name, value } = entity.change(first);
  await open(page, service);
  const release = await hold(page, 'PUT', `${entity.path}/${a}`);

  await act(page, 'Edit', a);
  await entity.typeValue(page, name, value);
  await save(page);
  await expect(page.locator('#fields')).toHaveAttribute('inert'); // what is typed now would be lost
  await page.keyboard.press('Escape');
  await act(page, 'Edit', b);
  await expect(page.locator('#editor-title')).toContainText(String(b));
  await entity.typeValue(page, name, value);
  release();

  await expect(page.locator('#said')).toContainText(`${a} is saved`);
  await expect(page.locator('#editor')).toBeVisible();
  await save(page);
  await expect(page.locator('#said')).toContainText(`${b} is saved`);
  expect(await entity.row(a)).toEqual({ ...first, [name]: value });
  expect(await entity.row(b)).toEqual({ ...second, [name]: value });
});

test('a save that fails after its form was closed is told of, and marks nothing in the form of another row', async ({ page, service, entity }) => {
  await open(page, service);
  const release = await hold(page, 'POST', entity.path);

  await page.getByRole('button', { name: /^New/ }).click();
  await entity.type(page, { ...first, [entity.key]: 60 });
  await page.locator(`#field-${entity.number}`).fill('-1');
  await save(page);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^New/ }).click();
  await page.locator(`#field-${entity.key}`).fill('61');
  release();

  await expect(page.locator('#editor #said')).toContainText(/^Saving a new /); // what is behind a dialog is not read out
  await expect(page.locator('#alert')).toContainText(/Saving a new .*422/);
  await expect(page.locator('#alert')).toContainText(`/${entity.number}`);
  await expect(page.locator('#editor')).toBeVisible();
  await expect(page.locator('#editor [aria-invalid]')).toHaveCount(0);
  await expect(page.locator('#editor-alert')).toBeEmpty();
  await expect(page.locator(`#field-${entity.key}`)).toHaveValue('61');
  await page.keyboard.press('Escape');
  await expect(page.locator('#main #said')).toContainText(/^Saving a new /); // it is seen on
});

test('a row that was asked for first does not open over what was asked for last', async ({ page, service, entity }) => {
  const [a, b] = [first[entity.key], second[entity.key]];
  await open(page, service);
  const release = await hold(page, 'GET', `${entity.path}/${a}`);

  await act(page, 'Edit', a);
  await act(page, 'Delete', b);
  const [answer] = await Promise.all([page.waitForResponse(`**${entity.path}/${a}`), release()]);
  await answer.finished();

  await expect(page.locator('#remover')).toBeVisible();
  await expect(page.locator('#editor')).toBeHidden();
  await page.keyboard.press('Escape');
  await act(page, 'Edit', b);
  await expect(page.locator('#editor-title')).toContainText(String(b));
});

test.describe('two tables', () => {
  /** Opens the other table and then the first one, so that the way back leads to the other; gives what is changed there. */
  async function openBoth(page, service, entity) {
    await entity.describe(page, (api) => {
      const one = Object.keys(api.paths).find((path) => path.startsWith(`${entity.path}/{`));
      api.paths['/others'] = { get: api.paths[entity.path].get };
      api.paths['/others/{id}'] = api.paths[one];
    });
    const changes = [];
    await page.route('**/others*', (route) => route.fulfill({ json: samples }));
    await page.route('**/others/*', (route) => {
      if (route.request().method() !== 'GET') changes.push(route.request().method());
      return route.fulfill({ json: first });
    });
    await open(page, service, '#/others');
    await expect(page.locator('#data-title')).toHaveText('Others');
    await page.locator(`#views a[data-path="${entity.path}"]`).click();
    await expect(page.locator('#data-title')).not.toHaveText('Others');
    await expect(rowOf(page, first[entity.key])).toBeVisible();
    return changes;
  }

  async function goBack(page) {
    await page.goBack(); // no dialog stops that
    await expect(page.locator('#data-title')).toHaveText('Others');
    await expect(page.locator('#table')).not.toHaveAttribute('aria-busy');
  }

  test('what is deleted is what the question was about, also when another table is shown behind it', async ({ page, service, entity }) => {
    const changes = await openBoth(page, service, entity);

    await act(page, 'Delete', first[entity.key]);
    await goBack(page);
    await page.locator('#remove').click();

    await expect(page.locator('#said')).toContainText(`${first[entity.key]} is deleted`);
    expect(changes).toEqual([]);
    expect(await entity.row(first[entity.key])).toBeUndefined();
    await expect(page.locator('#data-title')).toBeFocused();
  });

  test('what is saved goes to the table whose form it is, also when another one is shown behind it', async ({ page, service, entity }) => {
    const { name, value } = entity.change(second);
    const changes = await openBoth(page, service, entity);

    await act(page, 'Edit', second[entity.key]);
    await entity.typeValue(page, name, value);
    await goBack(page);
    await save(page);

    await expect(page.locator('#said')).toContainText(`${second[entity.key]} is saved`);
    expect(changes).toEqual([]);
    expect(await entity.row(second[entity.key])).toEqual({ ...second, [name]: value });
  });
});
