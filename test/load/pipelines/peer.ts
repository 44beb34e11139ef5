/**
 * Argo Workflows (workflow-controller of commit f016ad89, just after v4.1.2) on the same kind of machine, API server, simulated nodes and
 * client rules: by its defaults, and at the tuning that was best in each case. Measured once; not run again here.
 */
export const argo = {
  chain10: { total_s: { default: 100.21, best: 0.61 } },
  runs100: { runs_per_s: { default: 4, best: 32.8 }, writes_per_run: { default: 14, without_events_and_others: 5 } },
  fan100: { fan100_s: { default: 30.18, best: 3.1 }, rss_mb: { default: 98 } },
} as const
