/** The samplers that OTEL_TRACES_SAMPLER may name (OpenTelemetry, General SDK Configuration). */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export interface TracesSettings {
  readonly sampler: (typeof SAMPLERS)[number];
  /** The share of traces that a sampler by ratio takes, 0 to 1. */
  readonly samplerArg: number;
  readonly serviceName: string;
  /** How long spans are gathered before they are sent, in ms. */
  readonly delayMs: number;
}
