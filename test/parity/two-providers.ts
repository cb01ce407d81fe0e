import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createRecordingRestcomm, type RecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, newEnterprise } from './faces.ts';

/** Two providers of a gateway whose Restcomm records its calls, and an enterprise of the first one. */
interface TwoProviders {
  readonly restcomm: RecordingRestcomm;
  readonly gateway: TestGateway;
  readonly provider: Provider;
  readonly other: Provider;
  /** The sid of the enterprise Kohl. */
  readonly kohl: string;
}

export async function createTwoProviders(): Promise<TwoProviders> {
  const restcomm = createRecordingRestcomm();
  const gateway = await createTestGateway({ platforms: { restcomm } });
  const [provider, other] = [await gateway.provider(), await gateway.provider()];
  const { sid: kohl } = await done(provider, 'createEnterprise', newEnterprise({ name: 'Kohl' }));
  return { restcomm, gateway, provider, other, kohl };
}
