/* Section `assimilation:` of a job as read; included by io.h. Everything is resolved and checked; it is the same on every rank but for
 * `measured`, which rank 0 holds.
 *
 * A site is what rows and observations belong to: a region of a brain, or, in a network that is written out and has no regions, a
 * population. */
#ifndef CALLOSUM_ASSIMILATION_OPTIONS_H
#define CALLOSUM_ASSIMILATION_OPTIONS_H

#include "network/network.h"

struct cls_empirical_;

uint32_t cls_site_count(const cls_network *network);
const char *cls_site_name(const cls_network *network, uint32_t site);
uint32_t cls_site_of(const cls_network *network, uint32_t population);

/* What of a population a hyperparameter is. */
typedef enum {
  CLS_HYPER_PARAM,       /* a parameter of the neurons' model ("g_AMPA_mS_cm2") */
  CLS_HYPER_INPUT_PARAM, /* a parameter of an input of theirs ("mean" of their background `ou`), or of a stimulus */
  CLS_HYPER_RECEPTOR /* what acts on a receptor, background included */
} cls_hyper_kind;

/* How the rows of a hyperparameter share their values. */
typedef enum {
  CLS_PER_REGION, /* one value for each site */
  CLS_SHARED,     /* one for all */
  CLS_HIERARCHICAL, /* a shared one and a deviation for each site: value = shared + deviation, on the transformed scale */
} cls_hyper_per;

/* logit: 10 ln((h - l) / (u - h)), as published; log: ln h */
typedef enum { CLS_LOGIT, CLS_LOG } cls_hyper_transform;
/* persistence: relaxes to its prior mean with tau_s; inf: constant */
typedef enum { CLS_RANDOM_WALK, CLS_PERSISTENCE } cls_hyper_process;

typedef struct {
  char *name; /* unique, at most 63 letters */
  cls_hyper_kind kind;
  char *what;                          /* name of the parameter or receptor */
  uint32_t *population, n_populations; /* ascending, at least one */
  int *input; /* [n_populations] CLS_HYPER_INPUT_PARAM: number of that population's input; else -1 */
  /* [n_populations] index of `what` in that population's model, in its input's model, or among its receptors over all ports */
  int *which;
  uint32_t *row;       /* [n_populations] which row each population follows */
  uint32_t rows;       /* sites that occur, or 1 */
  char **row_names;    /* [rows] names of sites, or "all" */
  int32_t *row_region; /* [rows] index of the site, ascending; -1: all */
  bool relative;       /* values are factors on what the job says (receptors: always); else they replace it */
  cls_hyper_per per;
  cls_hyper_transform transform;
  double lower, upper; /* bounds of the value, lower < upper; log without bounds: 0, INFINITY */
  /* Prior of the value in each member: uniform within [prior_low, prior_high], members spread evenly in random order over it, each row in
   * an order of its own; or normal on the transformed scale: prior_mean is the (natural) value whose transform is the mean,
   * prior_sd the standard deviation of the transformed value. */
  bool prior_normal;
  double prior_low, prior_high, prior_mean, prior_sd; /* uniform: prior_mean is the middle */
  /* twin: from where the truth of each row is drawn, uniformly; natural; within the bounds */
  double truth_low, truth_high;
  double deviation_sd; /* hierarchical: of the deviations, transformed scale */
  cls_hyper_process process;
  double sd;     /* random walk and persistence: of the transformed value per cycle */
  double sd_max; /* >= sd: as far as it grows where innovations are larger than expected */
  double tau_s;  /* persistence */
  bool update;   /* false: a nuisance, drawn once and never corrected ("considered") */
} cls_hyperparameter;

typedef enum { CLS_OBSERVE_BOLD, CLS_OBSERVE_RATE, CLS_OBSERVE_CURRENT } cls_observe_kind;
typedef enum { CLS_DETREND_NONE, CLS_DETREND_MEAN, CLS_DETREND_LINEAR } cls_detrend;
typedef enum { CLS_RESCALE_NONE, CLS_RESCALE_RANGE, CLS_RESCALE_MOMENTS } cls_rescale;

