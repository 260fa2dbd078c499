/* Section `assimilation:` of a job as read; included by io.h. */
#ifndef CALLOSUM_ASSIMILATION_OPTIONS_H
#define CALLOSUM_ASSIMILATION_OPTIONS_H

#include "network/network.h"

/* What of a population a hyperparameter is. */
typedef enum {
  CLS_HYPER_PARAM,       /* a parameter of the neurons' model ("g_AMPA_mS_cm2") */
  CLS_HYPER_INPUT_PARAM, /* a parameter of an input of theirs ("mean" of their background `ou`) */
  CLS_HYPER_RECEPTOR     /* what acts on a receptor, background included */
} cls_hyper_kind;

/* How the rows of a hyperparameter share their values. */
typedef enum {
  CLS_PER_REGION,   /* one value for each region */
  CLS_SHARED,       /* one for all */
  CLS_HIERARCHICAL, /* a shared one and a deviation for each region: value = shared + deviation, on the transformed scale */
} cls_hyper_per;

typedef enum { CLS_LOGIT, CLS_LOG } cls_hyper_transform; /* logit: 10 ln((h - l) / (u - h)), as published; log: ln h */
typedef enum { CLS_RANDOM_WALK, CLS_PERSISTENCE } cls_hyper_process; /* persistence: relaxes to its prior mean with tau_s; inf: constant */

typedef struct {
  char *name;
  cls_hyper_kind kind;
  char *what;                /* name of the parameter or receptor */
  int input;                 /* CLS_HYPER_INPUT_PARAM: number of the input of each population */
  uint32_t *population, n_populations; /* ascending */
  uint32_t *row, rows;       /* [n_populations] which row each population follows; rows: number of rows (regions that occur, or 1) */
  char **row_names;          /* [rows] names of regions, or "all" */
  int32_t *row_region;       /* [rows] index of the region in the network, -1: all */
  bool relative;             /* values are factors on what the job says; else they are values */
  cls_hyper_per per;
  cls_hyper_transform transform;
  double lower, upper;       /* bounds of the value */
  /* Prior of the value in each member: uniform within [prior_low, prior_high], members spread evenly in random order over it, each row in
   * an order of its own; or with `prior_mean`, `prior_sd` (of the transformed value) normal. */
  bool prior_normal;
  double prior_low, prior_high, prior_mean, prior_sd;
  double deviation_sd;       /* hierarchical: of the deviations, transformed scale */
  cls_hyper_process process;
  double sd;                 /* random walk and persistence: of the transformed value per cycle */
  double tau_s;              /* persistence */
  bool update;               /* false: a nuisance, drawn once and never corrected ("considered") */
} cls_hyperparameter;

typedef enum { CLS_OBSERVE_BOLD, CLS_OBSERVE_RATE, CLS_OBSERVE_CURRENT } cls_observe_kind;
typedef enum { CLS_DETREND_NONE, CLS_DETREND_MEAN, CLS_DETREND_LINEAR } cls_detrend;

typedef struct {
  cls_observe_kind kind; /* bold: per region; rate: Hz, mean over the cycle, per region or population; current: mean synaptic current */
  char *path, *variable; /* NULL path: a twin's, simulated */
  int orientation;       /* as cls_bold_orientation */
  double tr_s;
  double error;          /* standard deviation, in the unit of what the model predicts */
  bool error_relative;   /* error is a share of the standard deviation of each region's series */
  cls_detrend detrend;
  double band_low_hz, band_high_hz; /* 0, 0: none; causal (one pass), of order 2 */
  /* Rescaling of measured signals: none; to [low, high] by the extremes of the training part; or to the mean and standard deviation given */
  enum { CLS_RESCALE_NONE, CLS_RESCALE_RANGE, CLS_RESCALE_MOMENTS } rescale;
  double rescale_low, rescale_high, rescale_mean, rescale_sd;
  double train_s;        /* all that is fitted (scaling, detrending) comes from the first so many seconds; 0: all of it */
  double stop_s;         /* observations from here on are withheld (predicted and scored, not assimilated); 0: none */
  char **withheld_regions; uint32_t n_withheld_regions; /* names; "*" patterns */
  char *current_receptor; /* CLS_OBSERVE_CURRENT */
} cls_observation_options;

/* The truth of a twin: the same job with other values, simulated first. */
typedef struct {
  bool wanted;
  char **set; uint32_t n_set; /* "key.path=value": what differs in its job (another seed: a fraternal twin) */
  double low, high;           /* hyperparameters that are updated: each row uniform in [low, high] of its natural value */
  uint64_t seed;              /* of these draws and of the errors of observations */
  double mirror_at_s;         /* from here on v -> low + high - v; 0: never */
} cls_twin_options;

typedef enum { CLS_LOCALISE_NONE, CLS_LOCALISE_OWN, CLS_LOCALISE_DISTANCE, CLS_LOCALISE_CONNECTOME } cls_localise;

typedef struct {
  bool wanted;   /* the job has the section */
  int members;   /* >= 2 */
  int min_members; /* below: an error; default half of members, at least 2 */
  char *method;  /* as cls_method_names of assimilation/analysis.h */
  double tr_s;   /* biology of a cycle: of the first observation kind */
  uint32_t cycles;  /* 0: as many as there are observations, or as simulation.duration_ms gives */
  uint32_t burn_in; /* cycles before the first analysis */
  int groups;       /* of ranks; 0: as many as divide the members well */
  cls_localise localise;
  double half_width;  /* of Gaspari-Cohn: mm, or tracts' lengths / log weights for connectome */
  char *inflation;    /* none, fixed, rtps, adaptive */
  double inflation_factor, inflation_alpha, inflation_sd, inflation_max;
  bool rotate;
  double gamma;
  uint32_t passes;    /* esmda, ies */
  uint32_t window;    /* cycles of a smoother's window */
  uint32_t checkpoint_every; /* cycles; 0: only at the end and when asked */
  double replay_s;    /* open-loop replay after the end; 0: none */
  uint64_t seed;      /* of the filter's draws; default simulation.seed */
  cls_hyperparameter *hyper; uint32_t n_hyper;
  cls_observation_options *observe; uint32_t n_observe;
  cls_twin_options twin;
} cls_assimilation_options;

#endif
