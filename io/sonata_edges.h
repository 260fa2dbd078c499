/* Edges of a SONATA circuit as they are read, piece by piece; not for other folders. */
#ifndef CALLOSUM_SONATA_EDGES_H
#define CALLOSUM_SONATA_EDGES_H

#include "io/sonata_files.h"

enum {
  SONATA_PIECE = 1 << 15, /* edges read at a time */
  SONATA_GROUPS = 256     /* edge groups of a population */
};

/* What edges may have of their own, else of their type. */
enum { SONATA_NSYNS, SONATA_WEIGHT, SONATA_DELAY, SONATA_OWN };

/* What edges of a type have in common. */
typedef struct {
  double weight, delay, nsyns, sign; /* NaN: not said; sign 0: that of the source */
} sonata_edge_type;

/* The edges of one population. */
typedef struct {
  sonata_circuit *circuit;
  const char *path, *name; /* of the file and the edge population */
  hid_t file;
  const sonata_types *types;
  sonata_edge_type *type; /* per row of the types */
  const sonata_population *source, *target;
  cls_h5_column source_id, target_id, type_id, group_id, group_index;
  cls_h5_column own[SONATA_GROUPS][SONATA_OWN]; /* of edge groups; name NULL: the type's */
  bool listed_delays;                           /* some edges have delays of their own */
  /* one piece */
  int64_t *sources, *targets, *edge_types, *groups, *indices;
  double *value; /* [SONATA_OWN][SONATA_PIECE]; NaN: the type's */
  double *slab;  /* scratch */
} sonata_edges;

/* Where an edge belongs. */
typedef struct {
  size_t row, pair; /* of its type; (row x source members + source member) x target members + target member */
  uint32_t source_member, target_member;
  uint64_t source, target; /* neurons of their members */
} sonata_edge_place;

/* What lookups of the edge before are worth: most edges are like their neighbours. Start with zeros. */
typedef struct {
  size_t source_run, target_run, row;
  int64_t type;
} sonata_edge_memory;

/* Opens the edge population `name` and reads its types. To be closed also after an error. */
cls_status sonata_edges_open(sonata_circuit *circuit, hid_t file, const char *path, const char *name,
                             const sonata_types *types, sonata_edges *edges);
void sonata_edges_close(sonata_edges *edges);
/* Ends and types of edges [first, first + n), n at most SONATA_PIECE; then what they have of their own. */
cls_status sonata_edges_read_ends(sonata_edges *edges, uint64_t first, uint64_t n);
cls_status sonata_edges_read_values(sonata_edges *edges, uint64_t first, uint64_t n);
/* Where edge i of the piece belongs, which is edge `number` of the population. */
cls_status sonata_edges_place(const sonata_edges *edges, uint64_t number, uint64_t i,
                              sonata_edge_memory *memory, sonata_edge_place *place);
/* Its number of synapses, weight (with its sign) and delay. */
cls_status sonata_edges_value(const sonata_edges *edges, uint64_t number, uint64_t i,
                              const sonata_edge_place *place, double *nsyns, double *weight, double *delay);

#endif
