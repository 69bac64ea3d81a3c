import { describe, expect, it } from 'vitest';
import { jobVariables, withoutJob } from '../../src/supervisor/environment.ts';

describe('environments', () => {
  const inside = {
    PROMETHEUS_JOB: '0001-x',
    PROMETHEUS_JOB_FOLDER: '/h/jobs/0001-x',
    PROMETHEUS_EVENTS_FD: '3',
    PROMETHEUS_HOME: '/h',
    SECRET: 's',
    PGHOST: 'p',
  };

  it('of a supervisor started from a job do not make it a process of that job', () => {
    expect(withoutJob(inside)).toEqual({
      PROMETHEUS_JOB: '',
      PROMETHEUS_HOME: '/h',
      SECRET: 's',
      PGHOST: 'p',
    });
  });

  it('of a job hold what is listed', () => {
    expect(jobVariables(inside)).toEqual({ PROMETHEUS_HOME: '/h', PGHOST: 'p' });
    expect(jobVariables(inside, ['SEC*'])).toEqual({ PROMETHEUS_HOME: '/h', SECRET: 's', PGHOST: 'p' });
  });
});
