/** Template variables in `command`, `args` and `env`: `{port}` and its like. Pure. */

export const TEMPLATE_NAMES = ['name', 'id', 'data_dir', 'port', 'socket', 'version'] as const;
export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** `name` is the service's, `version` is the id by another name. `port` and `socket` depend on how the service listens. */
export interface TemplateVars {
  readonly name: string;
  readonly id: string;
  readonly data_dir: string;
  readonly version: string;
  readonly port?: string | undefined;
  readonly socket?: string | undefined;
}

/**
 * Only braces around an identifier count: `{"a":1}` is text. `${x}` is left to a shell that may be run by the command.
 */
const VARIABLE = /(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Fills in the known variables that have a value; everything else stays as it is, and what was filled in is not read again. */
export function fillTemplate(text: string, vars: TemplateVars): string {
  return text.replace(VARIABLE, (whole, name: string) =>
    isTemplateName(name) ? (vars[name] ?? whole) : whole,
  );
}

/** The names in braces, known or not, in order. */
export function templateNames(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map((match) => match[1] ?? '');
}

export function isTemplateName(name: string): name is TemplateName {
  return (TEMPLATE_NAMES as readonly string[]).includes(name);
}
