/** The machine beside a profile. */
import { expect, it } from 'vitest';
import { judgeProfile, type MachineFacts, profileSchema } from '../../src/cli/doctor-profile.ts';
import { homeAt } from '../../src/platform/home.ts';
import { loadLayers } from '../../src/platform/layers.ts';

const GIB = 1024 ** 3;
const env = { XDG_CONFIG_HOME: '/nowhere' };
const profile = loadLayers('hardware/threadripper.yaml', profileSchema, homeAt('/nowhere'), env);
const same: MachineFacts = {
  cores: 32,
  memoryBytes: 157 * GIB,
  sharedMemoryBytes: 80 * GIB,
  freeBytes: 900 * GIB,
  gpu: { name: 'Tesla V100-PCIE-32GB', driver: '580.65.06', computeCapability: '7.0' },
  cuda: ['12.9.79'],
  cudnn: ['9.10.2'],
  postgres: {
    sharedBuffersBytes: 40 * GIB,
    maxWalBytes: 16 * GIB,
    maintenanceWorkMemBytes: 2 * GIB,
    maxConnections: 100,
  },
};
const bad = (facts: Partial<MachineFacts>) =>
  judgeProfile(profile, { ...same, ...facts })
    .filter(({ state }) => state !== 'OK')
    .map(({ name, state, advice }) => [name, state, advice.length > 0]);

it('is all OK on the machine of the profile', () => expect(bad({})).toEqual([]));

it('names what is less or other, with a fix', () => {
  expect(bad({ cores: 2, memoryBytes: 23 * GIB })).toEqual([
    ['cores', 'WARN', true],
    ['memory', 'WARN', true],
  ]);
  expect(bad({ gpu: { ...same.gpu!, driver: '590.10' } })).toEqual([['driver', 'WARN', true]]);
  expect(bad({ gpu: { ...same.gpu!, driver: '520.1' } })).toEqual([['driver', 'WARN', true]]);
  expect(bad({ gpu: { name: 'A100', driver: '580.1', computeCapability: '8.0' } })).toEqual([['GPU', 'WARN', true]]);
});

it('asks for a CUDA and a cuDNN that still serve the GPU', () => {
  expect(bad({ cuda: ['13.0.96', '12.4.127'], cudnn: ['9.1.0'] })).toEqual([]);
  expect(bad({ cuda: ['13.0.96'], cudnn: ['9.11.0'] })).toEqual([
    ['CUDA', 'WARN', true],
    ['cuDNN', 'WARN', true],
  ]);
  // Of another major release; of one that tells no more than its major.
  expect(bad({ cudnn: ['8.9.7'] })).toEqual([['cuDNN', 'WARN', true]]);
  expect(bad({ cuda: ['12'], cudnn: ['9'] })).toEqual([['cuDNN', 'WARN', true]]);
});

it('says unknown of what cannot be told', () => {
  expect(bad({ postgres: null, gpu: null, cuda: [], cudnn: [], freeBytes: null })).toEqual(
    [
      '/mnt/data',
      'GPU',
      'CUDA',
      'cuDNN',
      'shared_buffers',
      'max_wal_size',
      'maintenance_work_mem',
      'max_connections',
    ].map((name) => [name, 'UNKN', true]),
  );
});
