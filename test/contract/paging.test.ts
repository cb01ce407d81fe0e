import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ContractRequest } from '../../src/contract/operations/operation.ts';
import { pageData } from '../../src/contract/operations/paging.ts';

const request = (page: number, pageSize: number, given: ContractRequest['given'] = []): ContractRequest => ({
  sid: '',
  query: {},
  given,
  page,
  pageSize,
  body: {},
  idempotencyKey: undefined,
  showSecrets: true,
});

describe('a page', () => {
  test.each([
    ['/msteams/teams/mappings', 2, 1],
    ['/msteams/enterprises', 4, 3],
    ['/msteams/teamsbot/details', 7, 6],
  ])('of %s is the recorded one: %i records end at %i', (collection, total, end) => {
    const answer = JSON.parse(JSON.stringify(pageData([], total, collection, request(0, 10))));
    expect(answer).toEqual({
      result: [],
      pageSize: 10,
      total,
      page: 0,
      numPages: 1,
      start: 0,
      end,
      firstPageUri: `${collection}/search/?pageSize=10&page=0`,
      uri: `${collection}/search/?pageSize=10&page=0`,
    });
  });

  test('of messages is the recorded one: the first 10 of 14 end at 10', () => {
    expect(pageData([], 14, '/msteams/messages', request(0, 10))).toMatchObject({
      pageSize: 10,
      total: 14,
      page: 0,
      numPages: 2,
      start: 0,
      end: 10,
      firstPageUri: '/msteams/messages/search/?pageSize=10&page=0',
      nextPageUri: '/msteams/messages/search/?pageSize=10&page=1',
      uri: '/msteams/messages/search/?pageSize=10&page=0',
    });
  });

  test('in the middle links to both neighbors, under both spellings', () => {
    expect(pageData([], 14, '/msteams/messages', request(1, 5))).toMatchObject({
      start: 5,
      end: 10,
      previousPageUri: '/msteams/messages/search/?pageSize=5&page=0',
      previous_page_uri: '/msteams/messages/search/?pageSize=5&page=0',
      nextPageUri: '/msteams/messages/search/?pageSize=5&page=2',
      next_page_uri: '/msteams/messages/search/?pageSize=5&page=2',
    });
  });

  test('of an empty list has no pages and ends at 0', () => {
    const answer = pageData([], 0, '/msteams/messages', request(0, 10));
    expect(answer).toMatchObject({ total: 0, numPages: 0, start: 0, end: 0 });
    expect(answer.nextPageUri).toBeUndefined();
    expect(answer.previousPageUri).toBeUndefined();
  });

  test("keeps the request's filters and sort in its URIs, escaped", () => {
    const given = [
      ['name', 'a&b=ü'],
      ['startTime', '2018-10-05T22:45:32+0000'],
      ['sortBy', 'name:desc'],
    ] as const;
    expect(pageData([], 30, '/msteams/enterprises', request(0, 10, given)).nextPageUri).toBe(
      '/msteams/enterprises/search/?pageSize=10&page=1&name=a%26b%3D%C3%BC&startTime=2018-10-05T22:45:32%2B0000&sortBy=name:desc',
    );
  });

  test('links to every other page, for any total and size', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.integer({ min: 1, max: 1000 }), fc.nat(50), (total, pageSize, page) => {
        const answer = pageData([], total, '/c', request(page, pageSize));
        expect(answer.numPages).toBe(Math.ceil(total / pageSize));
        expect(answer.start).toBe(page * pageSize);
        expect(answer.end).toBe(Math.max(0, Math.min(answer.start + pageSize, total - 1)));
        expect(answer.previousPageUri !== undefined).toBe(page > 0);
        expect(answer.nextPageUri !== undefined).toBe((page + 1) * pageSize < total);
      }),
    );
  });
});
