// The third-party notices: which packages of others are shipped, under which licenses, and the licenses' texts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameAndVersion } from './packages.mjs';

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** The PostgreSQL License, which asks for this notice in all copies: PGlite is PostgreSQL as WebAssembly. */
const POSTGRESQL = `PostgreSQL Database Management System (also known as Postgres, formerly known as Postgres95)

Portions Copyright (c) 1996-2026, PostgreSQL Global Development Group

Portions Copyright (c) 1994, The Regents of the University of California

Permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a written
agreement is hereby granted, provided that the above copyright notice and this paragraph and the following two paragraphs appear in all copies.

IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA BE LIABLE TO ANY PARTY FOR DIRECT, INDIRECT, SPECIAL, INCIDENTAL, OR CONSEQUENTIAL DAMAGES,
INCLUDING LOST PROFITS, ARISING OUT OF THE USE OF THIS SOFTWARE AND ITS DOCUMENTATION, EVEN IF THE UNIVERSITY OF CALIFORNIA HAS BEEN ADVISED OF
THE POSSIBILITY OF SUCH DAMAGE.

THE UNIVERSITY OF CALIFORNIA SPECIFICALLY DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS FOR A PARTICULAR PURPOSE. THE SOFTWARE PROVIDED HEREUNDER IS ON AN "AS IS" BASIS, AND THE UNIVERSITY OF CALIFORNIA HAS NO OBLIGATIONS TO
PROVIDE MAINTENANCE, SUPPORT, UPDATES, ENHANCEMENTS, OR MODIFICATIONS.`;

const HEAD = `The teams-sms-gateway contains the software below, under the licenses that follow each list of packages.`;

/** The notices, each text once, after the packages that it belongs to. */
export function notices(packages) {
  const owners = new Map();
  for (const each of packages) {
    const text = textOf(each);
    owners.set(text, [...(owners.get(text) ?? []), `${nameAndVersion(each)} (${each.license})`]);
  }
  const sections = [...owners].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`);
  return `${[HEAD, ...sections].join(`\n${'-'.repeat(80)}\n\n`)}`;
}

function textOf({ name, directory, license, copyright }) {
  const files = directory === undefined || !existsSync(directory) ? [] : readdirSync(directory);
  const texts = files
    // The last: a package's notices about what it contains itself.
    .filter((file) => /^(licen[cs]e|copying|notice)(?!.*\.[cm]?[jt]s$)/i.test(file) || file === 'swagger-ui-bundle.js.LICENSE.txt')
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8').replaceAll('\r\n', '\n').trim());
  if (texts.length === 0 && license === 'MIT' && copyright) texts.push(`MIT License\n\n${copyright}\n\n${MIT}`);
  if (texts.length === 0) throw new Error(`${name} (${license}) has no license's text. Add its copyright to ops/image/licenses.json.`);
  if (name === '@electric-sql/pglite') texts.push(POSTGRESQL);
  return texts.join('\n\n');
}
