import { Badge, makeStyles } from '@fluentui/react-components';
import { useWords, wordFor } from '../words/words.tsx';

/** Colours say no more than the words next to them. */
const COLOURS: Readonly<Record<string, 'success' | 'danger' | 'warning' | 'informative' | 'brand'>> = {
  ACTIVE: 'success',
  INACTIVE: 'warning',
  CLOSED: 'informative',
  DISABLED: 'warning',
  SUSPENDED: 'warning',
  QUEUED: 'informative',
  SENDING: 'informative',
  SENT: 'brand',
  DELIVERED: 'success',
  READ: 'success',
  RECEIVED: 'success',
  UNDELIVERED: 'danger',
  FAILED: 'danger',
};

const useStyles = makeStyles({ badge: { whiteSpace: 'nowrap' } });

/** The status of an enterprise, an account or a message. */
export function Status({ status }: { readonly status: string }) {
  const words = useWords();
  const styles = useStyles();
  return (
    <Badge className={styles.badge} appearance="tint" color={COLOURS[status] ?? 'informative'}>
      {wordFor(words, 'status', status)}
    </Badge>
  );
}

const HEALTH = { HEALTHY: 'success', WARNING: 'warning', UNHEALTHY: 'danger', UNKNOWN: 'informative' } as const;

/** How a bot is. */
export function HealthStatus({ status }: { readonly status: keyof typeof HEALTH }) {
  const words = useWords();
  const styles = useStyles();
  return (
    <Badge className={styles.badge} appearance="tint" color={HEALTH[status]}>
      {wordFor(words, 'botHealth', status)}
    </Badge>
  );
}

/** How a stream is doing. */
export function LiveState({ state }: { readonly state: 'connecting' | 'live' | 'behind' | 'offline' }) {
  const words = useWords();
  const colour = { connecting: 'informative', live: 'success', behind: 'warning', offline: 'danger' } as const;
  return (
    <Badge appearance="tint" color={colour[state]} role="status">
      {words(`live.${state}`)}
    </Badge>
  );
}
