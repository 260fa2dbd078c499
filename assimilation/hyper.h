/* Hyperparameters of an ensemble: their prior, how they wander between cycles, and what they make of populations.
 *
 * They are estimated on a transformed scale without bounds, in rows: theta[row * members + member]. A hyperparameter has a row for
 * each region, or one; a hierarchical one has a row that all regions share and a deviation for each region. Values are natural: within
 * their bounds. Everything here is local and the same on every rank; random numbers are functions of (seed, cycle, row, member). */
#ifndef CALLOSUM_HYPER_H
#define CALLOSUM_HYPER_H

#include "engine/engine.h"
#include "io/io.h"

/* A row of theta. */
typedef struct {
  uint32_t hyper; /* its hyperparameter */
  int32_t region; /* of the network; -1: all */
  bool update;    /* analyses may change it */
} cls_hyper_row;

typedef struct {
  const cls_hyperparameter *hyper; /* borrowed */
  uint32_t n_hyper;
  uint32_t *first_row, *first_value; /* [n_hyper] */
  cls_hyper_row *row;                /* [rows] */
  uint32_t rows, values;
} cls_hyper;

cls_status cls_hyper_create(const cls_hyperparameter *hyper, uint32_t n, cls_hyper *table);
void cls_hyper_destroy(cls_hyper *table);

/* Published transform (Lu, Feng et al. 2023): 10 ln((h - l) / (u - h)); or ln h. And back. */
double cls_hyper_transform_of(const cls_hyperparameter *h, double value);
double cls_hyper_value_of(const cls_hyperparameter *h, double transformed);

/* Fills theta [rows][members]: uniform priors are spread evenly over the members, in an order of each row's own. */
cls_status cls_hyper_prior(const cls_hyper *table, uint64_t seed, int members, double *theta);
/* How much of an average of innovations is kept from cycle to cycle: a memory of 5. */
#define CLS_SURPRISE_KEEP 0.8
/* One cycle of the process model. surprise [regions + 1], the last of what all share: averages of normalised innovations; the
 * standard deviation grows from sd to sd_max as their squares, over what chance gives, go from 4 to 16. */
void cls_hyper_walk(const cls_hyper *table, uint64_t seed, uint32_t cycle, double tr_s, int members,
                    const double *surprise, uint32_t regions, double *theta);
/* values [values][members] of theta. */
void cls_hyper_values(const cls_hyper *table, int members, const double *theta, double *values);
/* What the values of one member ([values], `stride` apart) make of the network: *scales [*n], freed by the caller. */
cls_status cls_hyper_scales(const cls_hyper *table, const double *values, size_t stride, cls_scale **scales,
                            size_t *n);

#endif
