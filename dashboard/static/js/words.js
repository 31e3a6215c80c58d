/** What states and reasons are called and drawn with; the codes come from fleet's closed lists. */

const STATES = {
  online: { word: 'Online', icon: 'circle-check', tone: 'online', rank: 4 },
  degraded: { word: 'Degraded', icon: 'triangle-alert', tone: 'degraded', rank: 1 },
  offline: { word: 'Offline', icon: 'circle-x', tone: 'offline', rank: 0 },
  unknown: { word: 'Unknown', icon: 'circle-question-mark', tone: 'idle', rank: 2 },
  revoked: { word: 'Revoked', icon: 'ban', tone: 'offline', rank: 0 },
  rejected: { word: 'Rejected', icon: 'ban', tone: 'offline', rank: 0 },
  decommissioned: { word: 'Decommissioned', icon: 'ban', tone: 'idle', rank: 3 },
  pending: { word: 'Pending', icon: 'hourglass', tone: 'idle', rank: 3 },
  idle: { word: 'Idle', icon: 'circle-dashed', tone: 'idle', rank: 3 },
  disabled: { word: 'Disabled', icon: 'circle-dashed', tone: 'idle', rank: 3 },
};

const REASONS = {
  'connection-lost': 'connection lost',
  'certificate-expired': 'certificate expired',
  'never-seen': 'never seen',
  revoked: 'cut off by a person',
  'server-restarted': 'server restarted',
  auth: 'wrong user or password at the source',
  decode: 'cannot be decoded',
  disk: 'its disk takes no events',
  dns: 'host name not found',
  frozen: 'picture frozen',
  gone: 'device gone',
  missing: 'source missing',
  timeout: 'no answer',
};

export const PRESENCES = ['offline', 'degraded', 'unknown', 'pending', 'online'];

/** The look of a state; one that is not known yet is shown as it is named. */
export function stateLook(state) {
  return STATES[state] ?? { word: state ? state.replaceAll('-', ' ') : 'Unknown', icon: 'circle-question-mark', tone: 'idle', rank: 2 };
}

/** The state that a camera is called by: the registry's word where it lets the camera in no more, else its presence. */
export function cameraState(camera) {
  if (camera.reason !== 'revoked') return camera.presence;
  return ['rejected', 'decommissioned'].includes(camera.state) ? camera.state : 'revoked';
}

/** A reason in words. */
export function reasonWords(reason) {
  return REASONS[reason] ?? (reason ?? '').replaceAll('-', ' ');
}
