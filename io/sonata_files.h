/* What the files that read SONATA circuits share; not for other folders. */
#ifndef CALLOSUM_SONATA_FILES_H
#define CALLOSUM_SONATA_FILES_H

#include "io/hdf5_column.h"
#include "io/sonata.h"
#include <cjson/cJSON.h>

/* ---- configurations (sonata_config.c) ---- */

/* A file and its types. Owned strings; types may be NULL. */
typedef struct {
  char *file, *types;
} sonata_file;
/* Spikes of a node population. */
typedef struct {
  char *file, *population;
} sonata_input;

typedef struct {
  sonata_file *nodes, *edges;
  sonata_input *inputs;
  size_t n_nodes, n_edges, n_inputs;
  char *neuron_models, *synapse_models; /* folders of dynamics_params; NULL: not said */
  double duration_ms, dt_ms;            /* 0: not said */
  char *origin;                         /* of the circuit */
} sonata_config;

cls_status sonata_config_read(const char *path, const char *simulation, sonata_config *config);
void sonata_config_free(sonata_config *config);
/* A JSON file of at most a few megabytes; *tree to be deleted by the caller. */
cls_status sonata_json_read(const char *path, cJSON **tree);

/* ---- tables of types (sonata_types.c) ---- */

/* One row per type; words separated by blanks, "quoted" where they hold some. */
typedef struct {
  char *path, *text;
  const char **cell; /* [rows][columns], row 0 are the names of the columns */
  size_t rows, columns;
  int id; /* column of the ids */
} sonata_types;

/* `id`: "node_type_id" or "edge_type_id". */
cls_status sonata_types_read(const char *path, const char *id, sonata_types *types);
void sonata_types_free(sonata_types *types);
/* Row of a type, 0: there is none. */
size_t sonata_type_row(const sonata_types *types, int64_t id);
/* A word of a row; NULL where there is no such column or it says NULL. */
const char *sonata_type_text(const sonata_types *types, size_t row, const char *column);
/* The same as a number; `*found` says whether there is one. */
cls_status sonata_type_number(const sonata_types *types, size_t row, const char *column, bool *found,
                              double *value);

/* ---- nodes (sonata_nodes.c) ---- */

/* A population of the job: the nodes of one type, or of all where they are virtual. */
typedef struct {
  char *name;
  size_t row; /* in the types; 0: virtual nodes */
  uint64_t n;
  char type; /* 'E', 'I' or 0 */
} sonata_member;

/* Nodes from `first` to the next run are neurons index, index + 1, ... of a member. */
typedef struct {
  uint64_t first, index;
  uint32_t member;
} sonata_run;

typedef struct {
  char *name;
  uint64_t n;
  bool is_virtual;
  sonata_types *types; /* of the circuit */
  sonata_member *members;
  sonata_run *runs;
  size_t n_members, n_runs, member_capacity, run_capacity;
} sonata_population;

typedef struct {
  sonata_config config;
  sonata_types *node_types; /* one per file of nodes */
  sonata_population *populations;
  size_t n_populations, population_capacity;
  cls_sonata_summary *summary;
} sonata_circuit;

cls_status sonata_nodes_read(sonata_circuit *circuit);
void sonata_nodes_free(sonata_circuit *circuit);
/* NULL: there is none. */
const sonata_population *sonata_population_find(const sonata_circuit *circuit, const char *name);
/* Where node `id` (below n) is. Remember `*run` between calls: neighbours are found at once. */
void sonata_node_find(const sonata_population *population, uint64_t id, size_t *run, uint32_t *member,
                      uint64_t *index);
/* Adds a line to the notes of the summary. */
cls_status sonata_note(sonata_circuit *circuit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- what is written ---- */

/* A projection of the job: edges of one type between two members. */
typedef struct {
  char *name; /* of the projection, and of its group in network.h5 */
  const sonata_population *source, *target;
  uint32_t source_member, target_member;
  uint64_t n;
  double delay_ms; /* of all edges; NaN: listed */
} sonata_projection;

typedef struct {
  sonata_projection *projections;
  size_t n, capacity;
} sonata_projections;

/* network.h5, and the projections it holds (sonata_edges.c). */
cls_status sonata_edges_import(sonata_circuit *circuit, const char *path, sonata_projections *made);
/* spikes.h5; nothing is written where no virtual node has spikes (sonata_spikes.c). */
cls_status sonata_spikes_import(sonata_circuit *circuit, const char *path);
/* job.yaml (sonata_job.c). */
cls_status sonata_job_write(sonata_circuit *circuit, const sonata_projections *projections, const char *path);

#endif
