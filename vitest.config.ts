import { defineConfig } from 'vitest/config';

// A shell may carry NODE_ENV=production, with which React leaves out what tests of components need.
process.env.NODE_ENV = 'test';

const seconds = (count: number) => count * 1000;

/** Runs in the main process before the first test of a project that names it: one PostgreSQL server for the run. */
const globalSetup = './tests/helpers/global-setup.ts';

/** A project for each folder of tests. The limits are far beyond a quiet machine's needs: CI shares its two cores. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.{ts,tsx}'],
          testTimeout: seconds(60),
          hookTimeout: seconds(60),
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.{ts,tsx}'],
          globalSetup,
          testTimeout: seconds(120),
          hookTimeout: seconds(120),
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.{ts,tsx}'],
          globalSetup,
          testTimeout: seconds(180),
          hookTimeout: seconds(180),
          // One file at a time and after the others: a console in a terminal is timed, and wants the machine.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
