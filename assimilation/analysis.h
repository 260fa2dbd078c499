/* Analyses: what an ensemble of forecasts becomes when observations are taken into account. All methods stand behind one
 * function, and know nothing of brains.
 *
 * Numbers lie in rows: state[row * members + member]. Everything handed in is the same on every rank, and so is what comes out, bit by
 * bit, on any number of ranks: sums run in the order of members and observations, and where a library may choose its kernel by
 * processor one rank computes and the others receive. Random numbers are functions of (seed, cycle, pass) and of what is drawn. */
#ifndef CALLOSUM_ANALYSIS_H
#define CALLOSUM_ANALYSIS_H

#include "base/base.h"

typedef enum {
  CLS_ENKF, /* perturbed observations (Burgers, van Leeuwen and Evensen 1998, Mon. Wea. Rev. 126, 1719-1724) */
  CLS_DENKF, /* deterministic (Sakov and Oke 2008, Tellus A 60, 361-371) */
  CLS_ETKF, /* symmetric ensemble transform (Bishop, Etherton and Majumdar 2001; Hunt, Kostelich and Szunyogh 2007) */
  CLS_LETKF, /* the same for each site, errors of observations grow with distance (Hunt et al. 2007, Physica D 230, 112-126) */
  CLS_ENSRF, /* serial square root (Whitaker and Hamill 2002, Mon. Wea. Rev. 130, 1913-1924) */
  CLS_ESMDA, /* one of several passes with errors inflated (Emerick and Reynolds 2013, Comput. Geosci. 55, 3-15), here by etkf or, where
                localised, letkf: no perturbed observations, so any schedule is exact where observations are linear */
  CLS_IES, /* Gauss-Newton iterations in the space of the ensemble (Sakov, Oliver and Bertino 2012; Raanes et al. 2019) */
  CLS_HMDA /* the Digital Twin Brain's: scalar updates by the own observation, and by all others with weight 1 - gamma
                (Lu, Feng et al. 2023, arXiv 2308.01241) */
} cls_method;
/* By name ("letkf"); -1 where there is none. NULL-terminated list for messages. */
int cls_method_find(const char *name);
extern const char *const cls_method_names[];

/* Which observations may change which rows. */
typedef struct {
  uint32_t sites;
  const double *distance; /* [sites][sites], >= 0, 0 on the diagonal, in any unit; INFINITY: never */
  double
      half_width; /* c of Gaspari and Cohn, in that unit: weight 0 from 2 c on. INFINITY: weight 1 everywhere; 0: 1 within a
                             site (distance 0), 0 elsewhere */
} cls_localisation;
/* Equation 4.10 of Gaspari and Cohn 1999 (Q. J. R. Meteorol. Soc. 125, 723-757). */
double cls_gaspari_cohn(double distance, double half_width);

typedef struct {
  cls_method method;
  int members;             /* >= 2 */
  uint64_t rows;           /* of the state */
  double *state;           /* [rows][members]; in: the forecast, out: the analysis */
  uint32_t n_obs;          /* errors are independent */
  const double *predicted; /* [n_obs][members] what each member expects to be observed */
  const double *observed;  /* [n_obs] */
  const double *sd;        /* [n_obs] > 0 */
  /* NULL: none. Needed by letkf; used by enkf, denkf (on gains), ensrf and esmda (as by letkf); etkf, ies and hmda take no notice. Rows and observations belong to sites. */
  const cls_localisation *localisation;
  const uint32_t *row_site,
      *obs_site; /* [rows], [n_obs]; NULL where there is no localisation and the method is not hmda */
  const uint64_t *
      obs_id; /* [n_obs] whom perturbations belong to, so that leaving one out changes no other's; NULL: 0, 1, 2 ... */
  bool
      rotate; /* etkf, letkf, esmda, ensrf: a random rotation that keeps the mean (Sakov and Oke 2008, Mon. Wea. Rev. 136, 1042-1053) */
  double gamma;  /* hmda: weight of the own observation */
  double weight; /* esmda: the inverse of this pass's share, >= 1 (variances are multiplied by it); else 1 */
  /* ies: the ensemble before the first iteration, and the iterate in the space of the ensemble, which the caller keeps between
   * iterations (begins as 0: the mean's coefficients [members], then the transform [members][members], begins as identity). `predicted`
   * is of the present iterate. */
  const double *prior; /* [rows][members] */
  double *iterate;     /* [members * (members + 1)] */
  uint64_t seed, cycle;
  uint32_t pass;
} cls_analysis;

/* Collective. Without observations, and for a site of letkf that none reaches, the forecast is kept to the bit (letkf: rotated with the others,
 * where asked for). PETSc begins with the first call; who ends MPI calls cls_linear_end() (linear.h) before. CLS_ERR_INPUT where the arguments do not fit together (letkf without localisation ...), CLS_ERR_INTERNAL where numbers are
 * not finite. */
cls_status cls_analyse(const cls_world *world, const cls_analysis *analysis);

/* ---- inflation ---- */

typedef enum {
  CLS_INFLATE_NONE,
  CLS_INFLATE_FIXED,
  CLS_INFLATE_RTPS,
  CLS_INFLATE_ADAPTIVE
} cls_inflation_kind;
typedef struct {
  cls_inflation_kind kind;
  double factor; /* fixed: on anomalies, after the analysis */
  double
      alpha; /* rtps: 0 ... 1, relaxation to the prior's spread (Whitaker and Hamill 2012, Mon. Wea. Rev. 140, 3078-3089) */
  double
      sd; /* adaptive: how uncertain a site's factor becomes between analyses (Miyoshi 2011, Mon. Wea. Rev. 139, 1519-1535) */
  double max; /* adaptive: greatest factor on variances */
} cls_inflation;
/* Local. Before the analysis: adaptive factors are estimated from this cycle's innovations, one for each site, and applied to
 * the anomalies of its rows and of its predicted observations. lambda[sites] is kept by the caller between cycles, begins as 1 (sites:
 * the localisation's, 1 without) and stays within 1 ... max. `predicted` is the analysis's, to be changed. Other kinds: nothing. */
cls_status cls_inflate_forecast(const cls_inflation *inflation, const cls_analysis *analysis,
                                double *predicted, double *lambda);
/* Local. After the analysis, fixed and rtps. forecast: [rows][members] before it (rtps), else NULL. */
cls_status cls_inflate_analysis(const cls_inflation *inflation, const cls_analysis *analysis,
                                const double *forecast);

#endif
