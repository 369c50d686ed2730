// The configuration files for the remote end, and what may keep the tunnel down. The gateway derives both; the console displays them.
import type { ErrorLike } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import { unmask } from '../gql';
import {
  type EnvironmentInput,
  RemoteEndDetailsFragmentDoc,
  RemoteEndFilesDocument,
  type RemoteEndFilesQuery,
  type RemoteEndFormat,
} from '../gql/graphql';
import { Button, CopyButton } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';

const formats: readonly { readonly format: RemoteEndFormat; readonly label: string }[] = [
  { format: 'SWANCTL', label: 'Show swanctl.conf' },
  { format: 'IPSEC_CONF', label: 'Show ipsec.conf' },
];

export interface RemoteEndProps {
  readonly environment: EnvironmentInput;
  readonly id: string;
}

/** Renders the panel with the remote end's files. They hold the key, so they load only on request, and are never cached. */
export function RemoteEnd({ environment, id }: RemoteEndProps) {
  const { remoteEnd, error, pendingFormat, show, hide } = useRemoteEnd(environment, id);
  const checks = remoteEnd ? unmask(RemoteEndDetailsFragmentDoc, remoteEnd).checks : [];
  return (
    <section className="card panel wide" aria-labelledby="remote-title">
      <div className="panel-head">
        <div>
          <h2 id="remote-title">Configuration of the remote end</h2>
          <p className="muted">Files for strongSwan at the remote end. They contain the pre-shared key.</p>
        </div>
        <div className="actions">
          {remoteEnd === undefined ? (
            formats.map(({ format, label }) => (
              <Button key={format} icon={Eye} isPending={pendingFormat === format} onPress={() => void show(format)}>
                {label}
              </Button>
            ))
          ) : (
            <Button icon={EyeOff} onPress={hide}>
              Hide the files
            </Button>
          )}
        </div>
      </div>
      {error !== undefined && <ErrorNotice title="There are no files for this VPN" error={error} tone="info" />}
      {checks.map(({ code, severity, field, message, advice }) => (
        <Notice key={`${code} ${field} ${message}`} tone={severity === 'ERROR' ? 'error' : 'warning'} title={message}>
          <p>{advice}</p>
        </Notice>
      ))}
      {remoteEnd?.files.map(({ name, content }) => (
        <div key={name}>
          <div className="panel-head">
            <h3 className="mono">{name}</h3>
            <CopyButton text={content} label={`Copy ${name}`} />
          </div>
          {/* The element scrolls, so keyboard users must be able to focus it. */}
          <pre className="code" tabIndex={0} role="region" aria-label={name}>
            {content}
          </pre>
        </div>
      ))}
    </section>
  );
}

type RemoteEndResult = NonNullable<NonNullable<RemoteEndFilesQuery['siteToSiteVpn']>['remoteEnd']>;

/** Returns the remote end with its files; undefined until `show` is called. */
function useRemoteEnd(environment: EnvironmentInput, id: string) {
  const client = useApolloClient();
  const [remoteEnd, setRemoteEnd] = useState<RemoteEndResult>();
  const [error, setError] = useState<ErrorLike>();
  const [pendingFormat, setPendingFormat] = useState<RemoteEndFormat>();
  const show = async (format: RemoteEndFormat): Promise<void> => {
    setPendingFormat(format);
    const { data, error } = await client.query({
      query: RemoteEndFilesDocument,
      variables: { environment, id, format },
      fetchPolicy: 'no-cache',
      errorPolicy: 'all',
    });
    setPendingFormat(undefined);
    setError(error);
    setRemoteEnd(data?.siteToSiteVpn?.remoteEnd ?? undefined);
  };
  const hide = (): void => {
    setRemoteEnd(undefined);
  };
  return { remoteEnd, error, pendingFormat, show, hide };
}
