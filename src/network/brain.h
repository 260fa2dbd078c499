/* What the files brain*.c share; not for other files. */
#ifndef CALLOSUM_BRAIN_H
#define CALLOSUM_BRAIN_H

#include "network/connectome.h"

enum { CLS_REGION_MIN_NEURONS = 5 }; /* of every region kept, so that E and I are not empty */

/* A growing list of names for one log line: the first so many, then how many more. */
typedef struct {
  char *text; /* NULL while empty; owned */
  uint64_t n; /* names added */
  uint64_t shown_at_most;
} cls_name_list;
cls_status cls_name_list_add(cls_name_list *list, const char *name);
/* "a, b, c and 7 more"; owned by the list until its next change. */
cls_status cls_name_list_text(cls_name_list *list, const char **text);
void cls_name_list_free(cls_name_list *list);

/* Projections whose sources are too few to be distinct, for the one warning about them. */
typedef struct {
  uint64_t n, of;
  char *example; /* owned: the projection that is shortest of sources */
  uint64_t example_indegree, example_sources;
} cls_shortage;

/* An expansion in progress. Arrays are owned. */
typedef struct {
  cls_network *network;
  const cls_connectome *connectome;
  const cls_brain *brain;
  const cls_world *world;
  uint32_t n;                            /* regions kept */
  uint32_t *kept;                        /* [n] their connectome indices, ascending */
  uint32_t *place;                       /* [n_regions] index among the kept; UINT32_MAX: dropped */
  uint64_t *neurons;                     /* [n] */
  uint64_t *excitatory;                  /* [n] of these */
  uint32_t *population;                  /* [n] number of NAME/E; NAME/I is the next */
  uint64_t local_e, local_i, long_range; /* synapses of a neuron; the sum is brain->indegree */
  int port_e, port_i;
  cls_shortage shortage;
} cls_expansion;

/* `total` divided in proportion to weight[n] >= 0 by the largest remainder (Hamilton's method; ties go to the
 * lower index), each at least `least`. The sum is exact. CLS_ERR_INPUT where total < n * least. */
cls_status cls_apportion(uint64_t total, const double *weight, uint32_t n, uint64_t least, uint64_t *share,
                         const char *what);

/* Decides which regions are kept, and neurons and excitatory of each; logs why. */
cls_status cls_brain_regions(cls_expansion *x);
/* Adds the four local projections of a region, `long_range` synapses of which come from local E too where
 * `isolated`. */
cls_status cls_brain_local(cls_expansion *x, uint32_t region, bool isolated);
/* Adds the long-range projections of all regions, and the local ones; logs what is decided about tracts. */
cls_status cls_brain_tracts(cls_expansion *x);

/* Notes that `projection` may not draw distinct sources and lets it repeat them. `sources`: how many there
 * are. */
cls_status cls_brain_repeat_sources(cls_expansion *x, cls_projection *projection, uint64_t indegree,
                                    uint64_t sources);
static inline const char *cls_kept_name(const cls_expansion *x, uint32_t region) {
  return x->connectome->names[x->kept[region]];
}

#endif
