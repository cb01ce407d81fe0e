import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChannelStatus } from '../../../prisma/client/enums.ts';
import { entersBelow, statusRank } from '../../../src/domain/messages/message-status.ts';

/** What the database keeps after these reports, taken by the rule's one comparison. */
function statusAfter(reports: readonly ChannelStatus[], start: ChannelStatus = 'QUEUED'): ChannelStatus {
  return reports.reduce((status, report) => (statusRank(status) < entersBelow(report) ? report : status), start);
}

describe('a message’s status', () => {
  test('takes all steps forward', () => {
    expect(statusAfter(['SENDING', 'SENT', 'DELIVERED', 'READ'])).toBe('READ');
    expect(statusAfter(['SENDING', 'SENT', 'UNDELIVERED'])).toBe('UNDELIVERED');
    expect(statusAfter(['SENDING', 'DELIVERED'], 'RECEIVED')).toBe('DELIVERED');
  });

  test('ends the same if the reports of one course are shuffled and repeated', () => {
    const course = ['SENDING', 'SENT', 'DELIVERED'] as const;
    const reports = fc.shuffledSubarray([...course, ...course, ...course], { minLength: 7 });
    fc.assert(
      fc.property(reports, (shuffled) => {
        expect(statusAfter(shuffled)).toBe('DELIVERED');
      }),
    );
  });

  test('never moves back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...Object.values(ChannelStatus))),
        fc.constantFrom(...Object.values(ChannelStatus)),
        (reports, next) => {
          const status = statusAfter(reports);
          expect(statusRank(statusAfter([...reports, next]))).toBeGreaterThanOrEqual(statusRank(status));
        },
      ),
    );
  });

  test('is the first terminal status reported, except that READ follows DELIVERED', () => {
    for (const failure of ['UNDELIVERED', 'FAILED'] as const) {
      expect(statusAfter(['SENT', failure, 'DELIVERED', 'READ'])).toBe(failure);
      expect(statusAfter(['SENT', 'DELIVERED', failure])).toBe('DELIVERED');
      expect(statusAfter(['SENT', 'READ', failure])).toBe('READ');
    }
    expect(statusAfter(['FAILED', 'UNDELIVERED'])).toBe('FAILED');
    expect(statusAfter(['READ', 'DELIVERED'])).toBe('READ');
  });
});
