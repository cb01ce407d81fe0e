import { graphql } from '../graph/graphql.ts';

/** Who is signed in, and what they may see. */
export const VIEWER = graphql(`
  query Viewer {
    viewer {
      permissions
      dateExpires
      account { sid friendlyName }
      admin { sid email }
      enterprise { sid name }
      organization { sid name displayName logo accentColor features }
    }
  }
`);
