/** The YAML parser, in a module of its own so that it can be loaded when a file is there to parse. */
export { parse as parseYaml } from 'yaml';
