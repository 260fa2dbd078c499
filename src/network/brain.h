/* What the files brain*.c share; not for other files. */
#ifndef CALLOSUM_BRAIN_H
#define CALLOSUM_BRAIN_H

#include "network/apportion.h"
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
  uint32_t n;        /* regions kept */
  uint32_t *kept;    /* [n] their connectome indices, ascending */
  uint32_t *place;   /* [n_regions] index among the kept; UINT32_MAX: dropped */
  uint64_t *neurons; /* [n] */
  double *density;   /* [n] factor on the in-degree */
  uint32_t *first;   /* [n] number of the first population; the unit's others follow */
  bool *used;        /* [brain->n_units] by a region that is kept */
  int port_e, port_i;
  cls_shortage shortage;
} cls_expansion;

/* Decides which regions are kept, the neurons of each and its factor on the in-degree; logs why. */
cls_status cls_brain_regions(cls_expansion *x);
/* Adds regions and populations. */
cls_status cls_brain_populations(cls_expansion *x);
/* Adds the local projections of a region, whose neurons get the synapses of other regions from local
 * excitatory ones too where it is `isolated`. */
cls_status cls_brain_local(cls_expansion *x, uint32_t region, bool isolated);
/* Adds the long-range projections of all regions, and the local ones; logs what is decided about tracts. */
cls_status cls_brain_tracts(cls_expansion *x);

/* How crowded a mixture of sources is: what decides whether a neuron may draw one twice. */
typedef struct {
  uint64_t available; /* neurons of all sources */
  double most;        /* largest share / neurons of a source, */
  double share;       /* and that source's share */
  uint64_t neurons;   /* and neurons */
  bool alone;         /* one source: drawn distinct down to its last neuron */
} cls_crowding;
cls_crowding cls_brain_crowding(const cls_expansion *x, const cls_projection_source *sources, uint32_t n,
                                int64_t target);
/* Makes `p` draw its `indegree` sources, distinct unless they are too few: noted then, and neurons may be
 * drawn more than once. Drawn without repetition, a small source that is asked for more than half of its
 * neurons would fall behind its share of the mixture: that counts as too few. */
cls_status cls_brain_draw_distinct(cls_expansion *x, cls_projection *p, uint64_t indegree,
                                   const cls_crowding *crowding);
/* Notes that `projection` may not draw distinct sources and lets it repeat them. `sources`: how many there
 * are. */
cls_status cls_brain_repeat_sources(cls_expansion *x, cls_projection *projection, uint64_t indegree,
                                    uint64_t sources);

static inline const char *cls_kept_name(const cls_expansion *x, uint32_t region) {
  return x->connectome->names[x->kept[region]];
}
static inline uint32_t cls_unit_number(const cls_expansion *x, uint32_t region) {
  return x->brain->unit_of ? x->brain->unit_of[x->kept[region]] : 0;
}
static inline const cls_region_unit *cls_kept_unit(const cls_expansion *x, uint32_t region) {
  return &x->brain->units[cls_unit_number(x, region)];
}
/* Synapses of a neuron of the region's population `target`. */
static inline cls_status cls_kept_row(const cls_expansion *x, uint32_t region, uint32_t target,
                                      cls_unit_indegree *row) {
  return cls_unit_row(cls_kept_unit(x, region), target, (double)x->brain->indegree * x->density[region], row);
}

#endif
