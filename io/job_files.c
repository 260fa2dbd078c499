/* Files of synapses and positions that a job names. Rank 0 reads each once, from end to end, and checks every
 * row; then all ranks open it and are told what it holds. */
#include "io/edges_file.h"
#include "io/job.h"
#include "io/positions_file.h"
#include <stdlib.h>

cls_status cls_job_note_file(cls_job_reader *r, const cls_job_file *file) {
  CLS_TRY(cls_grow(&r->files, &r->file_capacity, r->n_files + 1, sizeof *r->files, "files of a job"));
  r->files[r->n_files++] = *file;
  return CLS_OK;
}

/* ---- synapses ---- */

static cls_status open_edges(cls_job_reader *r, const cls_job_file *file, const char *path) {
  const cls_network *network = r->job->network;
  cls_projection *projection = &network->projections[file->index];
  const cls_population *target = &network->populations[projection->target];
  const cls_population *source = &network->populations[projection->sources[0].population];
  cls_edges_limits limits = {.sources = source->n,
                             .targets = target->n,
                             .source_name = source->name,
                             .target_name = target->name,
                             .port = &target->model->ports[projection->port],
                             .dt_ms = network->dt_ms};
  return cls_edges_file_open(path, file->inner, &limits, &projection->edges);
}

/* What the list holds cannot be asked for by the projection too. */
static cls_status settle_edges(cls_job_reader *r, const cls_job_file *file) {
  cls_projection *projection = &r->job->network->projections[file->index];
  const cls_edge_table *edges = projection->edges;
  const cls_yaml *owner = file->node->parent;
  const cls_yaml *weight = cls_yaml_get(owner, "weight"), *delay = cls_yaml_get(owner, "delay_ms");
  if (edges->weights > 0 && weight)
    return cls_yaml_fail(weight, "stands beside the weights that %s lists: expected one of them",
                         edges->name);
  if (edges->delays && delay)
    return cls_yaml_fail(delay, "stands beside the delays that %s lists: expected one of them", edges->name);
  if (edges->delays) projection->delay_ms = cls_constant(0);
  return CLS_OK;
}

static void describe_edges(cls_job_reader *r, const cls_job_file *file) {
  const cls_edge_table *edges = r->job->network->projections[file->index].edges;
  const char *name = r->job->network->projections[file->index].name;
  cls_log(r->world, r->n_files > 32 ? 2 : 1,
          "projection '%s': %llu synapses from %s (checksum %016llx), at most %llu onto a neuron%s", name,
          (unsigned long long)edges->n, edges->name, (unsigned long long)edges->checksum,
          (unsigned long long)edges->max_indegree,
          cls_edges_file_is_sorted(edges) ? ""
                                          : "; not sorted by target_id, so that every rank reads all of it");
}

/* ---- positions ---- */

static cls_status open_positions(cls_job_reader *r, const cls_job_file *file, const char *path) {
  cls_population *population = &r->job->network->populations[file->index];
  return cls_positions_file_open(path, file->inner, population->n, population->name,
                                 &population->positions.table);
}

/* ---- one file ---- */

static cls_status open_file(cls_job_reader *r, const cls_job_file *file) {
  char *path;
  CLS_TRY(cls_job_path(r, file->node, file->file, &path));
  cls_status status = file->positions ? open_positions(r, file, path) : open_edges(r, file, path);
  free(path);
  return status;
}

static cls_status scan_file(cls_job_reader *r, const cls_job_file *file) {
  CLS_TRY(open_file(r, file));
  return file->positions ? cls_positions_file_scan(r->job->network->populations[file->index].positions.table)
                         : cls_edges_file_scan(r->job->network->projections[file->index].edges);
}

/* Collective. */
static cls_status load_file(cls_job_reader *r, const cls_job_file *file) {
  const cls_world *world = r->world;
  cls_status status = world->rank == 0 ? scan_file(r, file) : CLS_OK;
  if (status == CLS_ERR_INPUT || status == CLS_ERR_LIMIT) {
    cls_yaml_prefix(file->node, status);
    status = CLS_ERR_INPUT;
  }
  CLS_TRY(cls_job_agree_root(world, status));
  CLS_TRY(cls_agree(world->comm, world->rank == 0 ? CLS_OK : open_file(r, file)));
  cls_network *network = r->job->network;
  uint64_t checksum;
  if (file->positions) {
    cls_position_table *table = network->populations[file->index].positions.table;
    CLS_TRY(cls_positions_file_share(world, table));
    checksum = table->checksum;
  } else {
    cls_edge_table *table = network->projections[file->index].edges;
    CLS_TRY(cls_edges_file_share(world, table));
    CLS_TRY(settle_edges(r, file)); /* from shared figures: the same on all ranks */
    describe_edges(r, file);
    checksum = table->checksum;
  }
  cls_job_mix(r->job, checksum);
  return CLS_OK;
}

cls_status cls_job_load_files(cls_job_reader *r) {
  for (size_t i = 0; i < r->n_files; i++) CLS_TRY(load_file(r, &r->files[i]));
  return CLS_OK;
}
