// What the tests know of the entity: its samples, which they read, and what /openapi.json says. They name no field.

import { readFileSync } from 'node:fs';
import { root } from './service.js';

/** The rows of the sample file. The first member of each is its key. */
export const samples = JSON.parse(readFileSync(root + process.env.PAGE_SAMPLES, 'utf8'));
const [sample] = samples;
const [key] = Object.keys(sample);

export class Entity {
  static async of(service, headers = {}) {
    const entity = new Entity();
    entity.service = service;
    entity.api = await (await service.fetch('/openapi.json', { headers })).json();
    // Not as the page finds it: here it is the path that tells the Location of what it creates.
    const [path, item] = Object.entries(entity.api.paths).find(([, one]) => one.post?.responses['201']?.headers?.Location);
    const json = (operation) => operation?.requestBody?.content['application/json']?.schema;
    const { $ref } = json(item.post);
    entity.path = path;
    entity.table = path.split('/').pop();
    entity.bulk = Object.keys(entity.api.paths).find((other) => json(entity.api.paths[other].post)?.items?.$ref === $ref);
    entity.schema = entity.api.components.schemas[$ref.split('/').pop()];
    entity.key = key;
    entity.names = Object.keys(sample);
    /** A number, the key where there is no other. */
    entity.number = entity.names.find((name) => name !== key && ['integer', 'number'].includes(entity.schema.properties[name].type)) ?? key;
    entity.other = entity.names.find((name) => name !== key);
    entity.text = entity.names.find((name) => entity.schema.properties[name].type === 'string' && !entity.schema.properties[name].format);
    return entity;
  }

  /**
   * A field of `row` that is not the key, and another value of it: as the table shows it, and as it is stored. And a third
   * value, `elsewhere`, which a field of two values does not have.
   */
  change(row) {
    if (this.text) return { name: this.text, shown: 'written on the page', value: 'written on the page', elsewhere: 'written elsewhere' };
    if (this.number !== key) return { name: this.number, shown: '8', value: 8, elsewhere: 9 };
    const name = this.other;
    const { type, format } = this.schema.properties[name];
    if (type === 'boolean') return { name, shown: '', value: !row[name] };
    const [value, elsewhere] = ['2030', '2031'].map((year) => (format === 'date' ? `${year}-04-05` : `${year}-04-05T06:07:08Z`));
    return { name, shown: '2030', value, elsewhere };
  }

  /** Puts a value into its field of the form, as a user would. */
  async typeValue(page, name, value) {
    const input = page.locator(`#field-${name}`);
    if (typeof value === 'boolean') await input.setChecked(value);
    else if (this.schema.properties[name].format === 'date-time') await input.fill(await page.evaluate(typedMoment, value));
    else await input.fill(String(value));
  }

  /** Puts a row into the form. */
  async type(page, row) {
    for (const [name, value] of Object.entries(row)) await this.typeValue(page, name, value);
  }

  /** Has the page find another description: this one after `change`, which gets it, and a function that gives a field another schema. */
  async describe(page, change) {
    const api = structuredClone(this.api);
    const knowing = (name) => Object.values(api.components.schemas).filter(({ properties }) => properties?.[name]);
    change(api, (name, schema) => knowing(name).forEach(({ properties }) => { properties[name] = schema; }));
    await page.route('**/openapi.json', (route) => route.fulfill({ json: api }));
  }

  /** Leaves the table with the samples alone. */
  async reset() {
    this.service.sql(`DELETE FROM \`${this.table}\``);
    const answer = await this.service.fetch(this.bulk, { method: 'POST', body: JSON.stringify(samples) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** Leaves it with copies of the first sample whose keys are 1 to `count`. */
  async fill(count) {
    await this.reset();
    const columns = this.service.sql(`SHOW COLUMNS FROM \`${this.table}\``).split('\n').map((line) => line.split('\t')[0]);
    const values = columns.map((column) => (column === key ? 'numbers.seq' : `one.\`${column}\``));
    this.service.sql(`
      DELETE FROM \`${this.table}\` WHERE \`${key}\` <> ${sample[key]};
      UPDATE \`${this.table}\` SET \`${key}\` = 2000000000;
      INSERT INTO \`${this.table}\` (${columns.map((column) => `\`${column}\``)})
        SELECT ${values} FROM seq_1_to_${count} AS numbers JOIN (SELECT * FROM \`${this.table}\` LIMIT 1) AS one;
      DELETE FROM \`${this.table}\` WHERE \`${key}\` = 2000000000`);
  }

  /** The row with this key, as the service gives it; undefined where there is none. */
  async row(value) {
    const answer = await this.service.fetch(`${this.path}/${value}`);
    return answer.ok ? answer.json() : undefined;
  }

  async count() {
    return Number(this.service.sql(`SELECT COUNT(*) FROM \`${this.table}\``));
  }
}

/** A moment on the browser's clock, as `datetime-local` has it: without the seconds where they are 0. Runs in the page. */
function typedMoment(value) {
  const time = new Date(value);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace(/:00$/, '');
}

/** Such rows as the first sample, in JSON, with these keys. */
export function rowsFrom(first, count) {
  return JSON.stringify(Array.from({ length: count }, (_, at) => ({ ...sample, [key]: first + at })));
}
