// The configuration of the other end: addresses, networks and files, and checks of the tunnel. The gateway derives all of it.
import type { ErrorLike } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { Download, Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import { unmask } from '../gql';
import {
  type EnvironmentInput,
  RemoteEndDetailsFragmentDoc,
  RemoteEndFilesDocument,
  type RemoteEndFormat,
} from '../gql/graphql';
import { Button, CopyButton, CopyIcon } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';
import { toCheckText } from './check-texts';
import type { VpnNetworks } from './use-vpn-networks';

const formats: readonly { readonly format: RemoteEndFormat; readonly name: string }[] = [
  { format: 'SWANCTL', name: 'swanctl.conf' },
  { format: 'IPSEC_CONF', name: 'ipsec.conf' },
];

interface RemoteEndProps {
  readonly environment: EnvironmentInput;
  readonly id: string;
  readonly networks: VpnNetworks;
}

/** Renders the panel of the other end. Its files hold the key, so they load only on request, and are never cached. */
export function RemoteEnd({ environment, id, networks: { vpn, error, retry } }: RemoteEndProps) {
  const details = unmask(RemoteEndDetailsFragmentDoc, vpn?.remoteEnd);
  const checks = vpn && details ? details.checks.map((check) => ({ check, text: toCheckText(check, vpn) })) : [];
  return (
    <section className="card panel wide" aria-labelledby="remote-title">
      <div>
        <h2 id="remote-title">The other end</h2>
        <p className="muted">What the router there must be configured with. Its “local” side is yours.</p>
      </div>
      {!vpn && error === undefined && <p className="muted">Loading…</p>}
      {error !== undefined && !details && (
        <ErrorNotice title="The other end cannot be derived" error={error} tone="warning" onRetry={retry} />
      )}
      {details && (
        <>
          <dl className="ends">
            <Fact name="Local address" values={[details.localAddress]} />
            <Fact name="Peer address" values={[details.peerAddress]} />
            <Fact name="Local networks" values={details.localNetworks} />
            <Fact name="Peer networks" values={details.peerNetworks} />
          </dl>
          <h3>{checks.length === 0 ? 'Checks: nothing found that keeps the tunnel down' : 'Checks'}</h3>
          <ul className="checks">
            {checks.map(({ check: { code, severity, field, message }, text: { title, advice } }) => (
              <li key={`${code} ${field} ${message}`}>
                <Notice tone={severity === 'ERROR' ? 'error' : 'warning'} title={title} isQuiet>
                  <p>{advice}</p>
                </Notice>
              </li>
            ))}
          </ul>
          <Files environment={environment} id={id} />
        </>
      )}
    </section>
  );
}

function Fact({ name, values }: { readonly name: string; readonly values: readonly string[] }) {
  return (
    <div>
      <dt>{name}</dt>
      {values.map((value) => (
        <dd key={value} className="copyable">
          <span className="mono">{value}</span>
          <CopyIcon text={value} what={`${name.toLowerCase()} ${value}`} />
        </dd>
      ))}
    </div>
  );
}

function Files({ environment, id }: Pick<RemoteEndProps, 'environment' | 'id'>) {
  const { format: shown, files, error, pendingFormat, show, hide } = useFiles(environment, id);
  return (
    <>
      <div className="panel-head">
        <div>
          <h3>Files for strongSwan</h3>
          <p className="muted">They contain the pre-shared key.</p>
        </div>
        <div className="actions">
          {formats.map(({ format, name }) =>
            format === shown ? (
              <Button key={format} icon={EyeOff} onPress={hide}>
                Hide {name}
              </Button>
            ) : (
              <Button key={format} icon={Eye} isPending={pendingFormat === format} onPress={() => void show(format)}>
                Show {name}
              </Button>
            ),
          )}
        </div>
      </div>
      {error !== undefined && <ErrorNotice title="There are no files for this VPN" error={error} tone="info" />}
      {files.map(({ name, content }) => (
        <div key={name} className="file">
          <div className="panel-head">
            <h4 className="mono">{name}</h4>
            <div className="actions">
              <CopyButton text={content} label={`Copy ${name}`} />
              <Button
                icon={Download}
                onPress={() => {
                  save(name, content);
                }}
              >
                Save {name}
              </Button>
            </div>
          </div>
          {/* The element scrolls, so keyboard users must be able to focus it. */}
          <pre className="code" tabIndex={0} role="region" aria-label={name}>
            {content}
          </pre>
        </div>
      ))}
    </>
  );
}

interface File {
  readonly name: string;
  readonly content: string;
}

interface Files {
  readonly format?: RemoteEndFormat;
  readonly files: readonly File[];
  readonly error?: ErrorLike | undefined;
}

/** Returns the files of the remote end; none until `show` is called. */
function useFiles(environment: EnvironmentInput, id: string) {
  const client = useApolloClient();
  const [state, setState] = useState<Files>({ files: [] });
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
    const files = data?.siteToSiteVpn?.remoteEnd?.files;
    setState(files ? { format, files } : { files: [], error });
  };
  const hide = (): void => {
    setState({ files: [] });
  };
  return { ...state, pendingFormat, show, hide };
}

/** Saves a file through the browser. */
function save(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