typedef struct {
  /* bold: per region; rate: Hz, mean over the cycle, per site; current: mean synaptic current */
  cls_observe_kind kind;
  char *path, *variable; /* NULL path: a twin's, simulated */
  int orientation;       /* as cls_bold_orientation */
  double tr_s;           /* that of the cycle */
  double error;          /* standard deviation, in the unit of what the model predicts */
  /* error is a share of the standard deviation of each site's prepared series (its training part) */
  bool error_relative;
  cls_detrend detrend;
  double band_low_hz, band_high_hz; /* 0, 0: none; causal (one pass), of order 2 */
  /* Rescaling of measured signals: none; to [low, high] by the extremes of the training part; or to the mean and standard deviation given */
  cls_rescale rescale;
  double rescale_low, rescale_high, rescale_mean, rescale_sd;
  /* all that is fitted (scaling, detrending) comes from the first so many seconds; 0: all of it. Never beyond stop_s */
  double train_s;
  /* observations of cycles that end later are withheld (predicted and scored, not assimilated); 0: none */
  double stop_s;
  char **withheld_regions;
  uint32_t n_withheld_regions; /* names; "*" patterns; as written */
  bool *withheld;              /* [sites] which these are; not all */
  char *current_receptor;      /* CLS_OBSERVE_CURRENT; NULL: the sum over receptors */
  /* rank 0: the series by site as the file has them, NaN where not measured; NULL: a twin, other ranks */
  struct cls_empirical_ *measured;
} cls_observation_options;

/* How many of `volumes` lie in the training part. */
uint64_t cls_observation_volumes(const cls_observation_options *options, uint64_t volumes);

/* The truth of a twin: the same job with other values, simulated first. */
typedef struct {
  bool wanted;
  char **set;
  uint32_t n_set;     /* "key.path=value": what differs in its job (another seed: a fraternal twin) */
  double low, high;   /* where hyperparameters say nothing else (see truth_low); NaN: their prior's range */
  uint64_t seed;      /* of these draws and of the errors of observations */
  double mirror_at_s; /* from here on v -> truth_low + truth_high - v; 0: never */
} cls_twin_options;

typedef enum {
  CLS_LOCALISE_NONE,
  CLS_LOCALISE_OWN,
  CLS_LOCALISE_DISTANCE,
  CLS_LOCALISE_CONNECTOME
} cls_localise;

typedef struct {
  bool wanted;     /* the job has the section; all below is 0 where it has not */
  int members;     /* >= 2 */
  int min_members; /* below: an error; default half of members, at least 2 */
  char *method;    /* as cls_method_names of assimilation/analysis.h */
  double tr_s;     /* biology of a cycle; a multiple of 1 ms and of dt_ms */
  /* at least 1, never more than simulation.duration_ms holds; default: that, or as many as files have volumes */
  uint32_t cycles;
  uint32_t burn_in; /* cycles before the first analysis; less than cycles */
  int groups;       /* of ranks; 0: as many as divide the members well */
  cls_localise localise;
  /* of Gaspari-Cohn, mm: between centres (distance) or along tracts (connectome); else 0 */
  double half_width;
  char *inflation; /* none, fixed, rtps, adaptive */
  double inflation_factor, inflation_alpha, inflation_sd, inflation_max;
  bool rotate;
  double gamma;
  double innovation_limit;   /* 0: none */
  uint32_t lag;              /* filters: cycles back to which observations correct hyperparameters */
  uint32_t passes;           /* esmda, ies; others: 1 */
  uint32_t window;           /* cycles of a smoother's window; others: 1 */
  uint32_t checkpoint_every; /* cycles; 0: only at the end and when asked */
  uint64_t seed;             /* of the filter's draws; default simulation.seed */
  bool control;              /* what is estimated does not reach the neurons */
  cls_hyperparameter *hyper;
  uint32_t n_hyper;
  cls_observation_options *observe;
  uint32_t n_observe;
  cls_twin_options twin;
} cls_assimilation_options;

#endif
