/* What of a job bits can depend on: a checkpoint may be continued by another job only where this is the same. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What may change between a checkpoint and its restart. */
static bool is_free(const cls_yaml *section, const char *key) {
  static const char *const sections[] = {"checkpoint", "partition", "sweep", "assimilation"};
  static const char *const keys[] = {"backend", "beat_ms"};
  if (!section) {
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
      if (strcmp(key, sections[i]) == 0) return true;
    return false;
  }
  if (strcmp(section->key, "simulation") != 0) return false;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

/* A copy of a mapping without what is free; its items are those of the original. `section` NULL: the top. */
static cls_status reduce(const cls_yaml *map, const cls_yaml *section, cls_yaml *copy) {
  *copy = *map;
  copy->items = NULL;
  copy->n = copy->capacity = 0;
  CLS_TRY(cls_alloc(&copy->items, map->n, sizeof *copy->items, "job"));
  for (size_t i = 0; i < map->n; i++)
    if (!is_free(section, map->items[i]->key)) copy->items[copy->n++] = map->items[i];
  return CLS_OK;
}

cls_status cls_job_find_science(cls_job_reader *r) {
  cls_yaml top = {0}, simulation = {0};
  cls_status status = reduce(r->root, NULL, &top);
  for (size_t i = 0; i < top.n && status == CLS_OK; i++) {
    if (strcmp(top.items[i]->key, "simulation") != 0 || top.items[i]->kind != CLS_YAML_MAP) continue;
    status = reduce(top.items[i], top.items[i], &simulation);
    top.items[i] = &simulation;
    break;
  }
  if (status == CLS_OK) status = cls_yaml_emit(&top, &r->job->science);
  free(simulation.items);
  free(top.items);
  CLS_TRY(status);
  r->job->science_hash = cls_hash_string(r->job->science);
  return CLS_OK;
}

void cls_job_mix(cls_job *job, uint64_t hash) {
  job->hash = cls_mix64(job->hash ^ hash);
  job->science_hash = cls_mix64(job->science_hash ^ hash);
}

/* ---- what files held ---- */

static void mix_bytes(cls_job *job, const void *bytes, size_t n) {
  job->science_hash = cls_mix64(job->science_hash ^ (bytes && n > 0 ? XXH3_64bits(bytes, n) : n));
}

static void mix_wave(cls_job *job, const cls_wave *wave) {
  if (!wave || wave->kind != CLS_WAVE_SAMPLES) return;
  mix_bytes(job, wave->time_ms, wave->n * sizeof *wave->time_ms);
  mix_bytes(job, wave->sample, wave->n * sizeof *wave->sample);
}

static void mix_connectome(cls_job *job, const cls_connectome *c) {
  const uint64_t tracts = c->row[c->n_regions];
  mix_bytes(job, c->row, (c->n_regions + 1) * sizeof *c->row);
  mix_bytes(job, c->source, tracts * sizeof *c->source);
  mix_bytes(job, c->weight, tracts * sizeof *c->weight);
  mix_bytes(job, c->length_mm, tracts * sizeof *c->length_mm);
  mix_bytes(job, c->centre_mm, c->n_regions * sizeof *c->centre_mm);
}

static cls_status add_spikes(void *context, const uint64_t *step, const uint64_t *neuron, int n) {
  uint64_t *sum = context;
  for (int i = 0; i < n; i++) *sum += cls_mix64(cls_mix64(neuron[i]) + step[i]);
  return CLS_OK;
}

/* Of rank 0, which alone reads the files of spike trains here. */
static cls_status sum_trains(const cls_network *network, uint64_t *sum) {
  *sum = 0;
  for (uint32_t i = 0; i < network->n_trains; i++) {
    *sum = cls_mix64(*sum);
    CLS_TRY(network->trains[i]->scan(network->trains[i]->self, add_spikes, sum));
  }
  return CLS_OK;
}

cls_status cls_job_mix_content(cls_job_reader *r) {
  cls_job *job = r->job;
  const cls_network *network = job->network;
  uint64_t spikes = 0;
  CLS_TRY(cls_job_agree_root(r->world, r->world->rank == 0 ? sum_trains(network, &spikes) : CLS_OK));
  MPI_Bcast(&spikes, 1, MPI_UINT64_T, 0, r->world->comm);
  mix_bytes(job, &spikes, sizeof spikes);
  for (uint32_t i = 0; i < network->n_waveforms; i++) {
    for (int k = 0; k < network->waveforms[i]->n; k++) mix_wave(job, &network->waveforms[i]->wave[k]);
    mix_wave(job, network->waveforms[i]->gate);
  }
  for (uint32_t i = 0; i < network->n_populations; i++) {
    const cls_population *p = &network->populations[i];
    const uint64_t words[] = {cls_hash_string(p->name), cls_hash_string(p->model->name), p->n};
    mix_bytes(job, words, sizeof words);
  }
  if (job->connectome) mix_connectome(job, job->connectome);
  return CLS_OK;
}

/* ---- assimilation ---- */

/* What may change before an assimilation goes on. */
static bool is_free_of_assimilation(const char *key) {
  static const char *const keys[] = {"cycles", "groups", "min_members", "checkpoint_every"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

static cls_status hash_section(const cls_yaml *section, uint64_t *hash) {
  cls_yaml copy = *section;
  char *text = NULL;
  copy.n = copy.capacity = 0;
  CLS_TRY(cls_alloc(&copy.items, section->n, sizeof *copy.items, "job"));
  for (size_t i = 0; i < section->n; i++)
    if (!is_free_of_assimilation(section->items[i]->key)) copy.items[copy.n++] = section->items[i];
  const cls_status status = cls_yaml_emit(&copy, &text);
  free(copy.items);
  CLS_TRY(status);
  *hash = cls_hash_string(text);
  free(text);
  return CLS_OK;
}

/* Of rank 0, which holds them. */
static uint64_t hash_measured(const cls_assimilation_options *a) {
  uint64_t hash = 0;
  for (uint32_t i = 0; i < a->n_observe; i++) {
    const cls_empirical *e = a->observe[i].measured;
    hash = cls_mix64(hash ^ (e ? XXH3_64bits(e->data, e->volumes * e->regions * sizeof *e->data) : i));
  }
  return hash;
}

cls_status cls_job_hash_assimilation(cls_job_reader *r) {
  cls_job *job = r->job;
  const cls_yaml *section = cls_yaml_get(r->root, "assimilation");
  uint64_t text = 0, files = 0;
  if (!section) return CLS_OK;
  CLS_TRY(cls_agree(r->world->comm, hash_section(section, &text)));
  if (r->world->rank == 0) files = hash_measured(&job->assimilation);
  MPI_Bcast(&files, 1, MPI_UINT64_T, 0, r->world->comm);
  job->assimilation_hash = cls_mix64(cls_mix64(job->science_hash ^ text) ^ files);
  return CLS_OK;
}
