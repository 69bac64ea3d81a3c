/** Stands for a package that is imported but never called (see bundle.ts). */
export default {};
