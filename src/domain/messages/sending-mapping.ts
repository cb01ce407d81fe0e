import type { EnterpriseStatus, Mapping } from '../../../prisma/client/client.ts';
import { selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { MAPPINGS } from '../mappings/mappings.ts';
import { normalizeSid } from '../values/sid.ts';

/** A mapping, and the status of its enterprise. */
type SendingMapping = Mapping & { readonly enterpriseStatus: EnterpriseStatus };

const SENDING_MAPPINGS: Table<SendingMapping> = {
  name: '(SELECT m.*, e.status AS enterprise_status FROM mapping m JOIN enterprise e ON e.sid = m.enterprise_sid) AS sending_mapping',
  fields: [...MAPPINGS.fields, 'enterpriseStatus'],
  owner: 'organizationSid',
};

/** Finds what sending through a mapping depends on, in the caller's reach, by one statement; `null` where there is none. */
export function findSendingMapping({ sql }: Gateway, caller: Caller, sid: string): Promise<SendingMapping | null> {
  return selectRow(sql, SENDING_MAPPINGS, { sid: normalizeSid(sid), ...belonging(caller) });
}
