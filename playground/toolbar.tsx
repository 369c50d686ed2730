// The buttons that the playground adds to GraphiQL's toolbar: copy as curl, and download the schema.
import type { ReactElement, ReactNode } from 'react';
import { ToolbarButton, tryParseJSONC, useGraphiQL } from '@graphiql/react';
import type { Fetcher } from '@graphiql/toolkit';
import { buildClientSchema, getIntrospectionQuery, printSchema, type IntrospectionQuery } from 'graphql';
import { toCurl } from './curl.js';
import { findOperation } from './fetcher.js';
import { notify } from './notice.js';

function Icon({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <svg viewBox="0 0 16 16" className="graphiql-toolbar-icon" aria-hidden="true" fill="none" stroke="currentColor">
      {children}
    </svg>
  );
}

/** Parses the text of an editor, which may have comments. Returns no entries if the text is not valid, e.g. while the user types it. */
function parseEditor(editor: { getValue: () => string } | undefined): Record<string, unknown> {
  try {
    return toObject(tryParseJSONC(editor?.getValue() ?? ''));
  } catch {
    return {};
  }
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A button that copies the operation of the active tab as a curl command, with a shell variable in place of the API key. */
export function CopyAsCurl({ url }: { readonly url: URL }): ReactElement {
  const { queryEditor, variableEditor, headerEditor, operationName } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    headerEditor: state.headerEditor,
    operationName: state.operationName,
  }));
  const copy = async () => {
    const query = queryEditor?.getValue() ?? '';
    const operation = findOperation(query, operationName);
    const headerNames = [...new Set(['MC-Api-Key', ...Object.keys(parseEditor(headerEditor))])];
    const text = toCurl({
      url: url.href,
      query,
      operationName: operation?.name?.value ?? null,
      variables: parseEditor(variableEditor),
      headerNames,
      type: operation?.operation,
    });
    try {
      await navigator.clipboard.writeText(text);
      notify('The curl command is copied. It reads the API key from $MC_API_KEY.');
    } catch {
      notify('The browser does not allow this page to copy. Browsers allow it over HTTPS and on this machine only.');
    }
  };
  return (
    <ToolbarButton label="Copy as curl" onClick={() => void copy()}>
      <Icon>
        <path d="M1.5 2.5h13v11h-13zM4 6l2.5 2L4 10M8 10.5h4" />
      </Icon>
    </ToolbarButton>
  );
}

/** A button that downloads the gateway's schema in SDL, read by introspection. */
export function DownloadSchema({ fetcher }: { readonly fetcher: Fetcher }): ReactElement {
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const download = async () => {
    // GraphiQL's own schema has no @specifiedBy and no @oneOf.
    const query = getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    const headers = parseEditor(headerEditor);
    const result: unknown = await fetcher({ query, operationName: 'IntrospectionQuery' }, { headers });
    const { data, errors } = toObject(result);
    if (!isIntrospection(data)) {
      const [error]: readonly unknown[] = Array.isArray(errors) ? errors.map(toObject) : [];
      const { message } = toObject(error);
      notify(`The schema could not be read. ${typeof message === 'string' ? message : ''}`);
      return;
    }
    const file = URL.createObjectURL(new Blob([`${printSchema(buildClientSchema(data))}\n`], { type: 'text/plain' }));
    Object.assign(document.createElement('a'), { href: file, download: 'schema.graphql' }).click();
    URL.revokeObjectURL(file);
  };
  return (
    <ToolbarButton label="Download the schema (SDL)" onClick={() => void download()}>
      <Icon>
        <path d="M8 1.5v9M4.5 7 8 10.5 11.5 7M2 14.5h12" />
      </Icon>
    </ToolbarButton>
  );
}

function isIntrospection(data: unknown): data is IntrospectionQuery {
  return typeof data === 'object' && data !== null && '__schema' in data;
}
