/* A connectome: regions and the tracts between them, and its expansion into a network. */
#ifndef CALLOSUM_CONNECTOME_H
#define CALLOSUM_CONNECTOME_H

#include "network/network.h"
#include "network/unit.h"

/* Row = target, column = source, as in The Virtual Brain. Sparse rows (CSR): tracts of target i are
 * entries row[i] ... row[i + 1] - 1, sources ascending. All ranks hold the same. */
typedef struct {
  char *origin; /* where it came from, for the log: "subject.zip", "generator" */
  uint32_t n_regions;
  char **names;            /* unique */
  bool names_made_up;      /* R001 ...: the source has none */
  double (*centre_mm)[3];  /* NaN where unknown */
  double *area_mm2;        /* 0 or NaN where unknown */
  double *volume_mm3;      /* 0 or NaN where unknown */
  int8_t *hemisphere;      /* 0 left, 1 right, -1 unknown */
  int8_t *cortical;        /* 1, 0, -1 unknown */
  char **unit;             /* name of the unit a region is made of, "" where not stated; NULL: none is */
  double *synapse_density; /* >= 0, in any unit common to all; NaN where unknown */
  uint64_t *row;           /* n_regions + 1 */
  uint32_t *source;
  double *weight;    /* > 0 */
  double *length_mm; /* >= 0; 0: unknown */
} cls_connectome;

/* Local. Arrays are allocated (zeroed; names NULL, centres and synapse densities NaN), to be filled; unit is
 * not (cls_connectome_add_units). */
cls_status cls_connectome_create(uint32_t n_regions, uint64_t n_tracts, cls_connectome **connectome);
void cls_connectome_destroy(cls_connectome *connectome);
/* Local. Makes room for units where there is none: n_regions texts, all NULL, to be filled. */
cls_status cls_connectome_add_units(cls_connectome *connectome);
/* Local. Copies what is known of region j of `from`, but for its name and tracts, to region i of `to`. */
cls_status cls_connectome_copy_region(cls_connectome *to, uint32_t i, const cls_connectome *from, uint32_t j);
/* Checks shapes, names, finite non-negative numbers, order of sources. CLS_ERR_INPUT names region and
 * value. */
cls_status cls_connectome_check(const cls_connectome *connectome);
/* Collective: rank 0's connectome is copied to all others (pass NULL there). */
cls_status cls_connectome_broadcast(cls_connectome **connectome, MPI_Comm comm);

typedef struct {
  uint32_t regions;          /* default 76, at least 2 */
  uint64_t seed;             /* default 1 */
  double density;            /* share of possible tracts that exist, default .3 */
  double length_constant_mm; /* decay of the mean log weight with distance, default 20 */
  double weight_sigma;       /* SD of the log weight about that mean, default .5 */
} cls_generator;
cls_generator cls_generator_default(void);
/* Local, same bits everywhere. Two hemispheres of points on half ellipsoids (names L000..., R000...), tracts
 * symmetric, probability and mean weight falling with distance, homotopic regions always connected, every
 * region has at least one tract; lengths are 1.3 times the Euclidean distance. */
cls_status cls_connectome_generate(const cls_generator *options, cls_connectome **connectome);

typedef enum { CLS_SIZES_AUTO, CLS_SIZES_AREA, CLS_SIZES_VOLUME, CLS_SIZES_EQUAL } cls_region_sizes;

/* Section `brain:` of a job, defaults of reference values in parentheses. */
typedef struct {
  uint64_t neurons;  /* in total (20000) */
  uint64_t indegree; /* synapses per neuron, mean over a region's neurons (100) */
  /* What regions are made of (canonical). Not owned. unit_of: [regions of the connectome] number of the unit;
   * NULL: all are units[0]. */
  const cls_region_unit *units;
  uint32_t n_units;
  const uint32_t *unit_of;
  /* Synapse density, [regions of the connectome], NaN where unknown; NULL: all alike. The in-degree of a
   * region is multiplied by density / density_reference within density_low ... density_high (.7 ... 1.3),
   * as in the Digital Twin Brain. density_scales: conductances follow the in-degree here too (true). Not
   * owned. */
  const double *density;
  double density_reference, density_low, density_high;
  bool density_scales;
  cls_rule rule;   /* of long-range projections: fixed_indegree (weighted mixture) or fixed_total_number */
  bool procedural; /* their synapses are not stored; with fixed_total_number only */
  double velocity_m_s;             /* (3) */
  cls_distribution local_delay_ms; /* (uniform 1 ... 2) */
  double delay_jitter_ms; /* long range: a normal of this SD is added to length / velocity, clipped at +-3 SD
                             (.2) */
  double coupling;        /* multiplies long-range weights (1) */
  bool compensate;        /* multiply excitatory conductances by cls_brain_compensation too (true) */
  cls_region_sizes sizes; /* (auto: areas, else volumes, else equal) */
  const cls_model *model; /* lif_dtb */
  cls_distribution
      param[CLS_MAX_PARAMS]; /* of all populations; conductances before the scaling by 100 / in-degree */
  cls_input *inputs;         /* background, copied to every population (ou: 4 ms, .4, .15) */
  int n_inputs;
} cls_brain;

/* Measured factor on excitatory conductances, near 1, that keeps the rate of the default brain at other
 * in-degrees than 100 (see brain_populations.c). */
double cls_brain_compensation(double indegree);

/* Local, the same on every rank; what is decided about untidy tables is logged (rank 0). Adds, for every
 * region kept, a region, the populations of its unit (NAME/E and NAME/I of the canonical one) and their
 * projections. The network is not finished. On
 * success `*kept` (caller frees) lists the region indices of the connectome that were kept, `*n_kept` of
 * them. */
cls_status cls_network_add_brain(cls_network *network, const cls_connectome *connectome,
                                 const cls_brain *brain, const cls_world *world, uint32_t **kept,
                                 uint32_t *n_kept);

#endif
