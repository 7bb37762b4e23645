/** The options of a lab, for those who may not reach into the engine: the command line. */
export {
  checkLimits,
  LAB_DEFAULTS,
  type LabOptions,
  obeys,
  PROFILE_NAMES,
} from '../../lab/options.js';
